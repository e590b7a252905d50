// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "nest_instance.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace hactor::test {

namespace {

constexpr const char* policies[] = {"fcfs", "easy", "hybrid", "conservative"};

} // namespace

nest_sim::instance::instance(nest_sim& sim, instance* around, job_id job, rank_t place, rank_t lead,
                             rset inventory, std::vector<rank_t> nodes)
    : sim{sim}, around{around}, job{job}, place{place}, lead{lead}, inventory{std::move(inventory)},
      where{sim.options_.brokers, std::move(nodes)} {
  if (around != nullptr) {
    path = around->path.empty() ? to_string(job) : around->path + "/" + to_string(job);
    level = around->level + 1;
  }
  lasting = level == 0 && sim.options_.seed % 2 == 0;
  scheduler_settings settings;
  auto policy = make_queue_policy(policies[below(sim.random_, 4)], 0);
  settings.queues.push_back({"", *policy, 8, nullptr});
  scheduler = scheduler_core{std::move(settings)};
  scheduler.set_inventory(this->inventory);
}

// -- what its script does -------------------------------------------------------------------------

spec_text nest_sim::instance::any_spec(bool holds) {
  auto& random = sim.random_;
  spec_text s;
  s.nodes = static_cast<uint32_t>(1 + below(random, inventory.nodes.size()));
  uint64_t widest = 1;
  for (auto& node : inventory.nodes)
    widest = std::max<uint64_t>(widest, node.cores.size());
  s.cores = static_cast<uint32_t>(1 + below(random, widest));
  if (holds && below(random, 2) == 0)
    s.cores = static_cast<uint32_t>(widest);
  if (holds) // rather a large one
    s.nodes = std::max(s.nodes, static_cast<uint32_t>(1 + below(random, inventory.nodes.size())));
  if (below(random, holds ? 4 : 8) == 0)
    s.duration_s = static_cast<double>(1 + below(random, 4));
  if (below(random, 4) == 0)
    s.rest = {{"retries", 1 + below(random, 2)}};
  return s;
}

void nest_sim::instance::submit() {
  auto& random = sim.random_;
  if (manager.active() > 8)
    return; // rather something happens to those that there are
  auto holds = level + 1 < sim.options_.levels && below(random, 2) == 0;
  auto spec = intern(sim.specs_, any_spec(holds));
  if (scheduler.feasible(spec->request))
    return;
  accepted_spec a;
  for (auto n = holds ? 1 : 1 + below(random, 3); n > 0; --n) {
    job_id id{++sim.last_id_};
    a.ids.push_back(id);
    auto& known = sim.jobs_[id];
    known.in = this;
    known.holds = holds;
    auto& script = sim.net_.scripts[id];
    script.endless = holds || below(random, 4) == 0;
    if (!holds && below(random, 12) == 0)
      script.fails_on.insert(static_cast<rank_t>(below(random, sim.options_.brokers)));
    if (!holds && below(random, 5) == 0)
      script.status[static_cast<rank_t>(below(random, sim.options_.brokers))] = 1 << 8;
  }
  sim.seen.jobs += a.ids.size();
  manager.accept(sim.now_ns_, 1000, spec, a, *this);
  end_turn();
}

void nest_sim::instance::cancel() {
  raise_request r;
  r.type = "cancel";
  list_request all;
  all.states = 62;
  auto jobs = manager.list(all);
  if (jobs.empty())
    return;
  std::sort(jobs.begin(), jobs.end(), [](auto& a, auto& b) { return a.id < b.id; });
  auto id = jobs[below(sim.random_, jobs.size())].id;
  if (level == 0 && below(sim.random_, 2) == 0) // rather one with instances below it
    for (auto& j : jobs)
      if (sim.jobs_.at(j.id).holds && j.state == job_state::run)
        id = j.id;
  r.jobs.ids = {id};
  for (auto& inner : sim.instances_)
    if (inner->alive() && inner->level == 2 && is_on_path(inner->path, id) && level == 0
        && inner->manager.counts().run > 0) {
      ++sim.seen.busy_three_levels;
      break;
    }
  if (auto n = manager.raise(sim.now_ns_, r, *this); !n)
    sim.fail(render(n.error()));
  end_turn();
}

