// graph/pool: what is given, what is taken back, what can never be.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/pool.hpp"

#include <string>

#include <doctest/doctest.h>

using namespace hactor;

namespace {

/// Nodes of `cores` cores (and `gpus` GPUs) on ranks 0 .. n-1, hosts h0 .. h(n-1).
rset machine(uint32_t n, uint32_t cores, uint32_t gpus = 0) {
  rset r;
  for (uint32_t i = 0; i < n; ++i) {
    r.nodes.push_back({i, idset::range(0, cores - 1), {}});
    if (gpus > 0)
      r.nodes.back().gpus = idset::range(0, gpus - 1);
    r.nodelist.push_back("h" + std::to_string(i));
  }
  return r;
}

resource_request slots(uint32_t n, uint32_t cores = 1, uint32_t gpus = 0) {
  resource_request r;
  r.slots = n;
  r.cores_per_slot = cores;
  r.gpus_per_slot = gpus;
  return r;
}

resource_request on_nodes(uint32_t nodes, uint32_t each, uint32_t cores = 1,
                          bool exclusive = false) {
  auto r = slots(nodes * each, cores);
  r.nnodes = nodes;
  r.slots_per_node = each;
  r.exclusive = exclusive;
  return r;
}

resource_request where(resource_request request, const char* text) {
  auto value = parse_json(text);
  REQUIRE(value);
  auto compiled = constraint::compile(*value, "c");
  REQUIRE(compiled);
  request.where = *compiled;
  return request;
}

node_pool pool_of(const rset& r) {
  node_pool pool;
  pool.reset(r);
  return pool;
}

/// "0[0-1],2[0]g[0]": ranks with cores and GPUs.
std::string shown(const std::vector<node_share>& nodes) {
  std::string text;
  for (const auto& n : nodes) {
    text += (text.empty() ? "" : ",") + std::to_string(n.rank) + "[" + n.cores.to_string() + "]";
    if (!n.gpus.empty())
      text += "g[" + n.gpus.to_string() + "]";
  }
  return text;
}

std::string given(node_pool& pool, const resource_request& request) {
  auto r = pool.allocate(request);
  return r ? shown(r->nodes) : "none";
}

std::string refusal(const node_pool& pool, const resource_request& request,
                    bool usable_only = false) {
  auto e = pool.feasible(request, usable_only);
  if (e)
    CHECK(code_of(e) == ec::unsatisfiable);
  return e ? render(e) : "";
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("slots are given from the first nodes that have room") {
    auto pool = pool_of(machine(3, 4));
    CHECK(given(pool, slots(3)) == "0[0-2]");
    CHECK(given(pool, slots(2)) == "0[3],1[0]");
    CHECK(given(pool, slots(2, 2)) == "1[1-2],2[0-1]");
    CHECK(given(pool, slots(2, 2)) == "none");
    CHECK(given(pool, slots(1, 2)) == "2[2-3]");
    CHECK(given(pool, slots(1)) == "1[3]");
    CHECK(given(pool, slots(1)) == "none");
    CHECK(pool.counts().cores_free == 0);
    CHECK(pool.available().empty());
  }

  TEST_CASE("nodes are given with the same slots on each") {
    auto pool = pool_of(machine(4, 4));
    CHECK(given(pool, on_nodes(2, 3)) == "0[0-2],1[0-2]");
    CHECK(given(pool, on_nodes(3, 1)) == "0[3],1[3],2[0]");
    CHECK(given(pool, on_nodes(2, 2, 2)) == "none");
    CHECK(given(pool, on_nodes(1, 2, 2)) == "3[0-3]");
  }

  TEST_CASE("whole nodes are given only when nobody is on them, with all that they have") {
    auto pool = pool_of(machine(3, 4, 2));
    CHECK(given(pool, slots(1)) == "0[0]");
    CHECK(given(pool, on_nodes(2, 1, 1, true)) == "1[0-3]g[0-1],2[0-3]g[0-1]");
    CHECK(given(pool, on_nodes(1, 1, 1, true)) == "none");
    CHECK(pool.counts().gpus_free == 2);
  }

  TEST_CASE("gpus are given with their slots") {
    auto pool = pool_of(machine(2, 8, 2));
    CHECK(given(pool, slots(3, 2, 1)) == "0[0-3]g[0-1],1[0-1]g[0]");
    CHECK(given(pool, slots(2, 1, 1)) == "none");
    CHECK(given(pool, slots(1, 1, 1)) == "1[2]g[1]");
    CHECK(given(pool, slots(4)) == "0[4-7]");
  }

  TEST_CASE("an allocation says hosts, slots and the jobs' properties") {
    auto inventory = machine(3, 2);
    inventory.properties["big"] = idset::range(1, 2);
    inventory.properties["+queue"] = idset::range(0, 2);
    auto pool = pool_of(inventory);
    auto r = pool.allocate(on_nodes(2, 1));
    REQUIRE(r);
    CHECK(r->nodelist == std::vector<std::string>{"h0", "h1"});
    CHECK(r->nslots == 2);
    CHECK(r->starttime == 0);
    CHECK(r->properties == property_map{{"big", idset::range(1, 1)}});
    CHECK(pool.inventory() == inventory);
  }

  TEST_CASE("constraints choose among the nodes") {
    auto inventory = machine(6, 2);
    inventory.properties["odd"].add(1);
    inventory.properties["odd"].add(3);
    inventory.properties["odd"].add(5);
    auto pool = pool_of(inventory);
    CHECK(given(pool, where(slots(3), R"({"properties":["odd"]})")) == "1[0-1],3[0]");
    CHECK(given(pool, where(on_nodes(1, 2), R"({"properties":["odd"]})")) == "5[0-1]");
    CHECK(given(pool, where(slots(1), R"({"hostlist":["h4"]})")) == "4[0]");
    CHECK(given(pool, where(slots(2), R"({"hostlist":["h4"]})")) == "none");
    CHECK(given(pool, where(slots(1), R"({"ranks":["9"]})")) == "none");
    // More different constraints than are remembered.
    for (int i = 0; i < 200; ++i)
      CHECK(refusal(pool, where(slots(1), ("{\"not\":[{\"ranks\":[\"" + std::to_string(100 + i)
                                           + "\"]}]}").c_str()))
              .empty());
    pool.grow(machine(10, 2));
    CHECK(given(pool, where(slots(1), R"({"ranks":["9"]})")) == "9[0]");
  }

  TEST_CASE("nodes that are down or drained get nothing new, and keep what they gave") {
    auto pool = pool_of(machine(2, 2));
    auto first = pool.allocate(slots(1));
    REQUIRE(first);
    CHECK(pool.set_up(0, false));
    CHECK(pool.set_drained(1, true));
    CHECK_FALSE(pool.set_up(7, false));
    CHECK_FALSE(pool.set_drained(7, true));
    CHECK(pool.counts() == pool_counts{2, 1, 1, 4, 0, 0, 0});
    CHECK(given(pool, slots(1)) == "none");
    CHECK(pool.available().empty());
    pool.release(first->nodes);
    CHECK(pool.counts().cores_free == 0);
    CHECK(pool.set_up(0, true));
    CHECK(pool.counts().cores_free == 2);
    CHECK(given(pool, slots(2)) == "0[0-1]");
    CHECK(pool.set_drained(1, false));
    CHECK(given(pool, slots(2)) == "1[0-1]");
    // Twice the same is once.
    pool.set_up(0, false);
    pool.set_up(0, false);
    CHECK(pool.counts().nodes_down == 1);
  }

  TEST_CASE("a new inventory keeps the marks of ranks that stay") {
    auto pool = pool_of(machine(3, 2));
    pool.set_up(1, false);
    pool.set_drained(2, true);
    pool.allocate(slots(2));
    auto less = restrict_to(machine(5, 2), idset::range(1, 4));
    pool.reset(less);
    CHECK(pool.counts() == pool_counts{4, 1, 1, 8, 4, 0, 0});
    CHECK(shown(pool.available().nodes) == "3[0-1],4[0-1]");
    CHECK(given(pool, slots(1)) == "3[0]");
    pool.reset(rset{});
    CHECK(pool.counts() == pool_counts{});
    CHECK(given(pool, slots(1)) == "none");
  }

  TEST_CASE("growing keeps what is held and marked") {
    auto pool = pool_of(machine(2, 2));
    CHECK(given(pool, slots(3)) == "0[0-1],1[0]");
    pool.set_drained(1, true);
    pool.grow(machine(3, 3, 1));
    CHECK(pool.counts() == pool_counts{3, 0, 1, 9, 4, 3, 2});
    CHECK(shown(pool.available().nodes) == "0[2]g[0],2[0-2]g[0]");
    CHECK(pool.inventory() == machine(3, 3, 1));
    pool.set_drained(1, false);
    CHECK(given(pool, slots(6)) == "0[2],1[1-2],2[0-2]");
  }

  TEST_CASE("growing by nodes without names keeps the names that there are") {
    auto named = machine(2, 2);
    named.nodelist = {"a", "b"};
    auto pool = pool_of(named);
    auto bare = machine(3, 2);
    bare.nodelist.clear();
    pool.grow(bare);
    CHECK(pool.inventory().nodelist == std::vector<std::string>{"a", "b", "rank2"});
    bare = machine(1, 2);
    bare.nodelist.clear();
    auto other = pool_of(bare);
    other.grow(named);
    CHECK(other.inventory().nodelist == std::vector<std::string>{"rank0", "b"});
  }

  TEST_CASE("taking claims what the inventory has, and nothing when some is held") {
    auto pool = pool_of(machine(2, 4, 1));
    std::vector<node_share> taken;
    std::vector<node_share> wanted{{0, idset::range(2, 5), idset::range(0, 0)},
                                   {1, idset::range(9, 9), {}},
                                   {7, idset::range(0, 3), {}}};
    CHECK_FALSE(pool.take(wanted, taken));
    CHECK(shown(taken) == "0[2-3]g[0]");
    CHECK(pool.counts().cores_free == 6);
    CHECK(pool.counts().gpus_free == 1);
    std::vector<node_share> clash{{1, idset::range(0, 3), {}}, {0, idset::range(1, 2), {}}};
    auto e = pool.take(clash, taken);
    CHECK(code_of(e) == ec::busy);
    CHECK(render(e).starts_with("rank 0: cores 1-2"));
    CHECK(taken.empty());
    CHECK(pool.counts().cores_free == 6);
    CHECK(given(pool, slots(6)) == "0[0-1],1[0-3]");
    pool.release(wanted);
    CHECK(pool.counts().cores_free == 2);
    CHECK(shown(pool.available().nodes) == "0[2-3]g[0],1[]g[0]");
  }

  TEST_CASE("what can never fit is said with what was asked and what there is") {
    auto inventory = machine(3, 4, 1);
    inventory.nodes.push_back({3, idset::range(0, 15), {}});
    inventory.nodelist.push_back("h3");
    auto pool = pool_of(inventory);
    pool.allocate(slots(28));
    CHECK(refusal(pool, slots(28)).empty());
    CHECK(refusal(pool, on_nodes(1, 16)).empty());
    CHECK(refusal(pool, slots(29)) == "29 slots of 1 core were asked; there is room for 28");
    CHECK(refusal(pool, slots(2, 17)) == "2 slots with 17 cores each were asked; no node has more "
                                         "than 16 cores");
    CHECK(refusal(pool, slots(1, 1, 2)) == "1 slot with 2 gpus each were asked; no node has more "
                                           "than 1 gpu");
    CHECK(refusal(pool, slots(4, 1, 1)) == "4 slots of 1 core and 1 gpu were asked; there is room "
                                           "for 3");
    CHECK(refusal(pool, on_nodes(5, 1)) == "5 nodes were asked; there are 4");
    CHECK(refusal(pool, on_nodes(2, 17)) == "2 nodes with 17 cores each were asked; no node has "
                                            "more than 16 cores");
    CHECK(refusal(pool, on_nodes(2, 5)) == "2 nodes with 5 cores each were asked; 1 node has so "
                                           "much");
    CHECK(
        refusal(pool, where(on_nodes(3, 1), R"({"ranks":["0-1"]})"))
        == "3 nodes were asked; there are 2 (among the 2 nodes that match {\"ranks\":[\"0-1\"]})");
    CHECK(refusal(pool, where(on_nodes(2, 1), R"({"ranks":["0"]})")).find("there is 1 (among the 1 "
                                                                          "node that")
          != std::string::npos);
    CHECK_FALSE(refusal(pool_of(rset{}), slots(1)).empty());
    // A big and a GPU node, but no big node with a GPU.
    CHECK_FALSE(refusal(pool, slots(1, 16, 1)).empty());
    CHECK_FALSE(refusal(pool, [] {
                  auto r = on_nodes(1, 1, 16);
                  r.gpus_per_slot = 1;
                  return r;
                }()).empty());
  }

  TEST_CASE("feasible now leaves out what is down or drained") {
    auto pool = pool_of(machine(3, 2));
    pool.set_up(0, false);
    pool.set_drained(1, true);
    CHECK(refusal(pool, slots(6)).empty());
    CHECK(refusal(pool, slots(2), true).empty());
    CHECK_FALSE(refusal(pool, slots(3), true).empty());
    CHECK(refusal(pool, on_nodes(2, 1), true) == "2 nodes were asked; there is 1");
  }

  TEST_CASE("ranks may have gaps, and GPUs alone count") {
    rset r;
    r.nodes = {{3, idset::range(0, 1), {}}, {9, {}, idset::range(0, 3)},
               {1'000'000, idset::range(5, 6), idset::range(2, 2)}};
    auto pool = pool_of(r);
    CHECK(pool.counts() == pool_counts{3, 0, 0, 4, 4, 5, 5});
    CHECK(given(pool, slots(3)) == "3[0-1],1000000[5]");
    CHECK(given(pool, slots(1, 1, 1)) == "1000000[6]g[2]");
    CHECK(pool.set_up(9, false));
    CHECK_FALSE(pool.set_up(4, false));
  }

} // TEST_SUITE
