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

/// `own`: the note goes when we do, however that is.
caf::expected<json> note(workflow::client& around, const char* job, const json& uri, bool own,
                         double wait_s) {
  return around.ask("job.memo",
                    {{"ids", json::array({job})}, {"memo", {{"uri", uri}}}, {"own", own}}, wait_s);
}

} // namespace

void enclosing_instance::tell(const std::string& uri) {
  auto* around = std::getenv("HACTOR_ENCLOSING_URI");
  auto* job = std::getenv("HACTOR_ENCLOSING_ID");
  if (around == nullptr || job == nullptr)
    return;
  job_ = job;
  auto broker = workflow::client::connect(around);
  ::unsetenv("HACTOR_ENCLOSING_URI"); // an instance that is started in this one is not meant
  auto told = broker ? note(*broker, job, uri, true, patience_s) : std::move(broker.error());
  if (!told) {
    log_warning("job {} of the instance around this one does not show it: {}", job,
                render(told.error()));
    return;
  }
  watch_ = std::move(*broker);
  watch_->request("job.watch", {{"id", job}, {"key", "R"}});
  if (watch_->flush())
    watch_.reset();
}

void enclosing_instance::leave() {
  if (watch_)
    (void)note(*watch_, job_.c_str(), nullptr, false, last_patience_s);
  watch_.reset();
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
