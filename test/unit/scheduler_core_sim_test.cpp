// actors/scheduler_core: random days against a model that knows only the rules.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>

#include "recording_scheduler_out.hpp"

#include <doctest/doctest.h>

using namespace hactor;
using hactor::test::recording_scheduler_out;

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
      auto r = std::make_shared<resource_request>();
      r->cores_per_slot = 1 + below(2);
      if (i % 2 == 0) {
        r->slots = 1 + below(10);
      } else {
        r->nnodes = 1 + below(4);
        r->slots_per_node = 1 + below(2);
        r->slots = r->nnodes * r->slots_per_node;
        r->exclusive = below(2) == 0;
      }
      r->duration_s = below(2) * 10;
      requests.push_back(r);
    }
    auto huge = std::make_shared<resource_request>();
    huge->slots = nodes_max * cores_max + 1;
    requests.push_back(huge);
    new_inventory();
  }

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
    return std::min_element(queued.begin(), queued.end(), [](const auto& a, const auto& b) {
             return std::tuple{-int64_t{a.second.priority}, a.second.t, a.first}
                    < std::tuple{-int64_t{b.second.priority}, b.second.t, b.first};
           })->first;
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
    core.schedule(static_cast<int64_t>(next_id) * 1'000'000'000, out);
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
        REQUIRE(core.feasible(*queued.at(id).request));
      }
      queued.erase(id);
    }
    REQUIRE(cancelled.empty());
    if (stopped || queued.empty() || queued.at(first()).priority == 0)
      return;
    // The first job waits because it does not fit: a pool told the same says so too.
    REQUIRE_FALSE(core.feasible(*queued.at(first()).request));
    auto copy = core.pool();
    REQUIRE_FALSE(copy.allocate(*queued.at(first()).request));
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
    for (const auto& node : inventory.nodes) {
      if (down.count(node.rank) != 0 || drained.count(node.rank) != 0)
        continue;
      auto left = node.cores;
      for (const auto& [id, nodes] : running)
        for (const auto& s : nodes)
          if (s.rank == node.rank)
            left.remove_all(s.cores);
      free += left.size();
    }
    REQUIRE(c.pool.cores_free == free);
    for (const auto& [id, nodes] : running)
      REQUIRE(*core.held_by(job_id{id}) == nodes);
    if (auto id = some_of(queued); id != 999'999)
      REQUIRE(core.explain(job_id{id}));
  }

  /// What was running is told to a new core, which must come to the same sums.
  void restart() {
    auto before = core.counts().pool;
    core = {};
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
      core.stop("again");
    REQUIRE(core.counts().pool == before);
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
      stopped ? core.stop("test") : core.start();
    } else if (below(4) == 0)
      new_inventory();
    else if (below(3) == 0 && cancelled.empty())
      restart();
    if (below(3) != 0)
      pass();
  }
};

} // namespace

TEST_SUITE("unit") {

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
