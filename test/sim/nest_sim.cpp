// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "nest_sim.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "nest_instance.hpp"

namespace hactor::test {

nest_sim::nest_sim(const nest_options& options)
    : options_{options}, random_{options.seed}, net_{options.brokers, options.fanout},
      hosts_(options.brokers) {
  net_.now_ns = now_ns_;
  instances_.push_back(std::make_unique<instance>(*this, nullptr, job_id{}, net_.manager, 0,
                                                  whole_nodes(options.brokers, options.cores),
                                                  std::vector<rank_t>{}));
  hook_up();
}

nest_sim::~nest_sim() = default;

void nest_sim::fail(std::string what) {
  if (wrong_.empty())
    wrong_ = fmt::format("seed {} step {}: {}", options_.seed, step_, what);
}

nest_sim::seen_counts& nest_sim::seen_counts::operator+=(const seen_counts& other) {
  using c = seen_counts;
  for (auto each : {&c::jobs, &c::ended, &c::cancelled, &c::timeout, &c::retried, &c::children,
                    &c::grandchildren, &c::busy_three_levels, &c::scripts_killed, &c::ranks_lost,
                    &c::leads_lost, &c::grown, &c::shrunk, &c::outlived, &c::refused})
    this->*each += other.*each;
  return *this;
}

std::string nest_sim::seen_counts::text() const {
  return fmt::format("{} jobs, {} ended, {} cancelled, {} over time, {} tried again, {} children, "
                     "{} grandchildren, {} parents cancelled with three levels busy, {} grown, {} "
                     "shrunk, {} scripts killed, {} ranks lost, of them led an instance: {}, {} "
                     "times jobs outlived it, {} came too late",
                     jobs, ended, cancelled, timeout, retried, children, grandchildren,
                     busy_three_levels, grown, shrunk, scripts_killed, ranks_lost, leads_lost,
                     outlived, refused);
}

std::string nest_sim::run() {
  for (; step_ < options_.steps && wrong_.empty(); ++step_) {
    random_step();
    check();
  }
  finale();
  return wrong_;
}

/// What the actors around the exec cores do, and the ways back to the job managers.
void nest_sim::hook_up() {
  net_.to_manager = [this](rank_t, const job_report& r) {
    auto& in = *jobs_.at(r.id).in;
    for (auto rank : r.lost.expand())
      in.manager.on_rank_lost(now_ns_, rank, in.where, in);
    in.manager.on_report(now_ns_, r, in);
    in.end_turn();
    in.tell_if_drained();
  };
  net_.settled_to_manager = [this](rank_t rank, const job_report& r) {
    auto& in = *jobs_.at(r.id).in;
    in.manager.on_settled(now_ns_, rank, r, in);
    in.end_turn();
    in.tell_if_drained();
  };
  net_.manager_lost = [this](rank_t rank) { instances_.front()->on_rank_lost(rank); };
  auto& hooks = net_.hooks;
  hooks.manager_of = [this](job_id id) { return jobs_.at(id).in->place; };
  hooks.refuses = [this](rank_t rank, const launch_order& order) -> std::string {
    auto& h = hosts_[rank];
    h.origins.try_emplace(order.item.id, order.origin);
    h.inner.on_launch(order.item.id, order.item.attempt);
    auto dead = h.inner.is_dead(order.origin->instance);
    seen.refused += dead;
    return dead ? "the instance around it has ended" : "";
  };
  hooks.signalled = [this](rank_t rank, const signal_item& item) {
    if (item.terminate)
      end_instance(rank, item.id);
  };
  hooks.settles = [this](rank_t rank, job_id id, uint32_t attempt, const idset& lost) {
    settle(rank, id, attempt, lost);
  };
  hooks.holds = [this](rank_t rank, const job_report& r) {
    auto& h = hosts_[rank];
    if (!r.ended || h.instances.count(r.id) == 0)
      return false;
    h.held[r.id] = r;
    end_instance(rank, r.id);
    return true;
  };
  hooks.reported = [this](rank_t rank, bool at_root, const job_report& r) {
    if (r.ended)
      on_gone(rank, r.id);
    else if (at_root && r.started)
      on_started(rank, r.id);
  };
  hooks.settled = [this](rank_t rank, job_id id) { on_gone(rank, id); };
  hooks.heard_of_loss = [this](rank_t rank, rank_t lost) {
    for (auto& [job, in] : hosts_[rank].instances)
      in->on_rank_lost(lost);
  };
}

// -- exec's instances -----------------------------------------------------------------------------

void nest_sim::on_started(rank_t rank, job_id job) {
  if (jobs_.at(job).holds)
    asking_.emplace_back(rank, job);
}

/// A script has asked for an instance over its job's grant.
void nest_sim::begin_instance(rank_t rank, job_id job) {
  auto& around = *jobs_.at(job).in;
  auto& h = hosts_[rank];
  auto whole = around.over ? caf::expected<job_reply>{caf::error{}} : around.manager.whole(job);
  if (net_.lost.count(rank) != 0 || !whole || whole->summary.state != job_state::run
      || !net_.cores[rank].started(job) || h.instances.count(job) != 0)
    return end_tasks(job);
  auto grant = parse_rset(whole->rset);
  std::vector<rank_t> nodes;
  for (auto rank : whole->ranks)
    nodes.push_back(around.where.node(rank));
  auto place = static_cast<rank_t>(net_.manager + instances_.size());
  instances_.push_back(std::make_unique<instance>(
      *this, &around, job, place, rank, as_instance(*grant, whole->ranks), std::move(nodes)));
  h.instances[job] = instances_.back().get();
  (instances_.back()->level == 1 ? seen.children : seen.grandchildren)++;
}

void nest_sim::end_instance(rank_t rank, job_id job) {
  if (auto it = hosts_[rank].instances.find(job); it != hosts_[rank].instances.end())
    it->second->end();
}

void nest_sim::on_over(rank_t rank, job_id job) {
  auto& h = hosts_[rank];
  h.instances.erase(job);
  if (auto held = h.held.extract(job); !held.empty())
    net_.report_shell(rank, held.mapped());
  end_tasks(job);
}

/// The tasks that wait for the end of the instance, and the script if it still runs.
void nest_sim::end_tasks(job_id job) {
  for (auto& [where, shell] : net_.shells)
    if (where.second == job)
      shell.over = true;
}

void nest_sim::on_gone(rank_t rank, job_id job) {
  auto& h = hosts_[rank];
  h.origins.erase(job);
  for (auto& around : h.inner.on_gone(job))
    net_.settle_core(rank, around.job, around.attempt, around.lost);
}

void nest_sim::settle(rank_t rank, job_id job, uint32_t attempt, const idset& lost) {
  auto& h = hosts_[rank];
  auto within = h.inner.begin_settle(job, attempt, lost, h.origins);
  seen.outlived += !within.empty();
  for (auto id : within)
    net_.settle_core(rank, id, 0, lost);
  if (within.empty())
    net_.settle_core(rank, job, attempt, lost);
}

// -- what users and the world do ------------------------------------------------------------------

std::vector<nest_sim::instance*> nest_sim::alive() {
  std::vector<instance*> list;
  for (auto& in : instances_)
    if (in->alive())
      list.push_back(in.get());
  return list;
}

void nest_sim::random_step() {
  auto all = alive();
  auto* in = all[below(random_, all.size())];
  auto scripted = in->level > 0 && !in->draining;
  auto dice = below(random_, 1000);
  if (dice < 70 && !in->draining) {
    in->submit();
  } else if (dice < 74 && scripted) { // its script has done its work, or is killed
    auto killed = below(random_, 2) == 0;
    seen.scripts_killed += killed;
    net_.scripts[in->job].status[in->lead] = killed ? 9 : 0;
    if (auto it = net_.shells.find({in->lead, in->job}); it != net_.shells.end())
      it->second.over = true;
    if (below(random_, 2) == 0) // its process is watched, besides
      in->end();
  } else if (dice < 78) {
    in->cancel();
  } else if (dice < 82 && scripted) {
    below(random_, 2) == 0 ? in->grow() : in->shrink();
  } else if (dice < 84) {
    pass_time(static_cast<int64_t>(below(random_, 1'500'000'000)));
  } else if (dice < 86 && options_.lose_ranks) {
    lose_rank();
  } else {
    deliver_one();
  }
}

void nest_sim::lose_rank() {
  auto rank = static_cast<rank_t>(1 + below(random_, options_.brokers - 1)); // 0 is the outermost
  std::vector<rank_t> leads; // of instances that others run jobs of
  for (auto* in : alive())
    for (auto& [where, shell] : net_.shells)
      if (in->lead != 0 && where.first != in->lead && jobs_.at(where.second).in == in)
        leads.push_back(in->lead);
  if (!leads.empty() && below(random_, 3) != 0)
    rank = leads[below(random_, leads.size())];
  if (net_.lost.count(rank) != 0)
    return;
  ++seen.ranks_lost;
  for (auto& [job, in] : std::exchange(hosts_[rank], {}).instances) {
    in->over = in->dead = true;
    ++seen.leads_lost;
    net_.lose_place(in->place, random_);
  }
  net_.lose(rank, random_);
}

void nest_sim::pass_time(int64_t ns) {
  now_ns_ += ns;
  net_.advance_time(now_ns_);
  for (auto* in : alive())
    in->on_time();
}

/// One message arrives, one commit is done, or one pass is made. False: nothing is under way.
bool nest_sim::deliver_one() {
  std::vector<std::function<void()>> can;
  for (auto* in : alive())
    in->list_moves(can);
  if (!asking_.empty())
    can.emplace_back([this] {
      auto i = below(random_, asking_.size());
      auto [rank, job] = asking_[i];
      asking_.erase(asking_.begin() + static_cast<ptrdiff_t>(i));
      begin_instance(rank, job);
    });
  if (can.empty() || below(random_, 2) == 0)
    if (net_.step(random_))
      return true;
  if (can.empty())
    return false;
  can[below(random_, can.size())]();
  return true;
}

void nest_sim::finale() {
  auto& root = *instances_.front();
  for (int round = 0; round < 60 && wrong_.empty(); ++round) {
    for (bool more = true; more && wrong_.empty(); ++step_) {
      more = deliver_one();
      check();
    }
    if (root.manager.active() == 0)
      break;
    raise_request all;
    all.jobs.states = 62;
    all.type = "cancel";
    if (round > 4)
      (void)root.manager.raise(now_ns_, all, root);
    root.end_turn();
    pass_time(3'000'000'000);
  }
  if (wrong_.empty())
    check_end();
}

// -- invariants -----------------------------------------------------------------------------------

void nest_sim::check() {
  if (!wrong_.empty())
    return;
  for (auto& what : net_.wrong)
    fail(what);
  for (auto* in : alive()) {
    if (in->around == nullptr || in->around->over)
      continue;
    auto has = in->where.to_system(in->inventory);
    std::sort(has.nodes.begin(), has.nodes.end(), [](auto& a, auto& b) { return a.rank < b.rank; });
    if (in->around->held.count(in->job) == 0)
      fail(fmt::format("instance {} lives, and its job holds nothing", in->path));
    else if (!contains_all(in->around->room_of(in->job), has))
      fail(fmt::format("instance {} has more than its job was granted", in->path));
  }
  check_cores();
}

/// Also of instances whose job managers are lost: what runs has its cores for itself.
void nest_sim::check_cores() {
  for (auto a = net_.shells.begin(); a != net_.shells.end(); ++a)
    for (auto b = std::next(a); b != net_.shells.end() && b->first.first == a->first.first; ++b) {
      auto [rank, one] = a->first;
      auto other = b->first.second;
      auto& x = jobs_.at(one);
      auto& y = jobs_.at(other);
      if (is_on_path(x.in->path, other) || is_on_path(y.in->path, one))
        continue;
      // A task that only waits for the end of the instance ends when the node is given back.
      if ((x.holds && a->second.over) || (y.holds && b->second.over))
        continue;
      auto *mine = x.placed.find(rank), *theirs = y.placed.find(rank);
      if (mine != nullptr && theirs != nullptr && mine->cores.intersects(theirs->cores))
        fail(fmt::format("{} and {} run on the same core of rank {}", to_string(one),
                         to_string(other), rank));
    }
}

/// The job's room goes back: nothing of it runs, and nothing within it.
void nest_sim::check_given_back(job_id job) {
  for (auto& [where, shell] : net_.shells)
    if (where.second == job || is_on_path(jobs_.at(where.second).in->path, job))
      fail(fmt::format("{} gives its room back while {} runs on rank {}", to_string(job),
                       to_string(where.second), where.first));
  for (auto* in : alive())
    if (in->job == job || is_on_path(in->path, job))
      fail(fmt::format("{} gives its room back while instance {} lives", to_string(job), in->path));
}

/// What still goes on, for whoever looks into a failure.
std::string nest_sim::stuck() {
  std::string text;
  for (auto* in : alive()) {
    auto c = in->manager.counts();
    text += fmt::format("; instance '{}'{}: {} run, {} clean up", in->path,
                        in->draining ? " (ends)" : "", c.run, c.cleanup);
    for (auto& line : in->manager.waits(4))
      text += ", " + line;
  }
  for (auto& [where, shell] : net_.shells)
    text +=
        fmt::format("; {} of '{}' on rank {}{}{}", to_string(where.second),
                    jobs_.at(where.second).in->path, where.first,
                    shell.started ? "" : ", not started", shell.told_to_end ? ", told to end" : "");
  for (rank_t rank = 0; rank < options_.brokers; ++rank)
    for (auto& line : net_.cores[rank].waits(net_.now_ns, 8))
      text += fmt::format("; rank {}: {}", rank, line);
  return text;
}

void nest_sim::check_end() {
  auto& root = *instances_.front();
  for (auto& s : root.manager.list({}))
    fail(fmt::format("{} never ends: {}{}", to_string(s.id), name_of(s.state), stuck()));
  for (auto* in : alive())
    if (in != &root)
      fail(fmt::format("instance {} never ends", in->path));
  if (!root.held.empty())
    fail(fmt::format("{} still holds resources", to_string(root.held.begin()->first)));
  if (!net_.quiet())
    fail("something still runs");
  for (auto& [id, known] : jobs_) {
    auto waits = known.fold.state < job_state::run; // it went with its instance
    auto may_stay = known.in->dead || (known.in != &root && waits);
    if (known.ends != 1 && !may_stay)
      fail(fmt::format("{} of instance '{}' has ended {} times", to_string(id), known.in->path,
                       known.ends));
  }
}

} // namespace hactor::test
