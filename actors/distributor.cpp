// See the header. Turns and what comes in are here; what is asked is in distributor_requests.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/distributor.hpp"

#include <algorithm>
#include <chrono>

#include <unistd.h>

#include <fmt/format.h>

#include "actors/graph_changes.hpp"
#include "runtime/clock.hpp"
#include "runtime/log.hpp"

namespace hactor {

// -- what the core causes -------------------------------------------------------------------------

void distributor_state::mail::want(const job_spec_ptr& spec, const alloc_entry& entry) {
  auto [it, added] = groups.try_emplace(spec->request.get(), wanted.groups.size());
  if (added)
    wanted.groups.push_back({{spec, {}, {}}, {}});
  wanted.groups[it->second].items.push_back(entry);
}

void distributor_state::give(job_id child, const job_spec_ptr& spec, const alloc_entry& entry) {
  mails[child].want(spec, entry);
}

void distributor_state::take_back(job_id child, job_id id) { mails[child].back.ids.push_back(id); }

void distributor_state::prioritize(job_id child, const alloc_entry& entry) {
  mails[child].prioritized.items.push_back(entry);
}

void distributor_state::free(job_id child, job_id id) { mails[child].freed.ids.push_back(id); }

void distributor_state::extend(job_id child, job_id id, int64_t end_ns) {
  mails[child].extended.ends.emplace_back(id, end_ns);
}

void distributor_state::granted(distributor_client to, job_id id, rset&& resources,
                                std::string how) {
  ++grants;
  client_mails[to].decision.grants.push_back({id, std::move(resources), std::move(how)});
}

void distributor_state::denied(distributor_client to, job_id id, std::string note) {
  ++denials;
  client_mails[to].decision.denials.push_back({id, std::move(note)});
}

void distributor_state::cancelled(distributor_client to, job_id id) {
  client_mails[to].decision.cancelled.push_back(id);
}

void distributor_state::lost(distributor_client to, job_id id, std::string note) {
  client_mails[to].lost[std::move(note)].push_back(id);
}

job_id distributor_state::make_child(size_t place, const child_share& share) {
  ++made;
  auto id = setup.ids->next(wall_ns());
  auto text = child_jobspec(setup.settings, share, setup.program, place);
  auto parts = separate_environment(text);
  auto spec = parts ? setup.specs->intern(parts->text, parts->environment)
                    : caf::expected<job_spec_ptr>{parts.error()};
  auto failed = [this, id](const caf::error& e) {
    not_made.emplace_back(id, e);
    want_turn();
  };
  if (!spec) {
    failed(spec.error());
    return id;
  }
  accepted_spec one;
  one.spec.here = std::move(*spec);
  one.ids.push_back(id);
  accept_request r;
  r.userid = ::getuid();
  r.specs.push_back(std::move(one));
  self->request(caf::actor_cast<job_manager_actor>(clients.front()), caf::infinite, std::move(r))
      .then([](const submit_reply&) {}, failed);
  return id;
}

void distributor_state::free_child(job_id child) { graph_mail.freed.ids.push_back(child); }

// -- turns ----------------------------------------------------------------------------------------

void distributor_state::want_turn() {
  if (!std::exchange(turn_wanted, true))
    self->send(self, caf::tick_atom_v);
}

void distributor_state::turn() {
  turn_wanted = false;
  if (!begun)
    return; // children are jobs, and nobody runs any yet
  auto now = steady_ns();
  if (armed_ns <= now)
    armed_ns = 0;
  children_changed |= !not_made.empty();
  for (auto& [id, e] : std::exchange(not_made, {}))
    if (code_of(e) == ec::disk_full)
      core.child_postponed(now, id, render(e));
    else
      core.child_denied(now, id, render(e), *this);
  core.distribute(now, *this);
  children_changed |= !parked.empty() && !core.is_waiting_for_children(); // in vain
  send_mails();
  judge_again();
  arm();
}

/// Of jobs that have been placed: those that wait for another attempt are not meant.
constexpr uint32_t lost_states =
  static_cast<uint32_t>(job_state::run) | static_cast<uint32_t>(job_state::cleanup);

void distributor_state::send_mails() {
  auto post = [this](const scheduler_actor& to, mail& m) {
    if (!m.freed.ids.empty())
      self->send(to, std::move(m.freed));
    if (!m.wanted.groups.empty())
      self->send(to, std::move(m.wanted));
    if (!m.back.ids.empty())
      self->send(to, std::move(m.back));
    if (!m.prioritized.items.empty())
      self->send(to, std::move(m.prioritized));
    if (!m.extended.ends.empty())
      self->send(to, std::move(m.extended));
  };
  post(setup.graph, graph_mail);
  graph_mail = {};
  for (auto& [child, m] : std::exchange(mails, {}))
    if (auto it = handles.find(child); it != handles.end())
      post(it->second.scheduler, m);
  for (auto& [client, m] : std::exchange(client_mails, {})) {
    auto to = caf::actor_cast<job_manager_actor>(clients.at(client));
    auto& d = m.decision;
    if (!d.grants.empty() || !d.denials.empty() || !d.cancelled.empty())
      self->send(to, std::move(d));
    for (auto& [note, ids] : m.lost) {
      raise_request r;
      r.userid = ::getuid();
      r.jobs.ids = ids;
      r.jobs.states = lost_states;
      r.type = "node-failure";
      r.note = note;
      self->request(to, caf::infinite, std::move(r))
          .then([](const count_reply&) {},
                [this, note](const caf::error& e) {
                  log_debug("{}: jobs that were lost: {}: {}", setup.title, note, render(e));
                });
    }
  }
}

void distributor_state::arm() {
  auto next = core.next_wake_ns();
  if (next == 0 || (armed_ns != 0 && armed_ns <= next))
    return;
  armed_ns = next;
  self->delayed_send(self, std::chrono::nanoseconds(std::max<int64_t>(next - steady_ns(), 0)),
                     caf::tick_atom_v);
}

// -- what comes in --------------------------------------------------------------------------------

distributor_client distributor_state::client_of(const caf::strong_actor_ptr& who) {
  auto it = std::find(clients.begin(), clients.end(), who);
  if (it == clients.end())
    it = clients.insert(it, who);
  return static_cast<distributor_client>(it - clients.begin());
}

job_id distributor_state::child_of(const caf::strong_actor_ptr& who) const {
  auto it = by_address.find(caf::actor_cast<caf::actor_addr>(who));
  return it == by_address.end() ? job_id{} : it->second;
}

void distributor_state::take_jobs(const alloc_request& r) {
  auto from = client_of(self->current_sender());
  auto now = steady_ns();
  for (auto& group : r.groups) {
    auto spec = setup.specs->intern(group.spec);
    for (auto& entry : group.items) {
      if (!spec)
        denied(from, entry.id, render(spec.error()));
      else if (core.is_child(entry.id))
        graph_mail.want(*spec, entry);
      else if ((*spec)->is_child)
        denied(from, entry.id, "it was a child of an instance that has ended; there are new ones");
      else
        core.enqueue(now, from, *spec, entry, *this);
    }
  }
  want_turn();
}

/// Of the scheduler that places them.
void distributor_state::take_decision_about_children(alloc_decision& d) {
  children_changed = true;
  auto now = steady_ns();
  for (auto& g : d.grants)
    core.child_granted(g.id, g.resources);
  for (auto& x : d.denials)
    core.child_denied(now, x.id, x.note, *this);
  for (auto id : d.cancelled)
    core.child_denied(now, id, "its job was cancelled", *this);
  auto& to = client_mails[0].decision;
  std::move(d.grants.begin(), d.grants.end(), std::back_inserter(to.grants));
  std::move(d.denials.begin(), d.denials.end(), std::back_inserter(to.denials));
  to.cancelled.insert(to.cancelled.end(), d.cancelled.begin(), d.cancelled.end());
}

void distributor_state::take_decision_of(job_id child, alloc_decision& d) {
  auto now = steady_ns();
  for (auto& g : d.grants)
    core.on_granted(now, child, g.id, std::move(g.resources), std::move(g.how), *this);
  for (auto& x : d.denials)
    core.on_denied(now, child, x.id, x.note, *this);
  for (auto id : d.cancelled)
    core.on_cancelled(now, child, id, *this);
}

void distributor_state::open_child(const instance_opened& o) {
  if (!core.is_child(o.id) || handles.count(o.id) != 0)
    return;
  auto scheduler = caf::actor_cast<scheduler_actor>(o.scheduler);
  handles[o.id] = {scheduler, caf::actor_cast<resource_actor>(o.resource)};
  by_address[caf::actor_cast<caf::actor_addr>(scheduler)] = o.id;
  self->monitor(scheduler);
  core.child_opened(steady_ns(), o.id, *this);
  ++opened;
  fits.clear();
  children_changed = true;
  tell_drains(o.id, {});
  log_debug("{}: child {} serves", setup.title, to_string(o.id));
  want_turn();
}

/// A node that a person has taken out of use here is so in the child, too.
void distributor_state::tell_drains(job_id child, const idset& before) {
  auto out = drained, in = before;
  out.remove_all(before);
  in.remove_all(drained);
  for (auto* changed : {&out, &in}) {
    drain_request r;
    r.ranks = core.ranks_in(child, *changed);
    r.drain = r.update = changed == &out;
    r.reason = "drained in the instance around";
    if (r.ranks.empty())
      continue;
    self->request(handles.at(child).resource, caf::infinite, std::move(r))
        .then([](done) {},
              [this, child](const caf::error& e) {
                log_debug("{}: child {}: drains: {}", setup.title, to_string(child), render(e));
              });
  }
}

// -- the actor ------------------------------------------------------------------------------------

namespace {

void lose_child(distributor_state& st, const caf::actor_addr& scheduler) {
  auto it = st.by_address.find(scheduler);
  if (it == st.by_address.end())
    return;
  auto id = it->second;
  st.by_address.erase(it);
  st.handles.erase(id);
  st.fits.clear();
  st.children_changed = true;
  if (!st.stopped)
    log_notice("{}: child {} has ended", st.setup.title, to_string(id));
  st.core.child_down(steady_ns(), id, st);
  st.want_turn();
}

/// Children are launched on all ranks, which reach each other once all have met.
void begin(distributor_state& st, const distribution_begin& b) {
  st.client_of(caf::actor_cast<caf::strong_actor_ptr>(b.job_manager));
  auto start = [&st] {
    st.begun = true;
    st.want_turn();
  };
  if (!st.setup.broker)
    return start();
  st.self->request(st.setup.broker, caf::infinite, ready_atom_v)
      .then([start](done) { start(); },
            [&st](const caf::error& e) { // the start fails of it
              log_error("{}: no child is made: {}", st.setup.title, render(e));
            });
}

void cancel_jobs(distributor_state& st, const alloc_cancel& c) {
  for (auto id : c.ids)
    if (st.core.is_child(id))
      st.graph_mail.back.ids.push_back(id);
    else
      st.core.cancel(steady_ns(), id, st);
  st.want_turn();
}

void prioritize_jobs(distributor_state& st, const alloc_prioritize& p) {
  for (auto& entry : p.items)
    if (st.core.is_child(entry.id))
      st.graph_mail.prioritized.items.push_back(entry);
    else
      st.core.prioritize(steady_ns(), entry, st);
  st.want_turn();
}

void extend_jobs(distributor_state& st, const alloc_extend& x) {
  for (auto [id, end_ns] : x.ends)
    if (st.core.is_child(id))
      st.graph_mail.extended.ends.emplace_back(id, end_ns);
    else
      st.core.extend(id, end_ns, st);
  st.want_turn();
}

void free_jobs(distributor_state& st, const free_request& f) {
  auto now = steady_ns();
  for (auto id : f.ids)
    if (st.core.is_child(id))
      st.core.child_over(now, id, st);
    else
      st.core.free(now, id, st);
  st.want_turn();
}

void take_decision(distributor_state& st, alloc_decision& d) {
  auto& from = st.self->current_sender();
  if (from == caf::actor_cast<caf::strong_actor_ptr>(st.setup.graph))
    st.take_decision_about_children(d);
  else if (auto child = st.child_of(from); child != job_id{})
    st.take_decision_of(child, d);
  st.want_turn();
}

void use_what_is_up(distributor_state& st) {
  auto& [all, down, drained] = st.last;
  auto out_of_use = down;
  out_of_use.add_all(drained);
  st.usable = subtract(all, restrict_to(all, out_of_use));
  st.core.set_inventory(st.usable);
}

void take_inventory(distributor_state& st, const inventory& i) {
  st.self->send(st.setup.graph, i);
  st.last = i;
  use_what_is_up(st);
  auto before = std::exchange(st.drained, i.drained);
  for (auto& [child, h] : st.handles)
    st.tell_drains(child, before);
  st.want_turn();
}

/// The graph is that of the scheduler which places the children; what is new in it gets some.
caf::result<graph_reply> ask_graph(distributor_state& st, const graph_request& r) {
  if (!is_change(r.verb))
    return st.self->delegate(st.setup.graph, r);
  if (r.verb != graph_verb::attach && r.verb != graph_verb::detach)
    return make_error(ec::not_permitted,
                      "jobs are placed by the children of this instance (sched.policy=hierarchy), "
                      "which have graphs of their own: HACTOR_URI=$HACTOR_URI/CHILD names one; "
                      "'hactor resource drain' takes nodes out of use in all");
  auto promise = st.self->make_response_promise<graph_reply>();
  st.self->request(st.setup.graph, caf::infinite, r)
      .then(
          [&st, promise](graph_reply& x) mutable {
            auto all = unite(x.all, restrict_to(st.last.all, st.last.down));
            all.starttime = st.last.all.starttime;
            all.expiration = st.last.all.expiration;
            st.last.all = std::move(all);
            use_what_is_up(st);
            st.want_turn();
            promise.deliver(std::move(x));
          },
          [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
  return promise;
}

void stop(distributor_state& st) {
  st.stopped = st.children_changed = true;
  st.core.stop();
  st.want_turn();
}

stats_reply stats_of(const distributor_state& st) {
  auto c = st.core.counts();
  return {{{"queued", static_cast<int64_t>(c.queued)},
           {"given", static_cast<int64_t>(c.given)},
           {"running", static_cast<int64_t>(c.running)},
           {"children", static_cast<int64_t>(c.children)},
           {"children_made", st.made},
           {"grants", st.grants},
           {"denials", st.denials},
           {"taken_back", static_cast<int64_t>(c.taken_back)}}};
}

} // namespace

distributor_actor::behavior_type distributor_service(distributor_state::pointer self,
                                                     distributor_setup setup) {
  auto& state = self->state;
  state.setup = std::move(setup);
  auto& tree = state.setup.settings.tree;
  state.core = distributor_core{tree.empty() ? 0 : tree.front()};
  self->set_down_handler([self](const caf::down_msg& d) { lose_child(self->state, d.source); });
  return {
      [self](const distribution_begin& b) { begin(self->state, b); },
      [self](alloc_decision& d) { take_decision(self->state, d); },
      [self](rooms_atom) {
        auto child = self->state.child_of(self->current_sender());
        self->state.send_mails(); // what the answer leaves out must be there before it
        return self->state.core.rooms(child);
      },
      [self](const raise_request& r) { return self->state.pass_on(r); },
      [self](const alloc_request& r) { self->state.take_jobs(r); },
      [self](const alloc_cancel& c) { cancel_jobs(self->state, c); },
      [self](const alloc_prioritize& p) { prioritize_jobs(self->state, p); },
      [self](const alloc_extend& x) { extend_jobs(self->state, x); },
      [self](const free_request& f) { free_jobs(self->state, f); },
      [](const vacate_request&) -> caf::result<done> {
        return make_error(ec::wrong_state, "the nodes of this instance are its children's");
      },
      [self](const feasible_request& r) { return self->state.judge(r); },
      [self](const explain_request& r) { return self->state.explain(r); },
      [self](const queue_request& r) { return self->state.queues(r); },
      [self](const scheduler_request& r) { return self->state.about_scheduler(r); },
      [self](const instance_opened& o) { self->state.open_child(o); },
      [self](drain_atom) { stop(self->state); },
      [](const claim_request&) -> caf::result<claim_reply> {
        return make_error(ec::unknown_method, "the nodes of this instance are its children's; "
                                              "programs can claim some of a child");
      },
      [](const claimant_gone&) {},
      [self](const graph_request& r) { return ask_graph(self->state, r); },
      [self](const inventory& i) { take_inventory(self->state, i); },
      [self](usage_atom) { return self->state.usage(); },
      [self](caf::tick_atom) {
        self->state.turn();
        self->state.explain_rest();
      },
      [self](stats_atom) { return stats_of(self->state); },
      [self](waits_atom) { return waits_reply{self->state.waits()}; },
  };
}

} // namespace hactor
