// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/scheduler.hpp"

#include <fmt/format.h>

#include "runtime/clock.hpp"
#include "runtime/log.hpp"

namespace hactor {

void scheduler_state::granted(job_id id, rset&& resources) {
  ++grants;
  decision.grants.push_back({id, std::move(resources)});
}

void scheduler_state::denied(job_id id, std::string note) {
  decision.denials.push_back({id, std::move(note)});
}

void scheduler_state::cancelled(job_id id) { decision.cancelled.push_back(id); }

void scheduler_state::want_pass() {
  if (std::exchange(pass_wanted, true))
    return;
  self->send(self, caf::tick_atom_v);
}

/// Sends what a pass decided, if anything.
void scheduler_state::tell() {
  auto d = std::exchange(decision, {});
  if (!d.grants.empty() || !d.denials.empty() || !d.cancelled.empty())
    self->send(job_manager, std::move(d));
}

namespace {

void enqueue(scheduler_state& st, alloc_request& r) {
  for (auto& group : r.groups) {
    auto spec = st.specs->intern(group.spec);
    for (auto& entry : group.items) {
      if (spec)
        st.core.enqueue({entry.id, entry.priority, entry.t_submit_ns, (*spec)->request});
      else
        st.decision.denials.push_back({entry.id, render(spec.error())});
    }
  }
  st.want_pass();
}

caf::result<done> judge(scheduler_state& st, const feasible_request& r) {
  for (size_t i = 0; i < r.specs.size(); ++i) {
    auto spec = st.specs->intern(r.specs[i]);
    auto e = spec ? st.core.feasible(*(*spec)->request) : std::move(spec.error());
    if (e && i < r.positions.size())
      return make_error(code_of(e), fmt::format("jobs[{}]: {}", r.positions[i], render(e)));
    if (e)
      return e;
  }
  return done{};
}

resource_reply describe_resources(const scheduler_state& st) {
  resource_reply r;
  r.all = st.core.pool().inventory();
  r.free = st.core.pool().available();
  r.allocated = subtract(r.all, r.free);
  return r;
}

} // namespace

scheduler_actor::behavior_type scheduler_service(scheduler_state::pointer self,
                                                 std::shared_ptr<spec_cache> specs) {
  self->state.specs = std::move(specs);
  return {
    // Whoever asks for room is told of it: the job manager, of which there is one.
    [self](alloc_request& r) {
      auto& st = self->state;
      st.job_manager = caf::actor_cast<job_manager_actor>(self->current_sender());
      enqueue(st, r);
    },
    [self](const alloc_cancel& c) {
      for (auto id : c.ids)
        self->state.core.cancel(id);
      self->state.want_pass();
    },
    [self](const alloc_prioritize& p) {
      for (auto& entry : p.items)
        self->state.core.prioritize(entry.id, entry.priority);
      self->state.want_pass();
    },
    [self](const free_request& f) {
      for (auto id : f.ids)
        self->state.core.free(id, std::nullopt, true);
      self->state.want_pass();
    },
    [self](const feasible_request& r) { return judge(self->state, r); },
    [self](const explain_request& r) {
      explain_reply reply;
      for (auto id : r.ids) {
        auto e = self->state.core.explain(id);
        reply.reasons.push_back(e ? e->sentence : std::string{});
      }
      return reply;
    },
    [self](const inventory& i) {
      auto& core = self->state.core;
      core.set_inventory(i.all);
      for (auto rank : i.down.expand())
        core.rank_down(rank);
      self->state.want_pass();
    },
    [self](usage_atom) { return describe_resources(self->state); },
    [self](caf::tick_atom) {
      auto& st = self->state;
      st.pass_wanted = false;
      ++st.passes;
      st.core.schedule(wall_ns(), st);
      st.tell();
    },
    [self](stats_atom) {
      auto c = self->state.core.counts();
      return stats_reply{{{"queued", static_cast<int64_t>(c.queued)},
                          {"running", static_cast<int64_t>(c.running)},
                          {"passes", self->state.passes},
                          {"grants", self->state.grants},
                          {"cores_free", static_cast<int64_t>(c.pool.cores_free)}}};
    },
    [self](waits_atom) {
      auto c = self->state.core.counts();
      return waits_reply{{fmt::format("{} jobs wait for room, {} have room, {} cores are free{}",
                                      c.queued, c.running, c.pool.cores_free,
                                      self->state.pass_wanted ? "; a pass is due" : "")}};
    },
  };
}

} // namespace hactor
