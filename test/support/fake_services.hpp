// The neighbours of an actor under test: they write down what they are told and answer as the test
// has set them.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "actor_fixture.hpp"

namespace hactor::test {

struct fake_world {
  // JOURNAL
  std::vector<journal_batch> committed_batches;
  caf::error journal_error; // what commits fail with; none: they succeed
  bool ends_have_room = false; // though there is a journal_error
  bool hold = false;        // commits are answered when the fake is told flush_atom
  std::vector<std::pair<caf::typed_response_promise<committed>, journal_batch>> held;
  std::vector<purge_request> purged;
  // ARCHIVE
  std::vector<job_summary> ended;
  std::vector<job_end> ends;
  std::vector<follow_request> followed;
  // SCHEDULER
  std::vector<alloc_entry> wanted;
  std::vector<job_id> room_cancelled, freed;
  caf::error infeasible;
  std::vector<feasible_request> judged;
  // EXEC
  std::vector<launch_item> launched;
  std::vector<signal_item> signals;
  std::vector<job_id> settles;
  bool has_instances = false; // of its jobs
  // CONNECTOR
  std::vector<job_event> pushed;
  int looks = 0; // pushes without events
  std::vector<output_ready> ready;
  std::vector<kvs_changed> changed;

  bool fails(const journal_batch& b) const {
    auto only_ends = b.meta.empty() && !b.jobs.empty();
    return journal_error && !(ends_have_room && only_ends);
  }

