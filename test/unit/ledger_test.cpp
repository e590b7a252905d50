// graph/ledger: what is held is not free, at any level; what is released is; the counts below are
// exact after each of many random steps, with parts released and parts of the graph coming and
// going.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/ledger.hpp"

#include <algorithm>
#include <random>

#include <doctest/doctest.h>

#include "small_cluster.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

pruning_filter filter(const char* text) {
  auto f = pruning_filter::parse(text);
  REQUIRE(f);
  return *f;
}

/// These vertices exclusively, and all that is above them shared, in depth-first order.
selection choose(const resource_graph& g, std::vector<vertex> wanted, int64_t at,
                 int64_t duration) {
  std::vector<char> mark(g.limit());
  for (auto v : wanted) {
    mark[v] = 2;
    for (auto up = g.parent(v); up != no_vertex; up = g.parent(up))
      mark[up] = std::max<char>(mark[up], 1);
  }
  selection s;
  s.at = at;
  s.duration = duration;
  auto walk = [&](auto& self, vertex v, uint16_t depth) -> void {
    for (auto c : g.below(v))
      if (mark[c] != 0)
        self(self, c, static_cast<uint16_t>(depth + 1));
    s.picks.push_back({v, depth, mark[v] == 2, false, g.units(v)});
  };
  walk(walk, g.root(), 0);
  return s;
}

int64_t free_below(const ledger& l, vertex v, std::string_view type, int64_t at) {
  for (auto& t : l.below(v))
    if (l.graph().types().text(t.type) == type)
      return t.plan.available(l.pool(), at, at + 1);
  return -1;
}

} // namespace

TEST_CASE("a pruning filter is read, and what is none is named") {
  auto f = filter("ALL:core, rack:node,rack:core");
  CHECK(f.everywhere == std::set<std::string>{"core"});
  CHECK(f.at_anchor.at("rack") == std::set<std::string>{"node"});
  CHECK(*pruning_filter::parse(" ") == pruning_filter{});
  for (auto wrong : {",", "core", "ALL:", ":core", "ALL:core,", "ALL:core,,rack:node"}) {
    auto e = pruning_filter::parse(wrong);
    REQUIRE(!e);
    CHECK(code_of(e.error()) == ec::bad_argument);
  }
}

TEST_CASE("a held core is counted at every level above it, for its time only") {
  auto g = make_cluster({{"rack", 2}, {"node", 2}, {"core", 4}});
  ledger l{g, filter("ALL:core,rack:node")};
  auto core = g.find_path("/cluster0/rack0/node0/core1");
  auto node = g.parent(core), rack = g.parent(node), cluster = g.root();
  CHECK(free_below(l, cluster, "core", 0) == 16);
  CHECK(free_below(l, rack, "node", 0) == 2);
  CHECK(free_below(l, cluster, "node", 0) == -1);
  REQUIRE(!l.hold(7, choose(g, {core}, 10, 5), hold_kind::allocated));
  for (auto v : {node, rack, cluster}) {
    CHECK(free_below(l, v, "core", 9) == free_below(l, v, "core", 12) + 1);
    CHECK(!l.untouched(v, 9, 11));
    CHECK(l.untouched(v, 15, 20));
    CHECK(l.available(v, 12, 13) == 1);
  }
  CHECK(l.available(core, 10, 11) == 0);
  CHECK(l.available(core, 15, 16) == 1);
  CHECK(l.allocated(core));
  CHECK(!l.allocated(node));
  CHECK(!l.audit());
  auto e = l.hold(8, choose(g, {node}, 0, 11), hold_kind::reserved);
  CHECK(code_of(e) == ec::busy);
  CHECK(render(e).find("/cluster0/rack0/node0") != std::string::npos);
  CHECK(l.release(7));
  CHECK(!l.release(7));
  CHECK(l.untouched(cluster, 0, 100));
  CHECK(!l.allocated(core));
}

TEST_CASE("what is released by rank is free, the rest stays held") {
  auto g = make_cluster({{"node", 4}, {"core", 2}});
  ledger l{g, filter("ALL:core,ALL:node")};
  std::vector<vertex> all;
  for (int n = 0; n < 4; ++n) {
    all.push_back(g.of_rank(n)[0]);
    for (auto c : g.below(all.back()))
      all.push_back(c);
    // Siblings follow: the node itself is exclusive as well.
  }
  REQUIRE(!l.hold(1, choose(g, all, 0, 100), hold_kind::allocated));
  CHECK(free_below(l, g.root(), "core", 0) == 0);
  CHECK(l.release_ranks(1, *idset::parse("1-2")));
  CHECK(free_below(l, g.root(), "core", 0) == 4);
  CHECK(free_below(l, g.root(), "node", 0) == 2);
  CHECK(!l.audit());
  CHECK(!l.release_ranks(1, *idset::parse("1-2")));
  CHECK(l.release_ranks(1, *idset::parse("0,3")));
  CHECK(l.find(1) == nullptr);
  CHECK(l.untouched(g.root(), 0, 100));
  CHECK(!l.audit());
}

