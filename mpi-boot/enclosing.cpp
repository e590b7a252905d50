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
  if (!told)
    log_warning("job {} of the instance around this one does not show it: {}", job,
                render(told.error()));
  if (!told && (!broker || code_of(told.error()) != ec::timed_out)) // else it may yet
    return;
  watch_ = std::move(*broker);
  begin_watch();
}

void enclosing_instance::begin_watch() {
  watch_tag_ = watch_->request("job.watch", {{"id", job_}, {"key", "R"}});
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
    if (!f) { // the instance has ended
      watch_.reset();
      break;
    }
    if ((*f)->tag != watch_tag_)
      continue; // an answer that nobody waits for any more
    if ((*f)->kind != workflow::frame_kind::item) {
      end_watch(**f);
      continue;
    }
    auto item = workflow::parse_object((*f)->payload);
    if (!item)
      continue;
    if (auto r = parse_rset(workflow::text_at(*item, "value")))
      end = r->expiration;
  }
  return end;
}

/// The connection stays: the note goes with it.
void enclosing_instance::end_watch(const workflow::frame& f) {
  watch_tag_ = 0;
  auto end = workflow::result_of(f);
  if (end)
    return; // the job has ended
  log_warning("the end of job {} of the instance around this one is not followed{}: {}", job_,
              code_of(end.error()) == ec::timed_out ? " for a while" : "", render(end.error()));
  if (code_of(end.error()) == ec::timed_out)
    begin_watch();
}

} // namespace hactor
