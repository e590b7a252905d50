// actors/scheduler_core: random days against a model that knows only the rules.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>

#include "queue_twin.hpp"
#include "recording_scheduler_out.hpp"
#include "requests.hpp"

#include <doctest/doctest.h>

using namespace hactor;
using namespace hactor::test;

namespace {

constexpr uint32_t nodes_max = 12;
constexpr uint32_t cores_max = 6;

struct day {
  struct waiting {
    uint32_t priority;
    int64_t t;
    std::shared_ptr<const resource_request> request;
  };

  std::mt19937 random;
  scheduler_core core;
  recording_scheduler_out out;
  rset inventory;
  std::map<uint64_t, waiting> queued;
  std::map<uint64_t, std::vector<node_share>> running;
  std::set<uint64_t> cancelled;
  std::set<rank_t> down, drained;
  bool stopped = false;
  uint64_t next_id = 1;
  uint64_t granted = 0;
  std::vector<std::shared_ptr<const resource_request>> requests;

  explicit day(uint32_t seed) : random(seed) {
    for (int i = 0; i < 12; ++i) {
      auto cores = 1 + below(2);
      auto duration = below(2) * 10;
      requests.push_back(
          i % 2 == 0 ? slots(1 + below(10), duration, cores)
                     : on_nodes(1 + below(4), 1 + below(2), duration, cores, 0, below(2) == 0));
    }
    requests.push_back(slots(nodes_max * cores_max + 1));
    new_inventory();
  }

  int64_t now_s() const { return static_cast<int64_t>(next_id); }
  uint32_t below(uint32_t n) { return random() % n; }

  template <class Map>
  uint64_t some_of(const Map& from) {
    return from.empty() ? 999'999
                        : std::next(from.begin(), below(static_cast<uint32_t>(from.size())))->first;
  }

  void new_inventory() {
    inventory = {};
    for (rank_t r = 0; r < nodes_max; ++r)
      if (below(5) != 0)
        inventory.nodes.push_back({r, idset::range(0, 2 + below(cores_max - 2)), {}});
    if (inventory.nodes.empty())
      inventory.nodes.push_back({0, idset::range(0, 3), {}});
    core.set_inventory(inventory);
    // Marks live as long as their rank is in the inventory.
    std::erase_if(down, [this](rank_t r) { return inventory.find(r) == nullptr; });
    std::erase_if(drained, [this](rank_t r) { return inventory.find(r) == nullptr; });
  }

  void submit() {
    auto id = next_id++;
    waiting w{below(4) * 8, below(50), requests[below(static_cast<uint32_t>(requests.size()))]};
    core.enqueue({job_id{id}, w.priority, w.t, w.request});
    queued.emplace(id, w);
  }

  void finish() {
    auto id = some_of(running);
    auto i = running.find(id);
    if (i != running.end() && below(3) == 0) {
      auto rank = below(nodes_max);
      core.free(job_id{id}, idset::range(rank, rank), false);
      std::erase_if(i->second, [&](const node_share& s) { return s.rank == rank; });
      return;
    }
    core.free(job_id{id}, {}, true);
    running.erase(id);
  }

  void mark() {
    auto rank = below(nodes_max);
    bool known = inventory.find(rank) != nullptr;
    switch (below(4)) {
    case 0:
      core.rank_down(rank);
      if (known)
        down.insert(rank);
      break;
    case 1:
      core.rank_up(rank);
      down.erase(rank);
      break;
    case 2:
      core.drain(rank);
      if (known)
        drained.insert(rank);
      break;
    default:
      core.undrain(rank);
      drained.erase(rank);
      break;
    }
  }

  void change_queue() {
    auto id = some_of(queued);
    auto i = queued.find(id);
    if (below(2) == 0) {
      core.cancel(job_id{id});
      if (i != queued.end()) {
        cancelled.insert(id);
        queued.erase(i);
      }
      return;
    }
    auto priority = below(4) * 8;
    core.prioritize(job_id{id}, priority);
    if (i != queued.end())
      i->second.priority = priority;
  }

  /// The queue's first job by the rule; held ones are last.
  uint64_t first() const {
    return std::min_element(queued.begin(), queued.end(),
                            [](const auto& a, const auto& b) {
                              return std::tuple{-int64_t{a.second.priority}, a.second.t, a.first}
                                     < std::tuple{-int64_t{b.second.priority}, b.second.t, b.first};
                            })
        ->first;
  }

