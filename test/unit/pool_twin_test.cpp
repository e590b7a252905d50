// graph/pool against a twin without any cleverness, over many random steps: the same places, the
// same sums, and nothing ever given twice.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>

#include "graph/pool.hpp"

#include <doctest/doctest.h>

using namespace hactor;

namespace {

/// The pool's sentence, word for word, in linear time.
class twin {
public:
  struct node {
    std::set<uint32_t> cores, gpus, free_cores, free_gpus;
    bool up = true, drained = false;
  };
  std::map<rank_t, node> nodes;

  bool usable(const node& n) const { return n.up && !n.drained; }

  std::optional<std::vector<node_share>> allocate(const resource_request& request,
                                                  const std::set<rank_t>& matching) {
    std::vector<std::pair<rank_t, uint32_t>> picks;
    uint32_t left = request.nnodes > 0 ? request.nnodes : request.slots;
    for (auto& [rank, n] : nodes) {
      if (left == 0)
        break;
      if (!usable(n) || matching.count(rank) == 0)
        continue;
      auto room = static_cast<uint32_t>(n.free_cores.size()) / request.cores_per_slot;
      if (request.gpus_per_slot > 0)
        room = std::min(room, static_cast<uint32_t>(n.free_gpus.size()) / request.gpus_per_slot);
      bool idle = n.free_cores == n.cores && n.free_gpus == n.gpus;
      if (room == 0 || (request.exclusive && !idle))
        continue;
      if (request.nnodes > 0) {
        if (room < request.slots_per_node)
          continue;
        picks.emplace_back(rank, request.slots_per_node);
        --left;
      } else {
        picks.emplace_back(rank, std::min(room, left));
        left -= picks.back().second;
      }
    }
    if (left > 0)
      return std::nullopt;
    std::vector<node_share> result;
    for (auto [rank, slots] : picks) {
      auto& n = nodes[rank];
      auto cores = request.exclusive ? n.cores.size() : size_t{slots} * request.cores_per_slot;
      auto gpus = request.exclusive ? n.gpus.size() : size_t{slots} * request.gpus_per_slot;
      result.push_back({rank, cut(n.free_cores, cores), cut(n.free_gpus, gpus)});
    }
    return result;
  }

  void release(const std::vector<node_share>& shares) {
    for (const auto& s : shares) {
      auto i = nodes.find(s.rank);
      if (i == nodes.end())
        continue;
      for (auto id : s.cores.expand())
        if (i->second.cores.count(id) != 0)
          REQUIRE(i->second.free_cores.insert(id).second);
      for (auto id : s.gpus.expand())
        if (i->second.gpus.count(id) != 0)
          REQUIRE(i->second.free_gpus.insert(id).second);
    }
  }

  void add(const rset& more) {
    for (const auto& s : more.nodes) {
      auto& n = nodes[s.rank];
      for (auto id : s.cores.expand())
        if (n.cores.insert(id).second)
          n.free_cores.insert(id);
      for (auto id : s.gpus.expand())
        if (n.gpus.insert(id).second)
          n.free_gpus.insert(id);
    }
  }

  pool_counts counts() const {
    pool_counts c;
    for (const auto& [rank, n] : nodes) {
      ++c.nodes;
      c.nodes_down += !n.up;
      c.nodes_drained += n.drained;
      c.cores += n.cores.size();
      c.gpus += n.gpus.size();
      c.cores_free += usable(n) ? n.free_cores.size() : 0;
      c.gpus_free += usable(n) ? n.free_gpus.size() : 0;
    }
    return c;
  }

  /// True when the request would fit an idle machine.
  bool feasible(const resource_request& request, const std::set<rank_t>& matching,
                bool usable_only) const {
    auto idle = *this;
    for (auto& [rank, n] : idle.nodes) {
      n.free_cores = n.cores;
      n.free_gpus = n.gpus;
      if (!usable_only) {
        n.up = true;
        n.drained = false;
      }
    }
    return idle.allocate(request, matching).has_value();
  }

private:
  static idset cut(std::set<uint32_t>& from, size_t n) {
    idset result;
    for (; n > 0; --n) {
      result.add(*from.begin());
      from.erase(from.begin());
    }
    return result;
  }
};

struct day {
  std::mt19937 random;
  node_pool pool;
  twin plain;
  std::map<int, std::vector<node_share>> held;
  int next_id = 0;
  uint32_t placed = 0;

  explicit day(uint32_t seed) : random(seed) {}

  uint32_t below(uint32_t n) { return random() % n; }

  rset some_machine() {
    rset r;
    auto nodes = 1 + below(40);
    for (rank_t rank = 0; rank < nodes; ++rank) {
      if (below(10) == 0)
        continue; // gaps
      node_share s{rank, idset::range(0, below(12)), {}};
      if (below(3) == 0)
        s.gpus = idset::range(0, below(3));
      r.nodes.push_back(s);
      r.nodelist.push_back("n" + std::to_string(rank));
    }
    if (r.nodes.empty()) {
      r.nodes.push_back({0, idset::range(0, 3), {}});
      r.nodelist.push_back("n0");
    }
    return r;
  }