TEST_CASE("a job keeps what is above the released part, but shared") {
  auto g = make_cluster({{"rack", 1}, {"node", 2}, {"core", 2}});
  ledger l{g, filter("ALL:core")};
  auto rack = g.below(g.root())[0];
  std::vector<vertex> all{rack};
  for (auto n : g.below(rack)) {
    all.push_back(n);
    for (auto c : g.below(n))
      all.push_back(c);
  }
  REQUIRE(!l.hold(1, choose(g, all, 0, 100), hold_kind::allocated));
  CHECK(l.available(rack, 0, 1) == 0);
  CHECK(l.release_ranks(1, *idset::parse("0")));
  CHECK(l.available(rack, 0, 1) == 1);
  CHECK(!l.allocated(rack));
  CHECK(!l.untouched(rack, 0, 1));
  CHECK(!l.audit());
}

TEST_CASE("an end moves when nobody else is there then") {
  auto g = make_cluster({{"node", 1}, {"core", 2}});
  ledger l{g, filter("ALL:core")};
  auto core = g.find_path("/cluster0/node0/core0");
  REQUIRE(!l.hold(1, choose(g, {core}, 0, 10), hold_kind::allocated));
  REQUIRE(!l.hold(2, choose(g, {core}, 20, 10), hold_kind::reserved));
  CHECK(l.reservations() == 1);
  CHECK(!l.extend(1, 20));
  CHECK(l.available(core, 15, 16) == 0);
  CHECK(code_of(l.extend(1, 21)) == ec::busy);
  CHECK(l.find(1)->what.end() == 20);
  CHECK(!l.extend(1, 5));
  CHECK(l.available(core, 6, 7) == 1);
  CHECK(code_of(l.extend(3, 5)) == ec::unknown_job);
  CHECK(!l.audit());
}

TEST_CASE("what has changed in a small graph takes no more memory after many jobs") {
  auto g = make_cluster({{"node", 4}, {"core", 2}});
  ledger l{g, filter("ALL:core")};
  auto core = g.find_path("/cluster0/node1/core1");
  REQUIRE(core != no_vertex);
  for (uint64_t job = 1; job <= 20'000; ++job) {
    REQUIRE(!l.hold(job, choose(g, {core}, 0, 10), hold_kind::allocated));
    REQUIRE(l.release(job));
  }
  CHECK(l.changes_end() >= 40'000);
  CHECK(l.changes_end() - l.changes_begin() <= 8192);
  CHECK(l.changes_end() - l.changes_begin() >= 4096); // for whoever has not looked for a while
  CHECK(l.bytes() < 200'000);
}

TEST_CASE("a graph that grows and shrinks under jobs is counted right") {
  auto g = make_cluster({{"node", 2}, {"core", 2}});
  ledger l{g, filter("ALL:core")};
  auto first = g.find_path("/cluster0/node0/core0"), second = g.find_path("/cluster0/node1/core0");
  REQUIRE(!l.hold(1, choose(g, {first, second}, 0, 10), hold_kind::allocated));
  cluster_builder more{g};
  auto node = more.add("node", 2, g.root());
  more.add("core", 0, node);
  more.add("ssd", 0, node, 100);
  l.grown();
  CHECK(!l.audit());
  CHECK(free_below(l, g.root(), "core", 0) == 3);
  CHECK(free_below(l, g.root(), "ssd", 0) == 100); // the root counts all leaves
  CHECK(free_below(l, node, "ssd", 0) == -1);
  auto gone = g.find_path("/cluster0/node0");
  CHECK(l.shrinking(gone) == std::vector<uint64_t>{1});
  g.remove_subtree(gone);
  CHECK(!l.audit());
  CHECK(free_below(l, g.root(), "core", 0) == 2);
  CHECK(l.release(1));
  CHECK(!l.audit());
}

TEST_CASE("after every one of many random steps each count is the sum of what is held below") {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    std::mt19937 random{seed};
    auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
    auto g = make_cluster({{"rack", 3}, {"node", 3}, {"socket", 2}, {"core", 3}});
    ledger l{g, filter("ALL:core,ALL:node,cluster:socket")};
    cluster_builder more{g};
    int64_t next_node = 1000;
    for (uint64_t step = 1; step <= 300; ++step) {
      std::vector<vertex> alive;
      for (vertex v = 0; v < g.limit(); ++v)
        if (g.exists(v) && v != g.root())
          alive.push_back(v);
      auto what = below(10);
      if (what < 5) {
        std::vector<vertex> wanted;
        for (size_t i = below(4) + 1; i > 0; --i)
          wanted.push_back(alive[below(alive.size())]);
        auto kind = below(3) == 0 ? hold_kind::reserved : hold_kind::allocated;
        (void)l.hold(
            step,
            choose(g, wanted, static_cast<int64_t>(below(50)), static_cast<int64_t>(below(50)) + 1),
            kind);
      } else if (what < 7 && step > 1) {
        l.release(1 + below(step - 1));
      } else if (what < 8 && step > 1) {
        l.release_ranks(1 + below(step - 1), *idset::parse("0-3,7"));
      } else if (what < 9) {
        auto racks = g.below(g.root());
        if (!racks.empty()) {
          auto node = more.add("node", next_node++, racks[below(racks.size())]);
          more.add("core", 0, node);
          l.grown();
        }
      } else if (alive.size() > 20) {
        auto v = alive[below(alive.size())];
        l.shrinking(v);
        g.remove_subtree(v);
      }
      auto e = l.audit();
      REQUIRE_MESSAGE(!e, render(e));
    }
    std::vector<uint64_t> jobs;
    for (auto& [job, h] : l.holdings())
      jobs.push_back(job);
    for (auto job : jobs)
      CHECK(l.release(job));
    CHECK(l.reservations() == 0);
    CHECK(l.pool().points() == 0);
    CHECK(!l.audit());
  }
}
