// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "mpi-boot/enclosing.hpp"

#include <cstdlib>

#include "runtime/log.hpp"
#include "workflow/client.hpp"

namespace hactor {

namespace {

constexpr double patience_s = 5;
constexpr double last_patience_s = 1;

caf::expected<json> note(const std::string& around, const std::string& job, const json& uri,
                         double wait_s) {
  auto broker = workflow::client::connect(around);
  if (!broker)
    return std::move(broker.error());
  return broker->ask("job.memo", {{"ids", json::array({job})}, {"memo", {{"uri", uri}}}}, wait_s);
}

} // namespace

std::string tell_enclosing(const std::string& uri) {
  auto* around = std::getenv("HACTOR_ENCLOSING_URI");
  auto* job = std::getenv("HACTOR_ENCLOSING_ID");
  if (around == nullptr || job == nullptr)
    return {};
  auto told = note(around, job, uri, patience_s);
  if (!told)
    log_warning("job {} of the instance around this one does not show it: {}", job,
                render(told.error()));
  std::string where{around};
  ::unsetenv("HACTOR_ENCLOSING_URI"); // an instance that is started in this one is not meant
  return where;
}

void leave_enclosing(const std::string& around) {
  if (auto* job = std::getenv("HACTOR_ENCLOSING_ID"); job != nullptr && !around.empty())
    (void)note(around, job, nullptr, last_patience_s);
}

} // namespace hactor
