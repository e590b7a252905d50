// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "mpi-boot/enclosing.hpp"

#include <cstdlib>

#include "runtime/log.hpp"
#include "workflow/client.hpp"

namespace hactor {

namespace {

constexpr double patience_s = 5;

} // namespace

void tell_enclosing(const std::string& uri) {
  auto* around = std::getenv("HACTOR_ENCLOSING_URI");
  auto* job = std::getenv("HACTOR_ENCLOSING_ID");
  if (around == nullptr || job == nullptr)
    return;
  auto broker = workflow::client::connect(around);
  auto told = broker ? broker->ask("job.memo",
                                   {{"ids", json::array({job})}, {"memo", {{"uri", uri}}}},
                                   patience_s)
                     : caf::expected<json>{broker.error()};
  if (!told)
    log_warning("job {} of the instance around this one does not show it: {}", job,
                render(told.error()));
  ::unsetenv("HACTOR_ENCLOSING_URI"); // an instance that is started in this one is not meant
}

} // namespace hactor
