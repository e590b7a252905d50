// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/journal.hpp"

#include <algorithm>
#include <iterator>

#include "actors/job_archive.hpp"
#include "actors/job_outputs.hpp"
#include "runtime/clock.hpp"
#include "runtime/duration.hpp"
#include "runtime/log.hpp"

namespace hactor {

namespace {

template <class T>
void move_append(std::vector<T>& to, std::vector<T>& from) {
  if (to.empty())
    to = std::move(from);
  else
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

void commit_gathered(journal_state& st, journal_actor::stateful_pointer<journal_state> self) {
  auto first = st.store->commit(st.gathered);
  if (!first) {
    if (code_of(first.error()) != ec::disk_full) // of that the job manager speaks, once
      log_error("{}: {}", st.title, render(first.error()));
    for (auto& p : st.parts)
      p.promise.deliver(first.error());
  } else {
    auto sequence = *first;
    ++st.commits;
    st.committed_events += static_cast<int64_t>(st.gathered.events.size());
    // Before the answers: who hears of a job's end may ask for its events at once.
    if (!st.gathered.events.empty())
      self->send(st.events, event_batch{*first, std::move(st.gathered.events)});
    for (auto& p : st.parts) {
      p.promise.deliver(committed{sequence});
      sequence += p.events;
    }
  }
  st.gathered = {};
  st.parts.clear();
}

// -- purging --------------------------------------------------------------------------------------

using pointer = journal_actor::stateful_pointer<journal_state>;

/// Jobs that are forgotten in one transaction: some milliseconds, which a commit may wait.
constexpr size_t purge_slice = 500;

/// How many more than what is to be kept there may be before some are forgotten.
uint64_t slack_of(uint64_t keep) { return std::min<uint64_t>(keep / 10, 10'000); }

/// The next few jobs of a purge; none when it is done.
caf::expected<std::vector<job_id>> next_slice(const journal& store, purge_request& r) {
  std::vector<job_id> slice;
  for (; !r.ids.empty() && slice.size() < purge_slice; r.ids.pop_back())
    slice.push_back(r.ids.back());
  if (!slice.empty())
    return slice;
  auto kept = store.ended_count();
  auto excess = kept > r.keep ? kept - r.keep : 0;
  auto by_count = store.oldest_ended(std::min<uint64_t>(excess, purge_slice), INT64_MAX);
  if (!by_count || by_count->size() == purge_slice)
    return by_count;
  auto by_age = store.oldest_ended(purge_slice, r.before_ns);
  if (!by_age || by_age->size() > by_count->size())
    return by_age;
  return by_count;
}

/// Events of jobs that are forgotten are nobody's any more, up to the first of a job that is kept.
void trim_log(journal_state& st) {
  auto& store = *st.store;
  auto oldest = store.oldest_ended(1, INT64_MAX);
  if (!oldest)
    return;
  auto before = store.next_sequence();
  if (!oldest->empty()) {
    auto record = store.job(oldest->front());
    before = record ? record->first_sequence : 0;
  }
  if (auto trimmed = store.trim_log(before); !trimmed)
    log_warning("{}: the log was not trimmed: {}", st.title, render(trimmed.error()));
}

void end_purge(pointer self, const caf::error& failed) {
  auto& st = self->state;
  auto& p = st.purges.front();
  if (failed && failed != caf::sec::request_receiver_down) // that is the instance's end
    log_warning("{}: ended jobs were not forgotten: {}", st.title, render(failed));
  if (p.count > 0)
    trim_log(st);
  if (p.promise.pending()) {
    if (failed)
      p.promise.deliver(failed);
    else
      p.promise.deliver(count_reply{p.count});
  }
  st.purges.pop_front();
  if (!st.purges.empty())
    self->send(self, caf::tick_atom_v);
}

/// Removes what these jobs have in the key-value store, if there is one; then goes on.
template <class Next>
void forget_spaces(pointer self, std::vector<job_id> jobs, Next next) {
  auto& st = self->state;
  if (!st.kvs)
    return next();
  kvs_space_request r;
  r.verb = kvs_space_verb::forget;
  r.jobs = std::move(jobs);
  self->request(st.kvs, caf::infinite, std::move(r))
      .then([next](const kvs_spaces&) { next(); },
            [self](const caf::error& e) { end_purge(self, e); });
}

void erase_some(pointer self, const std::vector<job_id>& slice) {
  auto& st = self->state;
  outputs_by_rank outputs;
  for (auto id : slice)
    if (auto record = st.store->job(id))
      outputs.add(*record);
  auto n = st.store->erase_jobs(slice);
  if (!n)
    return end_purge(self, n.error());
  st.purges.front().count += *n;
  forget_outputs(self, st.broker, std::move(outputs));
  // A namespace can have been made anew while the job was still there.
  forget_spaces(self, slice, [self] {
    self->send(self, caf::tick_atom_v); // behind the commits that have come meanwhile
  });
}

/// What the jobs have in the key-value store goes first: as long as a job is there, it is found.
void purge_some(pointer self) {
  auto& st = self->state;
  auto slice = next_slice(*st.store, st.purges.front().request);
  if (!slice || slice->empty())
    return end_purge(self, slice ? caf::error{} : slice.error());
  forget_spaces(self, *slice, [self, slice = *slice] { erase_some(self, slice); });
}

void begin_purge(pointer self, journal_state::purge p) {
  auto& st = self->state;
  st.purges.push_back(std::move(p));
  if (st.begun && st.purges.size() == 1)
    self->send(self, caf::tick_atom_v);
}

void begin(pointer self, const kvs_begin& b) {
  auto& st = self->state;
  st.kvs = caf::actor_cast<kvs_actor>(b.kvs);
  st.begun = true;
  if (!st.purges.empty())
    self->send(self, caf::tick_atom_v);
}

/// Forgets by count as soon as there are more, while no other purge is under way.
void retain_by_count(pointer self) {
  auto& st = self->state;
  auto keep = st.keep.count;
  if (st.purges.empty() && st.store->ended_count() > keep
      && st.store->ended_count() - keep > slack_of(keep))
    begin_purge(self, {{{}, INT64_MIN, keep}, {}, 0});
}

/// Forgets by age, and looks again after a while.
void retain_by_age(pointer self) {
  auto& st = self->state;
  if (!std::isfinite(st.keep.age_s))
    return;
  if (st.purges.empty())
    begin_purge(self, {{{}, wall_ns() - moment_after(0, st.keep.age_s), UINT64_MAX}, {}, 0});
  auto wait_s = std::clamp(st.keep.age_s / 10, 0.1, 600.0);
  self->delayed_send(self, std::chrono::milliseconds(static_cast<int64_t>(wait_s * 1000)),
                     caf::timeout_atom_v);
}

} // namespace

journal_actor::behavior_type journal_service(journal_actor::stateful_pointer<journal_state> self,
                                             std::shared_ptr<journal> store, events_actor events,
                                             broker_actor broker, retention keep,
                                             std::string title) {
  self->state.store = std::move(store);
  self->state.broker = std::move(broker);
  self->state.events = std::move(events);
  self->state.keep = keep;
  self->state.title = std::move(title);
  retain_by_age(self);
  return {
      [self](commit_request& r) {
        auto& st = self->state;
        auto promise = self->make_response_promise<committed>();
        st.parts.push_back({r.batch.events.size(), promise});
        move_append(st.gathered.events, r.batch.events);
        move_append(st.gathered.specs, r.batch.specs);
        move_append(st.gathered.jobs, r.batch.jobs);
        move_append(st.gathered.meta, r.batch.meta);
        move_append(st.gathered.blobs, r.batch.blobs);
        // What is in the mailbox already comes before this message to ourselves: that is the group.
        if (!st.flushing) {
          st.flushing = true;
          self->send(self, caf::flush_atom_v);
        }
        return promise;
      },
      [self](caf::flush_atom) {
        self->state.flushing = false;
        commit_gathered(self->state, self);
        retain_by_count(self);
      },
      [self](purge_request& r) {
        auto promise = self->make_response_promise<count_reply>();
        begin_purge(self, {std::move(r), promise, 0});
        return promise;
      },
      [self](const kvs_begin& b) { begin(self, b); },
      [self](caf::tick_atom) { purge_some(self); },
      [self](caf::timeout_atom) { retain_by_age(self); },
      [self](stats_atom) {
        auto& st = self->state;
        return stats_reply{{{"commits", st.commits},
                            {"events", st.committed_events},
                            {"bytes_used", static_cast<int64_t>(st.store->bytes_used())}}};
      },
      [self](waits_atom) {
        auto& st = self->state;
        waits_reply r;
        if (!st.parts.empty())
          r.lines.push_back(std::to_string(st.parts.size()) + " requests gather for a commit of "
                            + std::to_string(st.gathered.events.size()) + " events");
        return r;
      },
  };
}

// -- archive --------------------------------------------------------------------------------------

namespace {

ends_reply tell_ends(const archive_state& st, const ends_request& r) {
  ends_reply reply;
  reply.ends.reserve(r.ids.size());
  for (auto id : r.ids) {
    auto record = st.store->job(id);
    reply.ends.push_back({id});
    if (record && record->ended) {
      auto f = fold_record(*record);
      reply.ends.back() = end_of(id, f.fold, f.resources);
    }
  }
  return reply;
}

} // namespace

archive_actor::behavior_type archive_service(archive_actor::stateful_pointer<archive_state> self,
                                             std::shared_ptr<journal> store,
                                             std::shared_ptr<spec_cache> specs) {
  self->state.store = std::move(store);
  self->state.specs = std::move(specs);
  return {
      [self](const list_request& r) -> caf::result<list_reply> {
        auto jobs = list_ended(*self->state.store, *self->state.specs, r);
        if (!jobs)
          return std::move(jobs.error());
        return std::move(*jobs);
      },
      [self](const job_request& r) -> caf::result<job_reply> {
        auto job = whole_ended(*self->state.store, *self->state.specs, r.id);
        if (!job)
          return std::move(job.error());
        return std::move(*job);
      },
      [self](const follow_request& r) {
        return tell_ended(*self->state.store, *self->state.specs, r);
      },
      [self](const ends_request& r) { return tell_ends(self->state, r); },
      [self](const named_request& r) -> caf::result<named_reply> {
        auto found = find_named(*self->state.store, *self->state.specs, r);
        if (!found)
          return std::move(found.error());
        return std::move(*found);
      },
      [self](const array_request& r) {
        return find_array(*self->state.store, *self->state.specs, r);
      },
      [self](const log_request& r) -> caf::result<event_batch> {
        event_batch b;
        b.events.reserve(r.max);
        auto err = self->state.store->read_log(r.since, [&](uint64_t seq, const job_event& e) {
          if (b.events.empty())
            b.first_sequence = seq;
          else if (seq != b.first_sequence + b.events.size())
            return false; // a dropped chunk leaves a gap; the next request goes on after it
          b.events.push_back(e);
          return b.events.size() < r.max;
        });
        if (err)
          return err;
        return b;
      },
      [self](stats_atom) {
        return stats_reply{{{"bytes_used", static_cast<int64_t>(self->state.store->bytes_used())}}};
      },
      [](waits_atom) { return waits_reply{}; },
  };
}

} // namespace hactor
