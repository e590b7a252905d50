// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "mpi-boot/enclosing.hpp"

#include <cstdlib>

#include "graph/rset.hpp"
#include "runtime/log.hpp"

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

void enclosing_instance::tell(const std::string& uri) {
  auto* around = std::getenv("HACTOR_ENCLOSING_URI");
  auto* job = std::getenv("HACTOR_ENCLOSING_ID");
  if (around == nullptr || job == nullptr)
    return;
  around_ = around;
  ::unsetenv("HACTOR_ENCLOSING_URI"); // an instance that is started in this one is not meant
  auto told = note(around_, job, uri, patience_s);
  if (!told)
    log_warning("job {} of the instance around this one does not show it: {}", job,
                render(told.error()));
  auto broker = workflow::client::connect(around_);
  if (!broker) {
    log_warning("changes of the limit of job {} around this instance will not be heard of: {}", job,
                render(broker.error()));
    return;
  }
  watch_ = std::move(*broker);
  watch_->request("job.watch", {{"id", job}, {"key", "R"}});
  if (watch_->flush())
    watch_.reset();
}

void enclosing_instance::leave() {
  watch_.reset();
  if (auto* job = std::getenv("HACTOR_ENCLOSING_ID"); job != nullptr && !around_.empty())
    (void)note(around_, job, nullptr, last_patience_s);
}

std::optional<double> enclosing_instance::take_end() {
  std::optional<double> end;
  while (watch_) {
    auto f = watch_->receive_now();
    if (f && !*f)
      break;
    if (!f || (*f)->kind != workflow::frame_kind::item) { // the job or the instance has ended
      watch_.reset();
      break;
    }
    auto item = workflow::parse_object((*f)->payload);
    if (!item)
      continue;
    if (auto r = parse_rset(workflow::text_at(*item, "value")))
      end = r->expiration;
  }
  return end;
}

} // namespace hactor