  void check_grant(uint64_t id, const rset& r) {
    const auto& request = *queued.at(id).request;
    REQUIRE(contains_all(inventory, r));
    uint64_t room = 0;
    for (const auto& s : r.nodes) {
      REQUIRE(down.count(s.rank) == 0);
      REQUIRE(drained.count(s.rank) == 0);
      room += s.cores.size() / request.cores_per_slot;
      if (request.exclusive)
        REQUIRE(s == *inventory.find(s.rank));
    }
    REQUIRE(room >= request.slots);
    if (request.nnodes > 0)
      REQUIRE(r.nodes.size() == request.nnodes);
    REQUIRE(r.expiration == (request.duration_s > 0 ? r.starttime + request.duration_s : 0));
    for (const auto& [other, nodes] : running) {
      rset held;
      held.nodes = nodes;
      REQUIRE(disjoint(held, r)); // never given twice
    }
  }

  void pass() {
    out.grants.clear();
    core.schedule(now_s() * 1'000'000'000, out);
    for (const auto& answer : std::exchange(out.order, {})) {
      auto id = std::stoull(answer.substr(1));
      if (answer[0] == '-') {
        REQUIRE(cancelled.erase(id) == 1);
        continue;
      }
      REQUIRE_FALSE(stopped);
      REQUIRE(id == first()); // strictly in order
      REQUIRE(queued.at(id).priority > 0);
      if (answer[0] == '+') {
        check_grant(id, out.grants.at(id));
        running.emplace(id, out.grants.at(id).nodes);
        ++granted;
      } else {
        REQUIRE(core.feasible(queued.at(id).request));
      }
      queued.erase(id);
    }
    REQUIRE(cancelled.empty());
    if (stopped || queued.empty() || queued.at(first()).priority == 0)
      return;
    REQUIRE_FALSE(core.feasible(queued.at(first()).request));
    REQUIRE_FALSE(fits(*queued.at(first()).request));
  }

  /// What no job has on nodes that are up and not drained, by rank.
  std::map<rank_t, uint64_t> free_cores() const {
    std::map<rank_t, uint64_t> free;
    for (const auto& node : inventory.nodes) {
      if (down.count(node.rank) != 0 || drained.count(node.rank) != 0)
        continue;
      auto left = node.cores;
      for (const auto& [id, nodes] : running)
        for (const auto& s : nodes)
          if (s.rank == node.rank)
            left.remove_all(s.cores);
      free[node.rank] = left.size();
    }
    return free;
  }

  /// By counting alone.
  bool fits(const resource_request& request) const {
    uint64_t slots = 0, nodes = 0;
    for (auto [rank, cores] : free_cores()) {
      slots += cores / request.cores_per_slot;
      bool idle = cores == inventory.find(rank)->cores.size();
      nodes +=
          cores / request.cores_per_slot >= request.slots_per_node && (idle || !request.exclusive);
    }
    return request.nnodes > 0 ? nodes >= request.nnodes : slots >= request.slots;
  }

  void check() {
    auto c = core.counts();
    REQUIRE(c.queued == queued.size());
    REQUIRE(c.running == running.size());
    uint64_t held = 0;
    for (const auto& [id, w] : queued) {
      held += w.priority == 0;
      REQUIRE(core.is_queued(job_id{id}));
    }
    REQUIRE(c.held == held);
    uint64_t free = 0;
    for (auto [rank, cores] : free_cores())
      free += cores;
    REQUIRE(core.pool().counts(now_s()).cores_free == free);
    REQUIRE_FALSE(core.pool().held().audit());
    for (const auto& [id, nodes] : running)
      REQUIRE(*core.held_by(job_id{id}) == nodes);
    if (auto id = some_of(queued); id != 999'999)
      REQUIRE(core.explain(job_id{id}, now_s() * 1'000'000'000));
  }

  /// What was running is told to a new core, which must come to the same sums.
  void restart() {
    auto before = core.pool().counts(now_s());
    core = scheduler_core{};
    for (const auto& [id, nodes] : running) {
      rset r;
      r.nodes = nodes;
      REQUIRE_FALSE(core.recover(job_id{id}, r));
    }
    core.set_inventory(inventory);
    for (auto rank : down)
      core.rank_down(rank);
    for (auto rank : drained)
      core.drain(rank);
    for (const auto& [id, w] : queued)
      core.enqueue({job_id{id}, w.priority, w.t, w.request});
    if (stopped)
      (void)core.stop("", "again");
    REQUIRE(core.pool().counts(now_s()) == before);
  }

  void step() {
    auto dice = below(100);
    if (dice < 40)
      submit();
    else if (dice < 75)
      finish();
    else if (dice < 85)
      change_queue();
    else if (dice < 96)
      mark();
    else if (dice < 98) {
      stopped = below(3) == 0;
      (void)(stopped ? core.stop("", "test") : core.start(""));
    } else if (below(4) == 0)
      new_inventory();
    else if (below(3) == 0 && cancelled.empty())
      restart();
    if (below(3) != 0)
      pass();
  }
};

/// One day of the core and of its twin, side by side.
struct twin_day {
  static constexpr uint32_t nodes = 5, cores = 4;

  twin_day(uint32_t seed, const std::string& policy, uint32_t reservations, twin_policy rules)
      : random(seed), core(settings(policy, reservations, rules.depth)), twin(nodes, cores, rules) {
    core.set_inventory(machine(nodes, cores));
  }

  static scheduler_settings settings(const std::string& policy, uint32_t reservations,
                                     uint32_t depth) {
    scheduler_settings s;
    s.queues.push_back({"", *make_queue_policy(policy, reservations), depth, nullptr});
    return s;
  }

  uint32_t below(uint32_t n) { return random() % n; }

  void submit() {
    twin_job j{next_id++,           1 + below(nodes), 1 + below(cores),
               10 * (1 + below(6)), 1 + below(3),     now};
    if (below(8) == 0)
      j.duration = 0;
    core.enqueue({job_id{j.id}, j.priority, j.t_submit * 1'000'000'000,
                  on_nodes(j.nodes, 1, static_cast<double>(j.duration), j.cores)});
    twin.submit(j);
    limits[j.id] = j.duration;
  }

  void end_some() {
    for (auto i = running.begin(); i != running.end();)
      if (i->second <= now) {
        core.free(job_id{i->first}, {}, true);
        twin.finish(i->first);
        i = running.erase(i);
      } else {
        ++i;
      }
  }

  void withdraw() {
    if (twin.waiting.empty())
      return;
    auto id = twin.waiting[below(static_cast<uint32_t>(twin.waiting.size()))].id;
    core.cancel(job_id{id});
    twin.withdraw(id);
    core.free(job_id{id}, {}, true); // not running: no effect
  }

  void pass() {
    out.grants.clear();
    out.order.clear();
    core.schedule(now * 1'000'000'000, out);
    std::vector<uint64_t> started;
    for (auto& answer : out.order)
      if (answer[0] == '+')
        started.push_back(std::stoull(answer.substr(1)));
    auto rules = twin.pass(now);
    std::string shown;
    for (auto id : started)
      shown += " " + std::to_string(id);
    shown += " |";
    for (auto id : rules)
      shown += " " + std::to_string(id);
    INFO("started:", shown);
    REQUIRE(started == rules);
    for (auto id : started) {
      for (auto& share : out.grants[id].nodes)
        REQUIRE(share.cores.expand() == twin.placed[id][share.rank]);
      REQUIRE(out.grants[id].nodes.size() == twin.placed[id].size());
      // Jobs end at their limit or before.
      auto limit = limits[id] == 0 ? 50 : limits[id];
      running[id] = now + 1 + below(static_cast<uint32_t>(limit));
    }
    std::map<uint64_t, int64_t> promised;
    for (auto& j : twin.waiting)
      if (auto e = core.explain(job_id{j.id}, now * 1'000'000'000); e && e->code == "reserved")
        promised[j.id] = static_cast<int64_t>(e->t_estimate);
    REQUIRE(promised == twin.promised);
  }

  void step() {
    now += below(4);
    end_some();
    for (auto n = below(4); n > 0; --n)
      submit();
    if (below(6) == 0)
      withdraw();
    // Every event in the twin is followed by a pass; so here too.
    pass();
  }

  std::mt19937 random;
  scheduler_core core;
  recording_scheduler_out out;
  queue_twin twin;
  int64_t now = 1'000;
  uint64_t next_id = 1;
  std::map<uint64_t, int64_t> running; // id -> end
  std::map<uint64_t, int64_t> limits;
};

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("over random days every policy starts what the plain rules start, where they do") {
    struct row {
      const char* policy;
      uint32_t reservations;
      twin_policy rules;
    };
    for (auto& [policy, reservations, rules] :
         {row{"fcfs", 0, {32, 0, true}}, row{"fcfs", 0, {3, 0, true}},
          row{"easy", 0, {32, 1, false}}, row{"easy", 0, {4, 1, false}},
          row{"hybrid", 3, {32, 3, false}}, row{"hybrid", 5, {1'000, 5, false}},
          row{"conservative", 0, {32, 100'000, false}},
          row{"conservative", 0, {6, 100'000, false}}})
      for (uint32_t seed = 1; seed <= 6; ++seed) {
        INFO(std::string{policy}, " depth ", rules.depth, " seed ", seed);
        twin_day day{seed, policy, reservations, rules};
        for (int i = 0; i < 150; ++i) {
          INFO("step ", i);
          day.step();
        }
        REQUIRE_FALSE(day.core.pool().held().audit());
        CHECK(day.next_id > 100);
      }
  }

  TEST_CASE("over random days jobs start in order, nothing is given twice, nothing is forgotten") {
    uint64_t granted = 0;
    for (uint32_t seed = 1; seed <= 30; ++seed) {
      INFO("seed ", seed);
      day d{seed};
      for (int i = 0; i < 600; ++i) {
        INFO("step ", i);
        d.step();
        d.check();
      }
      granted += d.granted;
    }
    CHECK(granted > 1'000);
  }

} // TEST_SUITE
