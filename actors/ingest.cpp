// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/ingest.hpp"

#include <unordered_set>

#include <fmt/format.h>

#include "runtime/clock.hpp"
#include "runtime/limits.hpp"

namespace hactor {

namespace {

constexpr auto deadline = std::chrono::seconds(limits::request_timeout_s);

/// Puts "jobs[3]: " before the error of one of several submissions.
caf::error at_job(size_t index, size_t count, const caf::error& e) {
  return count == 1 ? e : make_error(code_of(e), fmt::format("jobs[{}]: {}", index, render(e)));
}

/// Everything about one submission that can be judged without the scheduler.
caf::expected<accepted_spec> check(ingest_state& st, const submission& s) {
  auto spec = st.reader->read(s.jobspec);
  if (!spec)
    return std::move(spec.error());
  if (s.urgency < 0 || s.urgency > limits::urgency_max)
    return make_error(ec::bad_argument,
                      fmt::format("urgency {}: must be 0 to {}", s.urgency, limits::urgency_max));
  accepted_spec a;
  a.spec.here = std::move(*spec);
  a.urgency = s.urgency;
  a.flags = s.flags;
  a.with_cc_env = s.with_cc_env;
  return a;
}

/// Asks once for all that ask for the same.
feasible_request ask_feasible(const accept_request& accept) {
  feasible_request r;
  std::unordered_set<const resource_request*> asked;
  for (size_t i = 0; i < accept.specs.size(); ++i) {
    auto& spec = accept.specs[i].spec;
    if (!asked.insert(spec.here->request.get()).second)
      continue;
    r.specs.push_back(spec);
    if (accept.specs.size() > 1)
      r.positions.push_back(i);
  }
  return r;
}

void give_ids(ingest_state& st, const submission& s, accepted_spec& a) {
  auto now_ns = wall_ns();
  if (s.cc.empty()) {
    a.ids.push_back(st.ids->next(now_ns));
    return;
  }
  a.ids.reserve(s.cc.size());
  a.cc.reserve(s.cc.size());
  for (auto& run : s.cc.runs())
    for (uint64_t i = run.first; i <= run.last; ++i) {
      a.ids.push_back(st.ids->next(now_ns));
      a.cc.push_back(static_cast<int64_t>(i));
    }
}

caf::result<submit_reply> submit(ingest_state::pointer self, submit_request& r) {
  auto& st = self->state;
  ++st.requests;
  uint64_t total = 0;
  for (auto& s : r.jobs)
    total += s.cc.empty() ? 1 : s.cc.size();
  if (total == 0 || total > limits::jobs_per_request_max)
    return make_error(ec::too_big, fmt::format("{} jobs in one request: must be 1 to {}", total,
                                               limits::jobs_per_request_max));
  accept_request accept;
  accept.userid = r.userid;
  accept.specs.reserve(r.jobs.size());
  for (size_t i = 0; i < r.jobs.size(); ++i) {
    auto a = check(st, r.jobs[i]);
    if (!a)
      return at_job(i, r.jobs.size(), a.error());
    accept.specs.push_back(std::move(*a));
    r.jobs[i].jobspec = {}; // it is not needed any more, and there may be many
  }
  auto promise = self->make_response_promise<submit_reply>();
  self->request(st.peers.scheduler, deadline, ask_feasible(accept))
    .then(
      [self, promise, r = std::move(r), accept = std::move(accept), total](done) mutable {
        auto& st = self->state;
        for (size_t i = 0; i < r.jobs.size(); ++i)
          give_ids(st, r.jobs[i], accept.specs[i]);
        st.jobs += static_cast<int64_t>(total);
        self->request(st.peers.job_manager, caf::infinite, std::move(accept))
          .then([promise](submit_reply& x) mutable { promise.deliver(std::move(x)); },
                [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
      },
      [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
  return promise;
}

} // namespace

ingest_actor::behavior_type ingest_service(ingest_state::pointer self, ingest_peers peers,
                                           std::shared_ptr<spec_cache> specs,
                                           std::shared_ptr<id_source> ids) {
  auto& st = self->state;
  st.peers = std::move(peers);
  st.reader = std::make_unique<spec_reader>(std::move(specs));
  st.ids = std::move(ids);
  return {
    [self](submit_request& r) { return submit(self, r); },
    [self](stats_atom) {
      return stats_reply{{{"requests", self->state.requests}, {"jobs", self->state.jobs}}};
    },
    [](waits_atom) { return waits_reply{}; }, // whoever submits is known to the connector
  };
}

} // namespace hactor