  resource_request some_request(std::set<rank_t>& matching) {
    resource_request r;
    r.cores_per_slot = 1 + below(4) * below(2);
    r.gpus_per_slot = below(4) == 0 ? 1 + below(2) : 0;
    if (below(2) == 0) {
      r.nnodes = 1 + below(4);
      r.slots_per_node = 1 + below(3);
      r.slots = r.nnodes * r.slots_per_node;
      r.exclusive = below(3) == 0;
    } else {
      r.slots = 1 + below(8);
    }
    for (const auto& [rank, n] : plain.nodes)
      matching.insert(rank);
    if (below(4) == 0) {
      auto first = below(30);
      auto ranks = idset::range(first, first + below(20));
      auto where = constraint::compile({{"ranks", {ranks.to_string()}}}, "c");
      REQUIRE(where);
      r.where = *where;
      std::erase_if(matching, [&](rank_t rank) { return !ranks.contains(rank); });
    }
    return r;
  }

  void allocate() {
    std::set<rank_t> matching;
    auto request = some_request(matching);
    if (below(8) == 0) { // the twin copies itself to answer
      REQUIRE(!pool.feasible(request) == plain.feasible(request, matching, false));
      REQUIRE(!pool.feasible(request, true) == plain.feasible(request, matching, true));
    }
    auto r = pool.allocate(request);
    auto wanted = plain.allocate(request, matching);
    REQUIRE(r.has_value() == wanted.has_value());
    if (!r)
      return;
    REQUIRE(r->nodes == *wanted);
    held.emplace(next_id++, r->nodes);
    ++placed;
  }

  void release() {
    if (held.empty())
      return;
    auto i = std::next(held.begin(), below(static_cast<uint32_t>(held.size())));
    if (i->second.size() > 1 && below(3) == 0) { // one node of several
      std::vector<node_share> part{i->second.back()};
      i->second.pop_back();
      pool.release(part);
      plain.release(part);
      return;
    }
    pool.release(i->second);
    plain.release(i->second);
    held.erase(i);
  }

  void mark() {
    auto rank = below(42);
    bool yes = below(2) == 0;
    auto i = plain.nodes.find(rank);
    bool known = i != plain.nodes.end();
    if (below(2) == 0) {
      REQUIRE(pool.set_up(rank, yes) == known);
      if (known)
        i->second.up = yes;
    } else {
      REQUIRE(pool.set_drained(rank, yes) == known);
      if (known)
        i->second.drained = yes;
    }
  }

  /// A restart: the marks stay, and the jobs claim what they held of a new inventory.
  void restart() {
    auto inventory = some_machine();
    pool.reset(inventory);
    auto old = std::move(plain.nodes);
    plain.nodes.clear();
    plain.add(inventory);
    for (auto& [rank, n] : plain.nodes)
      if (auto i = old.find(rank); i != old.end()) {
        n.up = i->second.up;
        n.drained = i->second.drained;
      }
    std::vector<node_share> taken;
    for (auto& [id, nodes] : held) {
      REQUIRE_FALSE(pool.take(nodes, taken));
      for (const auto& s : taken) {
        for (auto c : s.cores.expand())
          REQUIRE(plain.nodes[s.rank].free_cores.erase(c) == 1);
        for (auto g : s.gpus.expand())
          REQUIRE(plain.nodes[s.rank].free_gpus.erase(g) == 1);
      }
      nodes = taken;
    }
    std::erase_if(held, [](const auto& x) { return x.second.empty(); });
    if (!held.empty()) { // nobody takes what another holds
      auto before = pool.counts();
      REQUIRE(code_of(pool.take(held.begin()->second, taken)) == ec::busy);
      REQUIRE(pool.counts() == before);
    }
  }

  void check() {
    REQUIRE(pool.counts() == plain.counts());
    std::vector<node_share> free;
    for (const auto& [rank, n] : plain.nodes) {
      node_share s{rank, {}, {}};
      for (auto id : n.free_cores)
        s.cores.add(id);
      for (auto id : n.free_gpus)
        s.gpus.add(id);
      if (plain.usable(n) && (!s.cores.empty() || !s.gpus.empty()))
        free.push_back(s);
    }
    REQUIRE(pool.available().nodes == free);
    std::set<std::tuple<rank_t, int, uint32_t>> seen; // never two holders of one thing
    for (const auto& [id, nodes] : held)
      for (const auto& s : nodes) {
        for (auto c : s.cores.expand())
          REQUIRE(seen.emplace(s.rank, 0, c).second);
        for (auto g : s.gpus.expand())
          REQUIRE(seen.emplace(s.rank, 1, g).second);
      }
  }

  void step() {
    auto dice = below(100);
    if (dice < 50)
      allocate();
    else if (dice < 85)
      release();
    else if (dice < 98)
      mark();
    else if (dice < 99 || below(4) != 0) {
      auto more = some_machine();
      pool.grow(more);
      plain.add(more);
    } else
      restart();
  }
};

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("over 50,000 random steps the pool and its twin give the same") {
    uint32_t placed = 0;
    for (uint32_t seed = 1; seed <= 50; ++seed) {
      INFO("seed ", seed);
      day d{seed};
      d.restart();
      for (int i = 0; i < 1000; ++i) {
        INFO("step ", i);
        d.step();
        if (i % 32 == 0)
          d.check();
      }
      d.check();
      placed += d.placed;
    }
    CHECK(placed > 5'000); // the days were not spent refusing
  }

} // TEST_SUITE