void nest_sim::instance::grow() {
  if (resizing || around->over)
    return;
  auto growth = around->manager.grow(sim.now_ns_, job, 1, *around);
  if (!growth)
    return;
  resizing = true;
  around->growths[*growth] = job;
  around->end_turn();
}

/// In the instance around: one of its jobs has more now, or will not have.
void nest_sim::instance::grown(job_id growth, const rset& part, const std::string&) {
  gathering.then.emplace_back([this, growth, part] {
    auto id = growths.at(growth);
    for (auto& in : sim.instances_)
      if (in->around == this && in->job == id && in->alive()) {
        in->to_manager.push_back([child = in.get(), part] { child->take_nodes(part); });
        return;
      }
    if (!part.nodes.empty()) { // it has ended meanwhile
      manager.shrink(sim.now_ns_, id, part.ranks(), *this);
      end_turn();
    }
  });
}

void nest_sim::instance::take_nodes(rset part) {
  resizing = false;
  if (part.nodes.empty())
    return;
  if (draining) {
    around->to_manager.push_back([this, ranks = part.ranks()] {
      around->manager.shrink(sim.now_ns_, job, ranks, *around);
      around->end_turn();
    });
    return;
  }
  ++sim.seen.grown;
  auto nodes = where.nodes();
  std::vector<rank_t> order;
  for (auto& node : part.nodes)
    order.push_back(node.rank);
  auto added = as_instance(part, order);
  for (auto& node : added.nodes) {
    node.rank += static_cast<rank_t>(where.nodes().size());
    nodes.push_back(around->where.node(order[nodes.size() - where.nodes().size()]));
  }
  where = rank_map{where.brokers(), std::move(nodes)};
  inventory = unite(inventory, added);
  to_scheduler.push_back([this, all = inventory] {
    scheduler.set_inventory(all);
    pass_wanted = true;
  });
}

void nest_sim::instance::shrink() {
  if (resizing || around->over || inventory.nodes.size() < 2)
    return;
  resizing = true;
  auto i = 1 + below(sim.random_, inventory.nodes.size() - 1); // not the first
  to_scheduler.push_back([this, rank = inventory.nodes[i].rank] {
    scheduler.drain(rank);
    leaving = idset::single(rank);
  });
}

bool nest_sim::instance::is_vacant() const {
  return !leaving.empty() && !scheduler.is_held(leaving);
}

/// Nothing runs on the node that is leaving: it is the other's again.
void nest_sim::instance::give_back() {
  auto rank = static_cast<rank_t>(std::exchange(leaving, {}).first());
  resizing = false;
  if (draining || around->over)
    return; // all of it goes
  ++sim.seen.shrunk;
  auto nodes = where.nodes();
  auto node = std::exchange(nodes.at(rank), nodes.at(rank) | rank_map::given_back);
  where = rank_map{where.brokers(), std::move(nodes)};
  auto rest = inventory.ranks();
  rest.remove(rank);
  inventory = restrict_to(inventory, rest);
  scheduler.set_inventory(inventory);
  if (auto shell = sim.net_.shells.find({node, job}); shell != sim.net_.shells.end())
    shell->second.over = true; // it waits for the end of the instance
  around->to_manager.push_back([this, node] {
    auto whole = around->manager.whole(job);
    idset own;
    for (auto r : whole ? whole->ranks : std::vector<rank_t>{})
      if (around->where.node(r) == node)
        own.add(r);
    around->manager.shrink(sim.now_ns_, job, own, *around);
    around->end_turn();
  });
}

// -- its life -------------------------------------------------------------------------------------

void nest_sim::instance::end() {
  if (std::exchange(draining, true) || over)
    return;
  to_manager.push_back([this] {
    raise_request r;
    r.jobs.states = static_cast<uint32_t>(job_state::run);
    r.type = "cancel";
    r.note = "the instance ends";
    (void)manager.raise(sim.now_ns_, r, *this);
    end_turn();
    tell_if_drained();
  });
}