  /// Answers all that is held. In the journal's own turn: a promise answers from where it was made.
  void release() {
    auto all = std::exchange(held, {});
    for (auto& [promise, batch] : all) {
      if (fails(batch)) {
        promise.deliver(journal_error);
        continue;
      }
      committed_batches.push_back(batch);
      promise.deliver(committed{1});
    }
  }
  std::vector<job_event> durable_events() const {
    std::vector<job_event> list;
    for (auto& b : committed_batches)
      list.insert(list.end(), b.events.begin(), b.events.end());
    return list;
  }
};
using world_ptr = std::shared_ptr<fake_world>;

inline journal_actor::behavior_type fake_journal(journal_actor::pointer self, world_ptr w) {
  return {
    [self, w](const commit_request& r) -> caf::result<committed> {
      if (w->fails(r.batch))
        return w->journal_error;
      auto promise = self->make_response_promise<committed>();
      w->held.emplace_back(promise, r.batch);
      if (!w->hold)
        w->release();
      return promise;
    },
    [w](const purge_request& r) {
      w->purged.push_back(r);
      return count_reply{r.ids.size()};
    },
    [](const kvs_begin&) {},
    [w](caf::flush_atom) { w->release(); },
    [](caf::tick_atom) {},
    [](caf::timeout_atom) {},
    [](stats_atom) { return stats_reply{}; },
    [](waits_atom) { return waits_reply{}; },
  };
}

inline archive_actor::behavior_type fake_archive(archive_actor::pointer, world_ptr w) {
  return {
      [w](const list_request&) { return list_reply{w->ended}; },
      [w](const ends_request& r) {
        ends_reply reply;
        for (auto id : r.ids) {
          reply.ends.push_back({id});
          for (auto& end : w->ends)
            if (end.id == id)
              reply.ends.back() = end;
        }
        return reply;
      },
      [](const named_request&) { return named_reply{}; },
      [](const array_request&) { return array_reply{}; },
      [w](const job_request& r) -> caf::result<job_reply> {
        for (auto& s : w->ended)
          if (s.id == r.id) {
            job_reply reply;
            reply.summary = s;
            for (auto& e : w->durable_events())
              if (e.id == r.id)
                reply.events.push_back(e);
            return reply;
          }
        return make_error(ec::unknown_job, to_string(r.id));
      },
      [w](const follow_request& r) {
        w->followed.push_back(r);
        follow_reply reply;
        for (auto& job : r.jobs) {
          auto& begin = reply.jobs.emplace_back();
          auto known = std::any_of(w->ended.begin(), w->ended.end(),
                                   [&](auto& s) { return s.id == job.id; });
          if (!known)
            begin.code = static_cast<uint8_t>(ec::unknown_job);
          for (auto& e : w->durable_events())
            if (known && e.id == job.id)
              begin.events.push_back(e);
        }
        return reply;
      },
      [](const log_request&) { return event_batch{}; },
      [](stats_atom) { return stats_reply{}; },
      [](waits_atom) { return waits_reply{}; },
  };
}

inline scheduler_actor::behavior_type fake_scheduler(scheduler_actor::pointer, world_ptr w) {
  return {
    [w](const alloc_request& r) {
      for (auto& g : r.groups)
        w->wanted.insert(w->wanted.end(), g.items.begin(), g.items.end());
    },
    [w](const alloc_cancel& c) {
      w->room_cancelled.insert(w->room_cancelled.end(), c.ids.begin(), c.ids.end());
    },
    [](const alloc_prioritize&) {},
    [](const alloc_extend&) {},
    [w](const free_request& f) { w->freed.insert(w->freed.end(), f.ids.begin(), f.ids.end()); },
    [](const vacate_request&) { return done{}; },
    [w](const feasible_request& r) -> caf::result<done> {
      w->judged.push_back(r);
      if (w->infeasible)
        return w->infeasible;
      return done{};
    },
    [](const explain_request&) { return explain_reply{}; },
    [](const queue_request&) { return queue_reply{}; },
    [](const scheduler_request&) { return scheduler_reply{}; },
    [](const instance_opened&) {},
    [](drain_atom) {},
    [](const claim_request&) { return claim_reply{}; },
    [](const claimant_gone&) {},
    [](const graph_request&) { return graph_reply{}; },
    [](const inventory&) {},
    [](usage_atom) { return resource_reply{}; },
    [](caf::tick_atom) {},
    [](stats_atom) { return stats_reply{}; },
    [](waits_atom) { return waits_reply{}; },
  };
}

inline exec_actor::behavior_type fake_exec(exec_actor::pointer, world_ptr w) {
  return {
      [w](const launch_request& r) {
        for (auto& g : r.groups)
          w->launched.insert(w->launched.end(), g.items.begin(), g.items.end());
      },
      [w](const signal_request& r) {
        w->signals.insert(w->signals.end(), r.items.begin(), r.items.end());
      },
      [w](const settle_request& r) {
        w->settles.insert(w->settles.end(), r.ids.begin(), r.ids.end());
      },
      [](const exec_report&) {},
      [](const shell_report&) {},
      [](const exchange_part&) {},
      [](const modex_request&) {},
      [](const modex_reply&) {},
      [](const exchange_whole&) {},
      [](const input_request&) {},
      [](const command_request&) {},
      [](const command_kill&) {},
      [](const job_waits_request&) { return job_waits_reply{}; },
      [](const instance_request&) -> caf::result<instance_reply> {
        return make_error(ec::wrong_state);
      },
      [w](const enter_request&) -> caf::result<instance_reply> {
        if (w->has_instances)
          return instance_reply{};
        return make_error(ec::no_instance);
      },
      [](const instance_wait&) { return done{}; },
      [](const instance_grow&) { return resize_reply{}; },
      [](const instance_shrink&) { return instance_shrunk{}; },
      [](const instance_over&) {},
      [](const rank_lost&) {},
      [](caf::flush_atom) {},
      [](caf::tick_atom) {},
      [](stats_atom) { return stats_reply{}; },
      [](waits_atom) { return waits_reply{}; },
  };
}

inline connector_actor::behavior_type fake_connector(connector_actor::pointer, world_ptr w) {
  return {
      [](const client_opened&) {},
      [](const client_entered&) {},
      [](const client_frame&) {},
      [](const client_closed&) {},
      [](const client_drained&) {},
      [w](const job_events& e) {
        w->looks += e.events.empty();
        w->pushed.insert(w->pushed.end(), e.events.begin(), e.events.end());
      },
      [w](const output_ready& r) { w->ready.push_back(r); },
      [](const input_taken&) {},
      [](const subscribed_events&) {},
      [](const command_output&) {},
      [](const command_ended&) {},
      [w](const kvs_changed& c) { w->changed.push_back(c); },
      [](const nodes_changed&) { return done{}; },
      [](caf::flush_atom) {},
      [](const rank_lost&) {},
      [](stats_atom) { return stats_reply{}; },
      [](waits_atom) { return waits_reply{}; },
  };
}

} // namespace hactor::test
