// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/job_manager_requests.hpp"

#include <algorithm>
#include <unordered_set>

#include <fmt/format.h>

#include "actors/job_constraint.hpp"
#include "runtime/clock.hpp"
#include "runtime/limits.hpp"

namespace hactor {

namespace {

constexpr auto archive_deadline = std::chrono::seconds(limits::request_timeout_s);
constexpr uint32_t inactive_bit = static_cast<uint32_t>(job_state::inactive);

/// A count that is told once the events behind it are durable. `is_written`: there are some.
caf::result<count_reply> count_when_durable(job_manager_state& st, caf::expected<uint64_t> count,
                                            bool is_written = true) {
  if (!count)
    return std::move(count.error());
  if (!st.paused.empty()) { // nobody waits for room
    st.end_turn();
    return is_written ? caf::result<count_reply>{st.unwritten()} : count_reply{*count};
  }
  auto promise = st.self->make_response_promise<count_reply>();
  st.answer_when_durable([&st, promise, is_written, n = *count](const caf::error& e) mutable {
    if (e && is_written)
      promise.deliver(st.unwritten());
    else
      promise.deliver(count_reply{n});
  });
  st.end_turn();
  return promise;
}

} // namespace

caf::result<count_reply> raise_on_jobs(job_manager_state& st, const raise_request& r) {
  return count_when_durable(st, st.core.raise(st.now(), r, st));
}

caf::result<count_reply> kill_jobs(job_manager_state& st, const kill_request& r) {
  return count_when_durable(st, st.core.kill(r, st), false); // a signal is no event
}

caf::result<count_reply> add_memo(job_manager_state& st, const memo_request& r) {
  return count_when_durable(st, st.core.add_memo(st.now(), r, st));
}

caf::result<count_reply> set_urgency(job_manager_state& st, const urgency_request& r) {
  return count_when_durable(st, st.core.set_urgency(st.now(), r, st));
}

caf::result<list_reply> list_jobs(job_manager_state& st, const list_request& asked) {
  list_reply reply;
  auto r = asked;
  auto constraint = read_constraint(r);
  if (!constraint)
    return std::move(constraint.error());
  auto* only = *constraint ? &**constraint : nullptr;
  auto asks_archive = !r.ids.empty() || (r.states & inactive_bit) != 0;
  list_request archived = r;
  if (r.ids.empty()) {
    if ((r.states & ~inactive_bit) != 0)
      reply.jobs = st.core.list(r, only);
    if (r.max != 0 && reply.jobs.size() >= r.max)
      asks_archive = false;
    else if (r.max != 0)
      archived.max = r.max - reply.jobs.size();
  } else {
    archived.ids.clear();
    for (auto id : r.ids)
      if (!st.core.knows(id))
        archived.ids.push_back(id);
    reply.jobs = st.core.list(r, only);
    asks_archive = !archived.ids.empty();
  }
  if (only != nullptr && only->is_spent())
    return only->spent_error();
  if (only != nullptr)
    archived.comparisons = only->comparisons();
  if (!asks_archive)
    return reply;
  auto promise = st.self->make_response_promise<list_reply>();
  st.self->request(st.peers.archive, archive_deadline, archived)
    .then(
      [promise, reply = std::move(reply)](list_reply& ended) mutable {
        // A job that ended meanwhile, or is durable but not yet forgotten, would be in both halves.
        std::unordered_set<job_id> shown;
        for (auto& s : reply.jobs)
          shown.insert(s.id);
        for (auto& s : ended.jobs)
          if (shown.count(s.id) == 0)
            reply.jobs.push_back(std::move(s));
        reply.unread = std::move(ended.unread);
        promise.deliver(std::move(reply));
      },
      [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
  return promise;
}

caf::result<job_reply> show_job(job_manager_state& st, const job_request& r) {
  if (st.core.knows(r.id)) {
    auto whole = st.core.whole(r.id);
    if (!whole)
      return std::move(whole.error());
    for (auto rank : whole->ranks)
      whole->nodes.push_back(st.peers.where.node(rank));
    return std::move(*whole);
  }
  auto promise = st.self->make_response_promise<job_reply>();
  st.self->request(st.peers.archive, archive_deadline, r)
    .then([promise](job_reply& x) mutable { promise.deliver(std::move(x)); },
          [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
  return promise;
}

namespace {

/// Jobs that somebody is about to follow. What is not in memory is asked of the archive first: all
/// are answered together, so that no event is pushed before the answer.
struct follow_start {
  follow_request request;
  follow_reply reply;
  std::vector<bool> told; // by the archive
  caf::typed_response_promise<follow_reply> promise;
};
using follow_start_ptr = std::shared_ptr<follow_start>;

/// One is answered: what was withdrawn while none is due was followed already.
void end_follow_start(job_manager_state& st) {
  if (--st.follows_due == 0)
    st.withdrawn.clear();
}

/// Answers with the events that are durable now, and has all others pushed.
/// Requires: all jobs that the archive has not told of are in memory.
void begin_to_follow(job_manager_state& st, follow_start& f) {
  std::unordered_map<job_id, size_t> pending; // events that are not durable
  for (auto& e : st.gathering.batch.events)
    ++pending[e.id];
  for (size_t i = 0; i < f.told.size(); ++i) {
    if (f.told[i])
      continue;
    auto& job = f.request.jobs[i];
    auto& begin = f.reply.jobs[i];
    begin.events = st.core.events(job.id);
    begin.ranks = st.core.ranks(job.id);
    if (auto it = pending.find(job.id); it != pending.end())
      begin.events.resize(begin.events.size() - it->second);
    if ((begin.events.empty() || begin.events.back().after != job_state::inactive)
        && !st.withdrawn.contains({f.request.subscriber.address(), job.tag}))
      st.followers[job.id].push_back({job.tag, f.request.subscriber});
  }
  end_follow_start(st);
  f.promise.deliver(std::move(f.reply));
}

void follow_when_durable(job_manager_state& st, const follow_start_ptr& f);

/// Asks until nothing is unknown: jobs may leave memory while the archive looks.
void look_up_and_follow(job_manager_state& st, const follow_start_ptr& f) {
  follow_request unknown;
  std::vector<size_t> places;
  for (size_t i = 0; i < f->told.size(); ++i)
    if (!f->told[i] && !st.core.knows(f->request.jobs[i].id)) {
      unknown.jobs.push_back(f->request.jobs[i]);
      places.push_back(i);
    }
  if (unknown.jobs.empty())
    return begin_to_follow(st, *f);
  st.self->request(st.peers.archive, archive_deadline, std::move(unknown))
      .then(
          [&st, f, places](follow_reply& x) {
            for (size_t i = 0; i < places.size(); ++i) {
              f->reply.jobs[places[i]] = std::move(x.jobs[i]);
              f->told[places[i]] = true;
            }
            follow_when_durable(st, f);
          },
          [&st, f](caf::error& e) {
            end_follow_start(st);
            f->promise.deliver(std::move(e));
          });
}

/// What has happened so far is told once it is durable; what happens after that is pushed.
void follow_when_durable(job_manager_state& st, const follow_start_ptr& f) {
  st.answer_when_durable([&st, f](const caf::error& e) {
    if (!e)
      return look_up_and_follow(st, f);
    end_follow_start(st);
    f->promise.deliver(e);
  });
  st.end_turn();
}

} // namespace

caf::result<follow_reply> follow_jobs(job_manager_state& st, follow_request r) {
  auto f = std::make_shared<follow_start>();
  f->reply.jobs.resize(r.jobs.size());
  f->told.resize(r.jobs.size());
  f->request = std::move(r);
  f->promise = st.self->make_response_promise<follow_reply>();
  auto promise = f->promise;
  ++st.follows_due;
  follow_when_durable(st, f);
  return promise;
}

caf::result<reap_reply> reap_jobs(job_manager_state& st, const reap_request& r) {
  auto promise = st.self->make_response_promise<reap_reply>();
  st.reapers.push_back({r, promise});
  st.core.ends().wait({r.subscriber.address(), r.tag}, r.all);
  st.serve_reapers();
  return promise;
}

caf::result<count_reply> purge_jobs(job_manager_state& st, purge_request& r) {
  for (auto id : r.ids)
    if (st.core.knows(id))
      return make_error(ec::wrong_state,
                        to_string(id) + ": the job is active; only ended jobs can be forgotten");
  auto promise = st.self->make_response_promise<count_reply>();
  st.self->request(st.peers.journal, caf::infinite, std::move(r))
      .then([promise](count_reply n) mutable { promise.deliver(n); },
            [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
  return promise;
}

/// Answers who waits for jobs, as far as there is something to tell.
void job_manager_state::serve_reapers() {
  std::deque<reaper> waiting;
  for (auto& r : std::exchange(reapers, {})) {
    waiter_key who{r.request.subscriber.address(), r.request.tag};
    auto has_end = core.ends().has(who);
    if (has_end && !(r.request.all && core.awaits_waitable())) {
      r.promise.deliver(reap_reply{core.ends().take(who)});
    } else if (has_end || core.awaits_waitable()) {
      waiting.push_back(std::move(r));
    } else {
      core.ends().refuse(who);
      r.promise.deliver(make_error(ec::unknown_job, "there are no more waitable jobs"));
    }
  }
  reapers = std::move(waiting);
}

/// Beside what the core knows: what has not come to the journal or to a broker.
caf::result<job_waits_reply> tell_waits(job_manager_state& st, const job_waits_request& r) {
  auto reply = st.core.waits_of(st.now(), r.id, st.peers.where);
  if (!reply)
    return std::move(reply.error());
  auto add = [&](std::string reason, int64_t age_ns, int64_t left_ns) {
    reply->waits.push_back({"job manager",
                            std::move(reason),
                            {},
                            age_ns,
                            left_ns,
                            left_ns < 0 ? "" : "the job fails",
                            {}});
  };
  if (!st.paused.empty())
    add("room on the disk: " + st.paused, -1, -1);
  else if (st.commit_under_way)
    add(fmt::format("the journal to make {} events durable", st.committing.batch.events.size()),
        steady_ns() - st.commit_ns, -1);
  for (auto rank : reply->ask.expand())
    if (auto d = st.dialling.find(rank); d != st.dialling.end() && !d->second.empty())
      add(fmt::format("rank {} to be reached", rank), -1,
          std::chrono::nanoseconds{archive_deadline}.count());
  for (auto& w : reply->waits)
    w.brokers.add(st.peers.rank);
  return std::move(*reply);
}

std::vector<std::string> job_manager_state::waits() const {
  std::vector<std::string> lines;
  auto add = [&lines](std::string line) { lines.push_back(std::move(line)); };
  auto c = core.counts();
  add(fmt::format("jobs: {} wait for room, {} run, {} clean up", c.sched, c.run, c.cleanup));
  if (!paused.empty())
    add("the disk is full, commits are tried again: " + paused);
  if (commit_under_way)
    add(fmt::format("a commit of {} events, for {:.3f} s; {} launches and {} answers come after it",
                    committing.batch.events.size(),
                    static_cast<double>(steady_ns() - commit_ns) / 1e9, committing.launches.size(),
                    committing.after.size() + committing.answers.size()));
  if (!gathering.batch.events.empty())
    add(fmt::format("{} events gather for the next commit", gathering.batch.events.size()));
  for (auto& [rank, waiting] : dialling)
    if (!waiting.empty())
      add(fmt::format("rank {}: {} messages until it is reached, at most {} s", rank,
                      waiting.size(), limits::request_timeout_s));
  for (auto& line : core.waits(limits::wait_lines_max))
    add(std::move(line));
  if (!followers.empty())
    add(fmt::format("{} jobs are followed", followers.size()));
  if (!reapers.empty())
    add(fmt::format("{} clients wait for any job to end", reapers.size()));
  if (auto next = core.next_deadline_ns(); next != 0)
    add(fmt::format("the next time limit, in {:.3f} s",
                    static_cast<double>(next - wall_ns()) / 1e9));
  if (!drained.empty())
    add("the instance is to end and waits for its running jobs");
  return lines;
}

caf::result<done> drain_jobs(job_manager_state& st) {
  st.draining = true;
  st.self->send(st.peers.scheduler, drain_atom_v);
  raise_request r;
  r.jobs.states = static_cast<uint32_t>(job_state::run);
  r.type = "cancel";
  r.note = "the instance ends";
  (void)st.core.raise(st.now(), r, st, true);
  auto promise = st.self->make_response_promise<done>();
  st.drained.push_back(promise);
  if (!st.paused.empty())
    st.self->send(st.self, retry_atom_v); // the next try may be seconds away
  st.end_turn();
  st.tell_if_drained();
  return promise;
}

void unfollow_job(job_manager_state& st, const unfollow& u) {
  if (u.id == job_id{}) {
    for (auto& r : st.reapers)
      if (r.request.tag == u.tag && r.request.subscriber == u.subscriber)
        r.promise.deliver(make_error(ec::cancelled, "withdrawn"));
    std::erase_if(st.reapers, [&](const auto& r) {
      return r.request.tag == u.tag && r.request.subscriber == u.subscriber;
    });
    st.core.ends().withdraw({u.subscriber.address(), u.tag});
    return;
  }
  if (st.follows_due > 0)
    st.withdrawn.insert({u.subscriber.address(), u.tag});
  auto it = st.followers.find(u.id);
  if (it == st.followers.end())
    return;
  std::erase_if(it->second,
                [&](const auto& f) { return f.tag == u.tag && f.handle == u.subscriber; });
  if (it->second.empty())
    st.followers.erase(it);
}

} // namespace hactor
