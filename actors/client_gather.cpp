// What the connector asks of the job manager for many requests of clients together: to follow jobs,
// and what became of them. All that is in the mailbox before the connector's message to itself goes
// into one request: for each answer CAF 0.17 looks through all requests that are not answered yet,
// so that a request a job would make the time of n jobs grow with the square of n.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <memory>
#include <unordered_map>

#include "actors/connector.hpp"
#include "runtime/limits.hpp"

namespace hactor {

namespace {

using pointer = connector_state::pointer;

constexpr auto deadline = std::chrono::seconds(limits::request_timeout_s);

/// Jobs that one request names: its answer may have the environment of each.
constexpr size_t jobs_per_request = 1'000;

/// Calls `ask` with parts of `all`.
template <class T, class Ask>
void in_parts(std::vector<T> all, Ask ask) {
  for (auto begin = all.begin(); begin != all.end();) {
    auto end =
        begin + static_cast<ptrdiff_t>(std::min<size_t>(jobs_per_request, all.end() - begin));
    ask(std::vector<T>{std::make_move_iterator(begin), std::make_move_iterator(end)});
    begin = end;
  }
}

void gather(pointer self) {
  if (!std::exchange(self->state.gathers, true))
    self->send(self, caf::flush_atom_v);
}

// -- following ------------------------------------------------------------------------------------

void on_followed(pointer self, const follow_request& asked, const follow_reply& reply) {
  HACTOR_CHECK(reply.jobs.size() == asked.jobs.size());
  for (size_t i = 0; i < asked.jobs.size(); ++i) {
    auto number = asked.jobs[i].tag;
    auto& begin = reply.jobs[i];
    if (begin.code != 0) {
      fail_stream(self, number, make_error(static_cast<ec>(begin.code), begin.why));
      continue;
    }
    if (!begin.jobspec.empty())
      hide_terminals(self, number, begin.jobspec);
    on_job_events(self, number, begin.events, begin.ranks);
  }
}

void ask_to_follow(pointer self, const std::vector<uint64_t>& numbers) {
  auto r = std::make_shared<follow_request>();
  r->subscriber = caf::actor_cast<caf::actor>(self);
  for (auto number : numbers) {
    auto it = self->state.streams.find(number);
    if (it == self->state.streams.end())
      continue; // withdrawn, and nobody would withdraw it again
    auto& s = it->second;
    r->jobs.push_back({s.id, number, s.kind == client_stream::what::attach && !s.own});
  }
  if (r->jobs.empty())
    return;
  auto fail = [self, r](const caf::error& e) {
    for (auto& job : r->jobs)
      fail_stream(self, job.tag, e);
  };
  with_lead(
      self,
      [self, r, fail](const rank_services& lead) {
        self->request(caf::actor_cast<job_manager_actor>(lead.job_manager), deadline, *r)
            .then([self, r](const follow_reply& x) { on_followed(self, *r, x); }, fail);
      },
      fail);
}

// -- summaries ------------------------------------------------------------------------------------

using wanted_summaries = std::vector<connector_state::wanted_summary>;

void give_summaries(pointer self, const wanted_summaries& wanted, const list_reply& reply) {
  std::unordered_map<job_id, const job_summary*> found;
  for (auto& s : reply.jobs)
    found.emplace(s.id, &s);
  std::unordered_map<job_id, const unread_job*> unread;
  for (auto& u : reply.unread)
    unread.emplace(u.id, &u);
  for (auto& w : wanted) {
    auto it = found.find(w.id);
    if (auto u = unread.find(w.id); u != unread.end()) {
      w.fail(make_error(static_cast<ec>(u->second->code), u->second->why));
      continue;
    }
    if (it == found.end()) {
      w.fail(make_error(ec::unknown_job, to_string(w.id) + ": no job has this id"));
      continue;
    }
    auto own = *it->second; // several may want it
    w.use(own);
  }
  // In the same turn as the answers: whoever has one may ask at once which job ends next.
  auto waited = std::exchange(self->state.waited, {});
  if (waited.empty())
    return;
  with_lead(
      self,
      [self, waited](const rank_services& lead) {
        self->send(caf::actor_cast<job_manager_actor>(lead.job_manager), waited_for{waited});
      },
      [](const caf::error&) {});
}

void ask_for_summaries(pointer self, wanted_summaries some) {
  auto wanted = std::make_shared<const wanted_summaries>(std::move(some));
  auto fail = [wanted](const caf::error& e) {
    for (auto& w : *wanted)
      w.fail(e);
  };
  with_lead(
      self,
      [self, wanted, fail](const rank_services& lead) {
        list_request r;
        r.skip_unknown = true; // one that was purged, or is damaged, fails alone
        for (auto& w : *wanted)
          r.ids.push_back(w.id);
        self->request(caf::actor_cast<job_manager_actor>(lead.job_manager), deadline, r)
            .then([self, wanted](const list_reply& x) { give_summaries(self, *wanted, x); }, fail);
      },
      fail);
}

} // namespace

void follow_job(pointer self, uint64_t number) {
  self->state.to_follow.push_back(number);
  gather(self);
}

void with_summary(pointer self, job_id id, std::function<void(job_summary&)> use,
                  std::function<void(const caf::error&)> fail) {
  self->state.to_summarize.push_back({id, std::move(use), std::move(fail)});
  gather(self);
}

void ask_gathered(pointer self) {
  auto& st = self->state;
  st.gathers = false;
  in_parts(std::exchange(st.to_follow, {}),
           [self](const std::vector<uint64_t>& some) { ask_to_follow(self, some); });
  in_parts(std::exchange(st.to_summarize, {}),
           [self](wanted_summaries some) { ask_for_summaries(self, std::move(some)); });
}

} // namespace hactor
