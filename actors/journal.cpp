// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/journal.hpp"

#include <algorithm>
#include <iterator>

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
      log_error("journal: {}", render(first.error()));
    for (auto& p : st.parts)
      p.promise.deliver(first.error());
  } else {
    auto sequence = *first;
    ++st.commits;
    st.committed_events += static_cast<int64_t>(st.gathered.events.size());
    for (auto& p : st.parts) {
      p.promise.deliver(committed{sequence});
      sequence += p.events;
    }
    if (!st.gathered.events.empty())
      self->send(st.events, event_batch{*first, std::move(st.gathered.events)});
  }
  st.gathered = {};
  st.parts.clear();
}

} // namespace

journal_actor::behavior_type journal_service(journal_actor::stateful_pointer<journal_state> self,
                                             std::shared_ptr<journal> store, events_actor events) {
  self->state.store = std::move(store);
  self->state.events = std::move(events);
  return {
    [self](commit_request& r) {
      auto& st = self->state;
      auto promise = self->make_response_promise<committed>();
      st.parts.push_back({r.batch.events.size(), promise});
      move_append(st.gathered.events, r.batch.events);
      move_append(st.gathered.specs, r.batch.specs);
      move_append(st.gathered.jobs, r.batch.jobs);
      move_append(st.gathered.meta, r.batch.meta);
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
    },
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

caf::expected<job_spec_ptr> load_spec(const journal& store, spec_cache& specs,
                                      const spec_hash& hash) {
  auto stored = store.spec(hash);
  if (!stored)
    return std::move(stored.error());
  auto parts = split_stored(*stored);
  std::string environment;
  if (parts.environment != spec_hash{}) {
    auto text = store.spec(parts.environment);
    if (!text)
      return std::move(text.error());
    environment = std::move(*text);
  }
  return specs.intern(std::string{parts.text}, environment);
}

namespace {

struct folded {
  job_fold fold;
  rset resources;
  job_report end;
};

folded fold_record(const job_record& record) {
  folded f;
  for (auto e : record.events)
    f.fold.apply(e);
  if (!record.rset.empty())
    if (auto r = parse_rset(record.rset))
      f.resources = std::move(*r);
  f.end = decode_extra(record.extra);
  return f;
}

caf::expected<job_summary> summarize_record(archive_state& st, const job_record& record) {
  auto spec = load_spec(*st.store, *st.specs, record.spec);
  if (!spec)
    return std::move(spec.error());
  auto f = fold_record(record);
  return summarize(record.id, f.fold, **spec, record.cc, &f.resources, &f.end);
}

caf::result<list_reply> list_ended(archive_state& st, const list_request& request) {
  list_reply reply;
  caf::error failed;
  auto add = [&](const job_record& record) {
    if (!(static_cast<uint32_t>(record.result) & request.results))
      return true;
    if (record.t_end_ns < request.since_ns)
      return false; // newest first: nothing later can match
    auto s = summarize_record(st, record);
    if (!s) {
      failed = std::move(s.error());
      return false;
    }
    if (request.name.empty() || s->name == request.name)
      reply.jobs.push_back(std::move(*s));
    return request.max == 0 || reply.jobs.size() < request.max;
  };
  if (request.ids.empty()) {
    if (auto err = st.store->each_ended(add))
      return err;
  }
  for (auto id : request.ids) {
    auto record = st.store->job(id);
    if (!record)
      return std::move(record.error());
    if (record->ended)
      add(*record);
  }
  if (failed)
    return failed;
  return reply;
}

caf::result<job_reply> whole_ended(archive_state& st, job_id id) {
  auto record = st.store->job(id);
  if (!record)
    return std::move(record.error());
  auto spec = load_spec(*st.store, *st.specs, record->spec);
  if (!spec)
    return std::move(spec.error());
  auto f = fold_record(*record);
  job_reply r;
  r.summary = summarize(id, f.fold, **spec, record->cc, &f.resources, &f.end);
  r.events = std::move(record->events);
  r.jobspec = restore_jobspec((*spec)->text, (*spec)->environment_text(), record->cc);
  r.rset = record->rset;
  return r;
}

ends_reply tell_ends(const archive_state& st, const ends_request& r) {
  ends_reply reply;
  reply.ends.reserve(r.ids.size());
  for (auto id : r.ids) {
    auto record = st.store->job(id);
    reply.ends.push_back({id});
    if (record && record->ended)
      reply.ends.back() = end_of(id, fold_record(*record).fold);
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
      [self](const list_request& r) { return list_ended(self->state, r); },
      [self](const job_request& r) { return whole_ended(self->state, r.id); },
      [self](const ends_request& r) { return tell_ends(self->state, r); },
      [self](const log_request& r) -> caf::result<event_batch> {
        event_batch b;
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