void nest_sim::instance::tell_if_drained() {
  auto c = manager.counts();
  if (!draining || over || level == 0 || c.run + c.cleanup > 0 || !committing.empty()
      || gathering.any || !gathering.then.empty())
    return;
  over = true;
  sim.net_.close_place(place);
  to_scheduler.clear();
  to_manager.clear();
  sim.on_over(lead, job);
}

void nest_sim::instance::on_rank_lost(rank_t rank) {
  for (auto& node : inventory.nodes)
    if (where.broker(node.rank) == rank)
      to_scheduler.push_back([this, down = node.rank] {
        scheduler.rank_down(down);
        pass_wanted = true;
      });
  to_manager.push_back([this, rank] {
    told_lost.insert(rank);
    manager.on_rank_lost(sim.now_ns_, rank, where, *this);
    end_turn();
  });
}

// -- what can happen in it ------------------------------------------------------------------------

void nest_sim::instance::list_moves(std::vector<std::function<void()>>& can) {
  auto from = [&can](std::deque<std::function<void()>>& queue) {
    if (!queue.empty())
      can.emplace_back([&queue] {
        auto f = std::move(queue.front());
        queue.pop_front();
        f();
      });
  };
  from(to_scheduler);
  from(to_manager);
  if (!committing.empty())
    can.emplace_back([this] {
      auto done = std::move(committing.front());
      committing.pop_front();
      for (auto& f : done.then)
        f();
      for (auto id : done.ended)
        manager.forget(id);
      end_turn();
      tell_if_drained();
    });
  if (is_vacant())
    can.emplace_back([this] { give_back(); });
  if (pass_wanted)
    can.emplace_back([this] {
      pass_wanted = false;
      scheduler.schedule(sim.now_ns_, *this);
    });
}

void nest_sim::instance::on_time() {
  auto deadline = manager.next_deadline_ns();
  if (over || deadline == 0 || deadline > sim.now_ns_)
    return;
  manager.on_deadline(sim.now_ns_, *this);
  end_turn();
}

void nest_sim::instance::end_turn() {
  if (!lasting)
    for (auto& f : std::exchange(gathering.then, {}))
      f();
  if (!committing.empty() || (!gathering.any && gathering.then.empty()))
    return;
  committing.push_back(std::exchange(gathering, {}));
}

// -- the job manager's shell ----------------------------------------------------------------------

void nest_sim::instance::post(const job_event& e) {
  gathering.any = true;
  auto& known = sim.jobs_.at(e.id);
  auto to = next_state(known.fold.state, e);
  if (!to || *to != e.after) {
    sim.fail(fmt::format("{}: {} in state {}", to_string(e.id), name_of(e.kind),
                         name_of(known.fold.state)));
    return;
  }
  auto copy = e;
  known.fold.apply(copy);
  sim.seen.retried += e.kind == event_kind::retry;
  if (e.kind == event_kind::free)
    sim.check_given_back(e.id);
  if (e.kind != event_kind::clean)
    return;
  ++sim.seen.ended;
  sim.seen.cancelled += known.fold.result() == job_result::canceled;
  sim.seen.timeout += known.fold.result() == job_result::timeout;
  if (++known.ends > 1)
    sim.fail(fmt::format("{} ended twice", to_string(e.id)));
}

void nest_sim::instance::want_room(const job_spec_ptr& spec, const alloc_entry& entry) {
  to_scheduler.push_back([this, spec, entry] {
    scheduler.enqueue({entry.id, entry.priority, entry.t_submit_ns, spec->request});
    pass_wanted = true;
  });
}

void nest_sim::instance::cancel_room(job_id id) {
  to_scheduler.push_back([this, id] {
    scheduler.cancel(id);
    pass_wanted = true;
  });
}

void nest_sim::instance::prioritize_room(const alloc_entry& entry) {
  to_scheduler.push_back([this, entry] { scheduler.prioritize(entry.id, entry.priority); });
}

void nest_sim::instance::extend_room(job_id id, int64_t end_ns) {
  to_scheduler.push_back([this, id, end_ns] {
    scheduler.extend(id, static_cast<double>(end_ns) * 1e-9);
    pass_wanted = true;
  });
}

