// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/scheduler.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "actors/claims.hpp"
#include "actors/node_memory.hpp"
#include "actors/scheduler_reload.hpp"
#include "actors/scheduler_settings.hpp"
#include "runtime/clock.hpp"
#include "runtime/limits.hpp"
#include "runtime/log.hpp"

namespace hactor {

namespace {

/// Grants of one message: those of a large machine at once would keep the scheduler, the job
/// manager and whoever asks them something busy for a tenth of a second each.
constexpr uint64_t grants_a_turn = 128;

} // namespace

void scheduler_state::granted(job_id id, rset&& resources, start_kind how) {
  ++grants;
  backfilled += how == start_kind::backfill;
  decision_about(id).grants.push_back({id, std::move(resources), std::string{name_of(how)}});
}

void scheduler_state::denied(job_id id, std::string note) {
  decision_about(id).denials.push_back({id, std::move(note)});
  of_others.erase(id);
}

void scheduler_state::cancelled(job_id id) {
  decision_about(id).cancelled.push_back(id);
  of_others.erase(id);
}

alloc_decision& scheduler_state::decision_about(job_id id) {
  auto other = of_others.find(id);
  auto client = other == of_others.end() ? 0 : other->second;
  if (decisions.size() <= client)
    decisions.resize(client + 1);
  return decisions[client];
}

void scheduler_state::want_pass() {
  if (std::exchange(pass_wanted, true))
    return;
  self->send(self, caf::tick_atom_v);
}

void scheduler_state::tell_vacant() {
  if (now != phase::loaded)
    return; // who holds what is known again after a load
  std::erase_if(vacating, [this](auto& v) {
    if (core.is_held(v.first))
      return false;
    v.second.deliver(done{});
    return true;
  });
}

void scheduler_state::take_inventory(const inventory& i) {
  auto began_ns = steady_ns();
  auto first = !core.knows_resources();
  core.set_inventory(i.all, i.down);
  if (first)
    graph_seconds = static_cast<double>(steady_ns() - began_ns) / 1e9;
  tell_lost_claims(*this);
  for (auto& node : i.all.nodes) {
    i.down.contains(node.rank) ? core.rank_down(node.rank) : core.rank_up(node.rank);
    i.drained.contains(node.rank) ? core.drain(node.rank) : core.undrain(node.rank);
  }
}

/// Sends what a pass decided, if anything.
void scheduler_state::tell() {
  auto all = std::exchange(decisions, {});
  for (size_t i = 0; i < all.size(); ++i)
    if (auto& d = all[i]; !d.grants.empty() || !d.denials.empty() || !d.cancelled.empty())
      self->send(clients.at(i), std::move(d));
}

/// Calls `then` when the journal has it.
void scheduler_state::commit(const char* key, std::string value,
                             std::function<void(const caf::error&)> then) {
  commit_request c;
  c.batch.meta.emplace_back(key, std::move(value));
  self->request(journal, caf::infinite, std::move(c))
      .then([then](const committed&) { then({}); }, [then](const caf::error& e) { then(e); });
}

void scheduler_state::enqueue(const alloc_request& r, size_t client) {
  for (auto& group : r.groups) {
    auto spec = specs->intern(group.spec);
    for (auto& entry : group.items) {
      if (client != 0)
        of_others[entry.id] = client;
      if (auto e = spec ? exceeds_memory(**spec, attributes) : spec.error(); !e)
        core.enqueue(
            {entry.id, entry.priority, entry.t_submit_ns, (*spec)->request, entry.tentative});
      else
        denied(entry.id, render(e));
    }
  }
  want_pass();
}

void scheduler_state::keep(const alloc_request& r, size_t client) {
  for (auto& group : r.groups) {
    for (auto& entry : group.items)
      of_others[entry.id] = client;
    kept.emplace_back(client, group);
  }
}

void scheduler_state::drop(job_id id) {
  for (auto& [client, group] : kept)
    std::erase_if(group.items, [id](auto& item) { return item.id == id; });
  cancelled(id);
}

namespace {

size_t client_of(scheduler_state& st, const job_manager_actor& who) {
  auto known = std::find(st.clients.begin(), st.clients.end(), who);
  if (known == st.clients.end())
    known = st.clients.insert(known, who);
  return static_cast<size_t>(known - st.clients.begin());
}

/// Without a scheduler everything is taken; it judges when it is loaded.
caf::result<done> judge(scheduler_state& st, const feasible_request& r) {
  if (st.now != scheduler_state::phase::loaded)
    return done{};
  for (size_t i = 0; i < r.specs.size(); ++i) {
    auto spec = st.specs->intern(r.specs[i]);
    auto e = spec ? exceeds_memory(**spec, st.attributes) : std::move(spec.error());
    if (!e)
      e = st.core.feasible((*spec)->request);
    if (!e)
      e = warns_in_vain(**spec, st.core.ends());
    if (e && i < r.positions.size())
      return make_error(code_of(e), fmt::format("jobs[{}]: {}", r.positions[i], render(e)));
    if (e)
      return e;
  }
  return done{};
}

/// Without a scheduler the job manager knows who holds what.
caf::result<resource_reply> describe_unloaded(scheduler_state& st) {
  resource_reply r;
  if (st.last_inventory)
    r.all = st.last_inventory->all;
  rset claimed;
  for (auto& [number, c] : st.claims)
    if (c.kind == hold_kind::allocated)
      claimed = unite(claimed, c.r);
  if (st.clients.empty()) {
    r.allocated = std::move(claimed);
    r.free = subtract(r.all, r.allocated);
    return r;
  }
  auto promise = st.self->make_response_promise<resource_reply>();
  constexpr auto deadline = std::chrono::seconds(limits::request_timeout_s);
  st.self->request(st.clients.front(), deadline, rooms_atom_v)
      .then(
          [r, claimed, promise](const rooms_reply& rooms) mutable {
            for (auto& h : rooms.held)
              r.allocated = unite(r.allocated, h.resources);
            r.allocated = unite(r.allocated, claimed);
            r.free = subtract(r.all, r.allocated);
            promise.deliver(std::move(r));
          },
          [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
  return promise;
}

caf::result<resource_reply> describe_resources(scheduler_state& st) {
  if (st.now != scheduler_state::phase::loaded)
    return describe_unloaded(st);
  resource_reply r;
  if (!st.core.knows_resources())
    return r;
  auto now_s = wall_ns() / 1'000'000'000;
  r.all = st.core.pool().inventory();
  r.off = st.core.pool().switched_off();
  r.free = st.core.pool().available(now_s);
  // What is not free because its node is down or drained is not therefore allocated.
  r.allocated = subtract(r.all, st.core.pool().unheld(now_s));
  return r;
}

queue_reply list_queues(const scheduler_state& st) {
  queue_reply r;
  for (auto& q : st.core.queues()) {
    queue_info x{q.name,
                 q.policy,
                 q.depth,
                 q.reservation_depth,
                 q.enabled,
                 q.started,
                 q.enabled_note,
                 q.started_note,
                 q.is_default,
                 q.where,
                 q.queued,
                 q.held,
                 q.running,
                 q.reserved,
                 0,
                 0,
                 0};
    if (st.core.knows_resources()) {
      auto nodes = st.core.nodes_of(q.name);
      x.nodes = static_cast<uint32_t>(nodes.nodes.size());
      x.cores = nodes.core_count();
      x.gpus = nodes.gpu_count();
    }
    r.queues.push_back(std::move(x));
  }
  return r;
}

caf::error change_queue(scheduler_core& core, const queue_request& r) {
  switch (r.verb) {
  case queue_verb::stop:
    return core.stop(r.queue, r.reason);
  case queue_verb::start:
    return core.start(r.queue);
  case queue_verb::disable:
    return core.disable(r.queue, r.reason);
  case queue_verb::enable:
    return core.enable(r.queue);
  case queue_verb::list:
    break;
  }
  return {};
}

caf::result<queue_reply> ask_queue(scheduler_state& st, const queue_request& r) {
  if (auto e = st.refuse_unless_loaded())
    return e;
  if (auto e = change_queue(st.core, r))
    return e;
  if (r.verb == queue_verb::list)
    return list_queues(st);
  st.want_pass();
  auto promise = st.self->make_response_promise<queue_reply>();
  auto now = list_queues(st);
  st.commit(queue_states_key, queue_states_json(st.core),
            [promise, now](const caf::error& e) mutable {
              e ? promise.deliver(e) : promise.deliver(now);
            });
  return promise;
}

/// Answered when it is durable.
caf::result<graph_reply> ask_graph(scheduler_state& st, const graph_request& r) {
  if (auto e = st.refuse_unless_loaded())
    return e;
  if (!st.core.knows_resources())
    return make_error(ec::wrong_state, "the resources are not known yet");
  auto lines = do_with_graph(st.core, st.core.pool(), r, wall_ns() / 1'000'000'000);
  if (!is_change(r.verb))
    return lines ? caf::result<graph_reply>{graph_reply{*lines, st.core.pool().inventory()}}
                 : caf::result<graph_reply>{lines.error()};
  st.want_pass(); // also when it was refused: what was promised was taken back
  if (!lines)
    return std::move(lines.error());
  st.changes.add(r, *lines);
  if (st.last_inventory) {
    auto was = std::exchange(st.last_inventory->all, st.core.pool().inventory());
    st.last_inventory->all.starttime = was.starttime;
    st.last_inventory->all.expiration = was.expiration;
  }
  log_debug("{}: the resource graph has changed: {} {}", st.title, name_of(r.verb),
            r.path.empty() ? fmt::format("{}", fmt::join(*lines, " ")) : r.path);
  auto promise = st.self->make_response_promise<graph_reply>();
  graph_reply reply{std::move(*lines), st.core.pool().inventory()};
  st.commit(graph_changes_key, st.changes.to_json(), [promise, reply](const caf::error& e) mutable {
    e ? promise.deliver(e) : promise.deliver(reply);
  });
  return promise;
}

explain_reply explain_now(scheduler_state& st, const explain_request& r) {
  explain_reply reply;
  auto now = wall_ns();
  for (auto id : r.ids) {
    if (st.now != scheduler_state::phase::loaded) {
      reply.reasons.push_back({"unloaded", st.unloaded_sentence(), 0});
      continue;
    }
    auto e = st.core.explain(id, now);
    reply.reasons.push_back(
        e ? job_reason{std::move(e->code), std::move(e->sentence), e->t_estimate} : job_reason{});
  }
  return reply;
}

/// Before the pass that is due nothing could be said of what has just come.
caf::result<explain_reply> explain_jobs(scheduler_state& st, const explain_request& r) {
  if (!st.pass_wanted || st.self->current_mailbox_element()->mid.is_urgent_message())
    return explain_now(st, r);
  auto promise = st.self->make_response_promise<explain_reply>();
  st.unexplained.emplace_back(r, promise);
  return promise;
}

/// For what time alone changes.
void arm_pass(scheduler_state& st) {
  if (st.armed_ns <= steady_ns())
    st.armed_ns = 0;
  auto next = st.core.next_pass();
  if (next <= 0)
    return;
  auto wait = static_cast<int64_t>(next * 1e9) - wall_ns();
  if (st.armed_ns != 0 && st.armed_ns <= steady_ns() + wait)
    return;
  constexpr int64_t clock_check_ns = 60'000'000'000; // the wall clock may be set
  constexpr int64_t least_ns = 1'000'000;
  wait = std::clamp(wait + least_ns, least_ns, clock_check_ns);
  st.armed_ns = steady_ns() + wait;
  st.self->delayed_send(st.self, std::chrono::nanoseconds(wait), caf::tick_atom_v);
}

void make_pass(scheduler_state& st) {
  st.pass_wanted = false;
  ++st.passes;
  auto began_ns = steady_ns();
  if (st.core.schedule(wall_ns(), st, grants_a_turn))
    st.want_pass();
  st.passes_ns += steady_ns() - began_ns;
  st.tell();
  arm_pass(st);
  for (auto& [r, promise] : std::exchange(st.unexplained, {}))
    promise.deliver(explain_now(st, r));
}

caf::result<done> await_vacant(scheduler_state& st, const vacate_request& v) {
  if (auto e = st.refuse_unless_loaded())
    return e;
  auto promise = st.self->make_response_promise<done>();
  st.vacating.emplace_back(v.ranks, promise);
  st.tell_vacant();
  return promise;
}

stats_reply stats_of(const scheduler_state& st) {
  auto c = st.core.counts();
  return {{{"queued", static_cast<int64_t>(c.queued)},
           {"running", static_cast<int64_t>(c.running)},
           {"passes", st.passes},
           {"pass_us", st.passes_ns / 1000},
           {"grants", st.grants},
           {"backfilled", st.backfilled},
           {"reserved", static_cast<int64_t>(c.reserved)},
           {"claims", static_cast<int64_t>(st.core.claims().size())}}};
}

std::string waits_of(const scheduler_state& st) {
  if (st.now != scheduler_state::phase::loaded)
    return st.unloaded_sentence();
  auto c = st.core.counts();
  return fmt::format("{} jobs wait for room, {} have room, {} are promised it{}", c.queued,
                     c.running, c.reserved, st.pass_wanted ? "; a pass is due" : "");
}

void prioritize(scheduler_state& st, const alloc_prioritize& p) {
  for (auto& entry : p.items) {
    st.core.prioritize(entry.id, entry.priority);
    for (auto& [client, group] : st.kept)
      for (auto& item : group.items)
        if (item.id == entry.id)
          item.priority = entry.priority;
  }
  st.want_pass();
}

void extend(scheduler_state& st, const alloc_extend& x) {
  for (auto [id, end_ns] : x.ends)
    st.core.extend(id, static_cast<double>(end_ns) * 1e-9);
  tell_lost_claims(st);
  st.want_pass();
}

void free_rooms(scheduler_state& st, const free_request& f) {
  for (auto id : f.ids) {
    st.core.free(id, std::nullopt, true);
    st.of_others.erase(id);
  }
  for (auto& [id, ranks] : f.parts)
    st.core.free(id, ranks, false);
  st.tell_vacant();
  st.want_pass();
}

} // namespace

scheduler_actor::behavior_type scheduler_service(scheduler_state::pointer self,
                                                 scheduler_setup setup) {
  using phase = scheduler_state::phase;
  auto& state = self->state;
  state.specs = std::move(setup.specs);
  state.journal = std::move(setup.journal);
  state.attributes = std::move(setup.attributes);
  state.changes = std::move(setup.changes);
  state.title = std::move(setup.title);
  state.core = scheduler_core{std::move(setup.settings)};
  if (setup.graph != nullptr) {
    auto began_ns = steady_ns();
    auto e = state.core.set_graph(std::move(*setup.graph));
    HACTOR_CHECK(!e);
    state.graph_seconds = static_cast<double>(steady_ns() - began_ns) / 1e9;
  }
  restore_claims(state, setup.claims);
  self->set_down_handler([self](const caf::down_msg& d) { drop_claims_of(self->state, d.source); });
  restore_queue_states(setup.queue_states, state.core);
  return {
      // Whoever asks for room is told of it.
      [self](alloc_request& r) {
        auto& st = self->state;
        auto client = client_of(st, caf::actor_cast<job_manager_actor>(self->current_sender()));
        if (st.now == phase::loaded)
          st.enqueue(r, client);
        else if (client != 0)
          st.keep(r, client);
      },
      [self](const alloc_cancel& c) {
        auto& st = self->state;
        for (auto id : c.ids)
          st.now == phase::loaded ? st.core.cancel(id) : st.drop(id);
        st.want_pass();
      },
      [self](const alloc_prioritize& p) { prioritize(self->state, p); },
      [self](const alloc_extend& x) { extend(self->state, x); },
      [self](const free_request& f) { free_rooms(self->state, f); },
      [self](const vacate_request& v) { return await_vacant(self->state, v); },
      [self](const feasible_request& r) { return judge(self->state, r); },
      [self](const explain_request& r) { return explain_jobs(self->state, r); },
      [self](const queue_request& r) { return ask_queue(self->state, r); },
      [self](const scheduler_request& r) { return change_scheduler(self->state, r); },
      [](const instance_opened&) {},
      [](drain_atom) {}, // what is granted from now on is not started
      [self](const claim_request& r) { return ask_claim(self->state, r); },
      [self](const claimant_gone& g) { end_claims_of(self->state, g); },
      [self](const graph_request& r) { return ask_graph(self->state, r); },
      [self](const inventory& i) {
        auto& st = self->state;
        st.last_inventory = i;
        if (st.now == phase::loaded)
          st.take_inventory(i);
        st.want_pass();
      },
      [self](usage_atom) { return describe_resources(self->state); },
      [self](caf::tick_atom) { make_pass(self->state); },
      [self](stats_atom) { return stats_of(self->state); },
      [self](waits_atom) { return waits_reply{{waits_of(self->state)}}; },
  };
}

} // namespace hactor
