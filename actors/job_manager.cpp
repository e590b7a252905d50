// See the header. Turns and commits are here; what clients ask is in job_manager_requests.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/job_manager.hpp"

#include <algorithm>

#include "actors/job_manager_requests.hpp"
#include "actors/job_resize.hpp"
#include "actors/service_maker.hpp"
#include "runtime/duration.hpp"
#include "runtime/limits.hpp"
#include "runtime/log.hpp"

namespace hactor {

namespace {

/// How long events that nobody waits for may wait for others; and how many of them. Long beside the
/// time between two starts of short jobs, so that the timer is rarely what commits them.
constexpr auto commit_delay = std::chrono::milliseconds(10);
constexpr size_t commit_events_max = 10'000;

/// How often the wall clock is looked at while something waits for a time: it may be set, or the
/// machine may sleep.
constexpr auto clock_check = std::chrono::minutes(1);
/// By so much it is set.
constexpr int64_t clock_step_ns = 1'000'000'000;
constexpr auto deadline = std::chrono::seconds(limits::request_timeout_s);

} // namespace

// -- what the core causes -------------------------------------------------------------------------

void job_manager_state::post(const job_event& e) {
  gathering.submits |= e.kind == event_kind::submit;
  gathering.batch.events.push_back(e);
}

void job_manager_state::keep_spec(const spec_hash& hash, const std::string& text) {
  if (kept_specs.insert(hash).second)
    gathering.batch.specs.emplace_back(hash, text);
}

void job_manager_state::keep_record(job_record&& record) {
  gathering.batch.jobs.push_back(std::move(record));
}

void job_manager_state::want_room(const job_spec_ptr& spec, const alloc_entry& entry) {
  auto [it, added] = room_group.try_emplace(spec->request.get(), room_wanted.groups.size());
  if (added)
    room_wanted.groups.push_back({{spec, {}, {}}, {}});
  room_wanted.groups[it->second].items.push_back(entry);
}

void job_manager_state::cancel_room(job_id id) { room_cancelled.ids.push_back(id); }

void job_manager_state::prioritize_room(const alloc_entry& entry) {
  room_prioritized.items.push_back(entry);
}

void job_manager_state::free_room(job_id id) { room_freed.ids.push_back(id); }

void job_manager_state::extend_room(job_id id, int64_t end_ns) {
  room_extended.ends.emplace_back(id, end_ns);
}

void job_manager_state::launch(const job_spec_ptr& spec, launch_item&& item) {
  gathering.launches.push_back({spec, std::move(item)});
}

void job_manager_state::signal(const rset& where, const signal_item& item) {
  if (item.whom != signal_for::tasks && holders.count(item.id) != 0)
    log_info("{}: job {}: its time is nearly over: signal {} to {}",
             log_title("job-manager", peers.instance), to_string(item.id), item.signal,
             item.whom == signal_for::script ? "its script" : "all that runs in its instance");
  gathering.signals.push_back({peers.where.broker(where.nodes.front().rank), item});
}

void job_manager_state::settle(job_id id, uint32_t attempt, const idset& brokers,
                               const idset& lost) {
  for (auto broker : brokers.expand()) {
    settles[broker].ids.push_back(id);
    settles[broker].attempts.push_back(attempt);
    settles[broker].lost = lost;
  }
}

void job_manager_state::ended(job_id id) { gathering.ended.push_back(id); }

// -- turns ----------------------------------------------------------------------------------------

void job_manager_state::end_turn() {
  if (!paused.empty())
    signal_now(gathering.signals);
  // Room first: the scheduler works while the journal writes.
  if (!room_freed.ids.empty() || !room_freed.parts.empty())
    self->send(peers.scheduler, std::exchange(room_freed, {}));
  if (!room_wanted.groups.empty())
    self->send(peers.scheduler, std::exchange(room_wanted, {}));
  room_group.clear();
  if (!room_cancelled.ids.empty())
    self->send(peers.scheduler, std::exchange(room_cancelled, {}));
  if (!room_prioritized.items.empty())
    self->send(peers.scheduler, std::exchange(room_prioritized, {}));
  if (!room_extended.ends.empty()) {
    for (auto [id, end_ns] : room_extended.ends)
      if (holders.count(id) != 0)
        tell_end(id);
    self->send(peers.scheduler, std::exchange(room_extended, {}));
  }
  send_settles();
  arm_deadline();
  memory.update(core.active());
  // A state that ends with the instance will never be replayed: nothing has to wait for it, save
  // that a job whose submit event fails is taken back.
  if (!peers.lasting && paused.empty() && !gathering.submits && !committing.submits) {
    send_launches(std::exchange(gathering.launches, {}));
    send_signals(std::exchange(gathering.signals, {}));
  }
  if (commit_under_way || (gathering.empty() && gathering.signals.empty()))
    return;
  if (is_urgent())
    start_commit();
  else if (!std::exchange(commit_armed, true))
    self->delayed_send(self, commit_delay, caf::flush_atom_v);
}

/// True when somebody waits for the gathered events. What nobody waits for (mostly ends of jobs)
/// goes with the next commit that is urgent, which is as a rule the next job's start.
bool job_manager_state::is_urgent() const {
  auto& g = gathering;
  if (!g.launches.empty() || !g.signals.empty() || !g.after.empty() || !g.answers.empty()
      || !drained.empty()
      || g.batch.events.size() >= commit_events_max)
    return true;
  return !followers.empty()
         && std::any_of(g.batch.events.begin(), g.batch.events.end(),
                        [this](const job_event& e) { return followers.count(e.id) != 0; });
}

void job_manager_state::when_durable(std::function<void()> then) {
  if (!commit_under_way && gathering.empty())
    then();
  else
    gathering.after.push_back(std::move(then));
}

void job_manager_state::answer_when_durable(std::function<void(const caf::error&)> answer) {
  if (!commit_under_way && gathering.empty())
    answer({});
  else
    gathering.answers.push_back(std::move(answer));
}

void job_manager_state::start_commit() {
  committing = std::exchange(gathering, {});
  kept_specs.clear();
  commit_under_way = true;
  auto& b = committing.batch;
  if (b.events.empty() && b.jobs.empty() && b.meta.empty()) {
    on_committed(); // signals only: nothing to make durable
    return;
  }
  send_batch();
}

void job_manager_state::send_batch() {
  commit_ns = steady_ns();
  // Ahead of what waits here and there: the longer a commit takes, the more the next one holds.
  self->request<caf::message_priority::high>(peers.journal, caf::infinite,
                                             commit_request{committing.batch})
    .then([this](const committed&) { on_committed(); },
          [this](const caf::error& e) { on_commit_failed(e); });
}

void job_manager_state::on_committed() {
  if (!paused.empty())
    go_on_or_probe();
  auto done = std::exchange(committing, {});
  commit_under_way = false;
  send_launches(std::move(done.launches));
  send_signals(done.signals);
  tell_followers(done.batch.events);
  for (auto id : done.ended) {
    core.forget(id);
    holders.erase(id);
  }
  serve_reapers();
  for (auto& f : done.after)
    f();
  for (auto& f : done.answers)
    f({});
  end_turn();
  tell_if_drained();
}

void job_manager_state::tell_if_drained() {
  auto c = core.counts();
  if (drained.empty() || (c.run + c.cleanup > 0 && !is_drain_hopeless()))
    return;
  // What a full disk does not take is not waited for: a restart finds the jobs as they were before.
  if (paused.empty() && (commit_under_way || !gathering.empty()))
    return;
  for (auto& p : std::exchange(drained, {}))
    p.deliver(done{});
}

void job_manager_state::on_commit_failed(const caf::error& e) {
  if (e == caf::sec::request_receiver_down)
    return; // the broker ends, and the journal has before us; its failing is told of elsewhere
  if (code_of(e) != ec::disk_full) {
    // Nothing later could be trusted (RFC 21): better no instance than one that forgets.
    log_write(log_level::emerg, log_title("job-manager", peers.instance)
                                   + ": the journal failed: " + render(e));
    check_failed(__FILE__, __LINE__, "journal commit");
  }
  pause(e);
}

void job_manager_state::tell_followers(const std::vector<job_event>& events) {
  if (followers.empty())
    return;
  std::map<job_id, std::vector<job_event>> by_job;
  for (auto& e : events)
    if (followers.count(e.id) != 0)
      by_job[e.id].push_back(e);
  for (auto& [id, list] : by_job) {
    auto over = list.back().after == job_state::inactive;
    auto it = followers.find(id);
    for (auto& f : it->second)
      self->send(caf::actor_cast<connector_actor>(f.handle),
                 job_events{f.tag, list, core.ranks(id)});
    if (over)
      followers.erase(it);
  }
}

/// Followers look again at what they show of it.
void job_manager_state::heard(job_id id) {
  auto it = followers.find(id);
  if (it == followers.end())
    return;
  for (auto& f : it->second)
    self->send(caf::actor_cast<connector_actor>(f.handle), job_events{f.tag, {}, core.ranks(id)});
}

int64_t job_manager_state::now() {
  auto wall = wall_ns();
  auto ahead = wall - steady_ns();
  auto by = ahead - std::exchange(wall_ahead_ns, ahead);
  if (by > -clock_step_ns && by < clock_step_ns)
    return wall; // it drifts, or is corrected bit by bit
  core.on_clock_set(by);
  if (armed_ns != 0)
    armed_ns += by;
  return wall;
}

void job_manager_state::arm_deadline() {
  auto next = core.next_deadline_ns();
  if (next == 0 || (armed_ns != 0 && armed_ns <= next))
    return;
  armed_ns = next;
  std::chrono::nanoseconds wait{std::max<int64_t>(next - now(), 0)};
  self->delayed_send(self, std::min<std::chrono::nanoseconds>(wait, clock_check), caf::tick_atom_v);
}

// -- exec -----------------------------------------------------------------------------------------

void job_manager_state::with_exec(rank_t broker, std::function<void(const caf::actor&)> use,
                                  std::function<void(const caf::error&)> fail) {
  if (auto it = execs.find(broker); it != execs.end()) {
    use(it->second);
    return;
  }
  auto& queue = dialling[broker];
  queue.emplace_back(std::move(use), std::move(fail));
  if (queue.size() > 1)
    return;
  self->request(peers.broker, deadline, peer_request{broker})
    .then(
      [this, broker](rank_services& s) {
        execs[broker] = s.exec;
        auto waiting = std::exchange(dialling[broker], {});
        for (auto& w : waiting)
          w.first(s.exec);
      },
      [this, broker](const caf::error& e) {
        auto waiting = std::exchange(dialling[broker], {});
        for (auto& w : waiting)
          w.second(e);
      });
}

void job_manager_state::send_launches(std::vector<launch_order> orders) {
  // One message a broker, in it one group a jobspec.
  std::map<rank_t, std::pair<launch_request, std::map<const job_spec*, size_t>>> by_broker;
  for (auto& o : orders) {
    auto& [request, groups] = by_broker[peers.where.broker(o.item.resources.nodes.front().rank)];
    auto [it, added] = groups.try_emplace(o.spec.get(), request.groups.size());
    if (added)
      request.groups.push_back({o.spec->text, o.spec->environment_text(), {}});
    o.item.resources = peers.where.to_system(std::move(o.item.resources));
    request.groups[it->second].items.push_back(std::move(o.item));
  }
  for (auto& [broker, order] : by_broker) {
    order.first.reply_to = caf::actor_cast<caf::actor>(self);
    order.first.instance = peers.instance;
    order.first.memory = peers.memory;
    auto request = std::make_shared<launch_request>(std::move(order.first));
    with_exec(
      broker,
      [this, request](const caf::actor& exec) {
        self->send(caf::actor_cast<exec_actor>(exec), std::move(*request));
      },
      [this, request, broker = broker](const caf::error& e) {
        auto why = "rank " + std::to_string(broker) + ": " + render(e);
        for (auto& group : request->groups)
          for (auto& item : group.items)
            core.on_launch_failed(now(), item.id, why, *this);
        end_turn();
      });
  }
}

void job_manager_state::send_signals(const std::vector<signal_order>& orders) {
  std::map<rank_t, signal_request> by_broker;
  for (auto& o : orders)
    by_broker[o.rank].items.push_back(o.item);
  for (auto& [broker, request] : by_broker)
    with_exec(
      broker,
      [this, r = std::move(request)](const caf::actor& exec) {
        self->send(caf::actor_cast<exec_actor>(exec), r);
      },
      [this, broker = broker](const caf::error& e) {
        log_warning("{}: no signal to rank {}: {}", log_title("job-manager", peers.instance),
                    broker, render(e));
      });
}

/// Not held back until anything is durable: the sooner nothing runs any more, the better.
void job_manager_state::send_settles() {
  for (auto& [broker, request] : std::exchange(settles, {})) {
    request.reply_to = caf::actor_cast<caf::actor>(self);
    with_exec(
      broker,
      [this, r = request](const caf::actor& exec) {
        self->send(caf::actor_cast<exec_actor>(exec), r);
      },
      [this, broker = broker, ids = request.ids](const caf::error& e) {
        log_warning("{}: rank {} cannot tell whether its jobs are gone: {}",
                    log_title("job-manager", peers.instance), broker, render(e));
        for (auto id : ids) {
          job_report gone;
          gone.id = id;
          core.on_settled(now(), broker, gone, *this);
        }
        end_turn();
      });
  }
}

/// Its end may have been moved while it was being made.
void job_manager_state::take_instance(const instance_opened& o) {
  self->send(peers.scheduler, o);
  holders.insert(o.id);
  tell_end(o.id);
}

/// An instance ends with the job that holds it, and is told when that is.
void job_manager_state::tell_end(job_id holder) {
  auto whole = core.whole(holder);
  if (!whole || whole->ranks.empty())
    return;
  instance_grow g;
  g.job = holder;
  g.resources.expiration = whole->summary.expiration;
  with_exec(
      peers.where.broker(whole->ranks.front()),
      [this, g](const caf::actor& exec) {
        self->request(caf::actor_cast<exec_actor>(exec), deadline, g)
            .then([](const resize_reply&) {}, [](const caf::error&) {}); // it has ended since
      },
      [](const caf::error&) {});
}

// -- the actor ------------------------------------------------------------------------------------

namespace {

void apply_decision(job_manager_state& st, alloc_decision& d) {
  auto now = st.now();
  // While draining nothing is started; but a cancelled job must hear of its grant, or never ends.
  auto waits = [&st](job_id id) {
    auto s = st.core.summary(id);
    return s && s->state == job_state::sched;
  };
  for (auto& g : d.grants)
    if (st.core.has_lost(g.resources, st.peers.where))
      st.core.on_void_grant(now, g.id, st);
    else if (st.draining && waits(g.id))
      st.core.on_late_grant(g.id, st);
    else
      st.core.on_granted(now, g.id, std::move(g.resources), st, g.how);
  for (auto& x : d.denials)
    st.core.on_denied(now, x.id, x.note, st);
  for (auto id : d.cancelled)
    st.core.on_room_cancelled(now, id, st);
  st.end_turn();
}

void apply_settled(job_manager_state& st, const settled_report& r) {
  auto now = st.now();
  for (auto& job : r.jobs)
    st.core.on_settled(now, r.rank, job, st);
  st.end_turn();
  st.tell_if_drained();
}

void lose_rank(job_manager_state& st, rank_t rank) {
  st.execs.erase(rank);
  st.core.on_rank_lost(st.now(), rank, st.peers.where, st);
  st.end_turn();
  std::vector<std::function<void(const caf::error&)>> over; // whoever was asked may be gone, too
  for (auto& [id, job] : st.resizing)
    if (auto s = st.core.summary(id); !s || s->state != job_state::run)
      over.push_back(job.end);
  for (auto& end : over)
    end(make_error(ec::rank_lost, fmt::format("rank {} of the job was lost", rank)));
}

void take_report(job_manager_state& st, const exec_report& r) {
  auto now = st.now();
  for (auto& job : r.jobs) {
    for (auto rank : job.lost.expand()) // whoever was below may still run
      st.core.on_rank_lost(now, rank, st.peers.where, st);
    if (job.ended || job.clean.empty())
      st.core.on_report(now, job, st);
    else if (!st.peers.distributes) // children of the instance take back whole jobs
      st.core.on_clean(now, job, st.peers.where, st);
  }
  st.end_turn();
  st.tell_if_drained();
}

int64_t moment_of(double seconds) { return seconds > 0 ? moment_after(0, seconds) : 0; }

/// The instance has grown or shrunk, or ends at another time.
done change_nodes(job_manager_state& st, const nodes_changed& c) {
  st.peers.where = rank_map{st.peers.where.brokers(), c.nodes};
  if (c.removed.empty())
    st.core.set_end(st.now(), moment_of(c.added.expiration), st);
  st.end_turn();
  return done{};
}

stats_reply stats_of(const job_manager_state& st) {
  auto c = st.core.counts();
  return {{{"active", static_cast<int64_t>(st.core.active())},
           {"run", static_cast<int64_t>(c.run)},
           {"sched", static_cast<int64_t>(c.sched)},
           {"inactive", static_cast<int64_t>(c.inactive)},
           {"followed", static_cast<int64_t>(st.followers.size())}}};
}

} // namespace

job_manager_actor::behavior_type
job_manager_service(job_manager_state::pointer self, job_manager_peers peers,
                    std::shared_ptr<spec_cache> specs, std::shared_ptr<job_manager_core> restored) {
  auto& st = self->state;
  st.peers = std::move(peers);
  st.specs = std::move(specs);
  st.execs[st.peers.rank] = caf::actor_cast<caf::actor>(st.peers.exec);
  if (restored) {
    st.core = std::move(*restored);
    st.core.resume(st.now(), st);
    st.end_turn();
  }
  st.core.set_end(st.now(), moment_of(st.peers.ends), st); // nothing runs so far
  return {
    [self](accept_request& r) { return accept_jobs(self->state, r); },
    [self](const raise_request& r) { return raise_on_jobs(self->state, r); },
    [self](const kill_request& r) { return kill_jobs(self->state, r); },
    [self](const memo_request& r) { return add_memo(self->state, r); },
    [self](const resize_request& r) { return resize_job(self->state, r); },
    [self](const update_request& r) { return update_jobs(self->state, r); },
    [self](const urgency_request& r) { return set_urgency(self->state, r); },
    [self](const list_request& r) { return list_jobs(self->state, r); },
    [self](const job_request& r) { return show_job(self->state, r); },
    [self](follow_request& r) { return follow_jobs(self->state, std::move(r)); },
    [self](const unfollow& u) { unfollow_job(self->state, u); },
    [self](const reap_request& r) { return reap_jobs(self->state, r); },
    [self](const not_reaped& n) {
      self->state.core.ends().put_back(n.jobs);
      self->state.serve_reapers();
    },
    [self](const waited_for& w) {
      for (auto id : w.ids)
        self->state.core.ends().on_waited_for(id);
      self->state.serve_reapers();
    },
    [self](purge_request& r) { return purge_jobs(self->state, r); },
    [self](const nodes_changed& c) { return change_nodes(self->state, c); },
    [self](drain_atom) { return drain_jobs(self->state); },
    [self](counts_atom) {
      auto counts = self->state.core.counts();
      counts.paused = self->state.paused;
      return counts;
    },
    [self](const job_waits_request& r) { return tell_waits(self->state, r); },
    [self](alloc_decision& d) { apply_decision(self->state, d); },
    [self](rooms_atom) { return self->state.core.rooms(); },
    [self](const exec_report& r) { take_report(self->state, r); },
    [self](const instance_opened& o) { self->state.take_instance(o); },
    [self](const settled_report& r) { apply_settled(self->state, r); },
    [self](const rank_lost& lost) { lose_rank(self->state, lost.rank); },
    [self](caf::flush_atom) {
      auto& st = self->state;
      st.commit_armed = false;
      if (!st.commit_under_way && !st.gathering.empty())
        st.start_commit();
    },
    [self](retry_atom) { self->state.on_retry(); },
    [self](caf::tick_atom) {
      auto& st = self->state;
      st.armed_ns = 0;
      st.core.on_deadline(st.now(), st);
      st.end_turn();
    },
    [self](stats_atom) { return stats_of(self->state); },
    [self](waits_atom) { return waits_reply{self->state.waits()}; },
  };
}

} // namespace hactor