void nest_sim::instance::free_room(job_id id) {
  to_scheduler.push_back([this, id] {
    held.erase(id);
    scheduler.free(id, std::nullopt, true);
    pass_wanted = true;
  });
}

void nest_sim::instance::free_part(job_id id, const idset& ranks) {
  to_scheduler.push_back([this, id, ranks] {
    if (auto it = held.find(id); it != held.end()) {
      auto rest = it->second.ranks();
      rest.remove_all(ranks);
      it->second = restrict_to(it->second, rest);
    }
    scheduler.free(id, ranks, false);
    pass_wanted = true;
  });
}

rset nest_sim::instance::room_of(job_id id) const {
  rset all;
  for (auto& [holder, r] : held)
    if (auto growth = growths.find(holder);
        holder == id || (growth != growths.end() && growth->second == id))
      all = unite(all, r);
  // By node of the system; a nested instance's order is another.
  for (auto& node : all.nodes)
    node.rank = where.node(node.rank);
  std::sort(all.nodes.begin(), all.nodes.end(), [](auto& a, auto& b) { return a.rank < b.rank; });
  return all;
}

void nest_sim::instance::launch(const job_spec_ptr& spec, launch_item&& item) {
  gathering.then.emplace_back([this, spec, item = std::move(item)] { do_launch(spec, item); });
}

void nest_sim::instance::do_launch(const job_spec_ptr& spec, launch_item item) {
  auto& known = sim.jobs_.at(item.id);
  if (++known.launches != item.attempt)
    sim.fail(fmt::format("{}: attempt {} is launch {}", to_string(item.id), item.attempt,
                         known.launches));
  item.resources = where.to_system(std::move(item.resources));
  known.placed = item.resources;
  if (told_lost.count(item.resources.nodes.front().rank) != 0) {
    to_manager.push_back([this, id = item.id] {
      manager.on_launch_failed(sim.now_ns_, id, "its first rank is lost", *this);
      end_turn();
    });
    return;
  }
  auto plan = make_launch_plan(spec->text, spec->environment_text());
  if (!plan)
    sim.fail(render(plan.error()));
  else
    sim.net_.launch({*plan, item, std::make_shared<job_origin>(job_origin{path, nullptr})});
}

void nest_sim::instance::signal(const rset& on, const signal_item& item) {
  gathering.then.emplace_back(
      [this, root = where.broker(on.nodes.front().rank), item] { sim.net_.signal(root, item); });
}

void nest_sim::instance::settle(job_id id, uint32_t attempt, const idset& brokers,
                                const idset& lost) {
  for (auto rank : brokers.expand())
    sim.net_.settle_job(rank, id, lost, attempt);
}

// -- the scheduler's ------------------------------------------------------------------------------

void nest_sim::instance::granted(job_id id, rset&& r, start_kind) {
  for (auto& [other, has] : held)
    if (!disjoint(has, r))
      sim.fail(fmt::format("{} was granted what {} holds", to_string(id), to_string(other)));
  if (!contains_all(inventory, r))
    sim.fail(fmt::format("{} was granted what its instance has not", to_string(id)));
  held[id] = r;
  to_manager.push_back([this, id, r = std::move(r)]() mutable { apply_grant(id, std::move(r)); });
}

/// As the actor does it: what is on a lost broker is given back, and nothing is started while the
/// instance ends.
void nest_sim::instance::apply_grant(job_id id, rset r) {
  auto s = manager.summary(id);
  auto waits = s && s->state == job_state::sched;
  if (manager.has_lost(r, where))
    manager.on_void_grant(sim.now_ns_, id, *this);
  else if (draining && waits)
    manager.on_late_grant(id, *this);
  else
    manager.on_granted(sim.now_ns_, id, std::move(r), *this);
  end_turn();
}

void nest_sim::instance::denied(job_id id, std::string note) {
  to_manager.push_back([this, id, note] {
    manager.on_denied(sim.now_ns_, id, note, *this);
    end_turn();
  });
}

void nest_sim::instance::cancelled(job_id id) {
  to_manager.push_back([this, id] {
    manager.on_room_cancelled(sim.now_ns_, id, *this);
    end_turn();
  });
}

} // namespace hactor::test
