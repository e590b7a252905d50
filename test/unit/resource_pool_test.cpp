// graph/resource_pool: nodes by rank, grants as R, restarts, a graph that changes while jobs run.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/resource_pool.hpp"

#include <string>

#include "graph/rset_extra.hpp"
#include "graph/rv1_reader.hpp"
#include "requests.hpp"

#include <doctest/doctest.h>

using namespace hactor;
using namespace hactor::test;

namespace {

std::unique_ptr<resource_pool> pool_of(resource_graph graph) {
  auto policy = make_match_policy("lonode");
  REQUIRE(policy);
  auto pool = resource_pool::make(std::move(graph), *policy);
  if (!pool)
    FAIL(render(pool.error()));
  return std::move(*pool);
}

/// A pool and what a scheduler would do with it.
struct cluster {
  explicit cluster(resource_graph graph) : pool(pool_of(std::move(graph))) {}
  explicit cluster(const rset& inventory) : cluster(*graph_of(inventory)) {}

  match_result find(const request_ptr& request, match_op op = match_op::allocate,
                    const json& where = nullptr) {
    auto compiled = pool->compile(request->wants, where);
    if (!compiled)
      FAIL(render(compiled.error()));
    return pool->match(*compiled, op, 10);
  }

  /// Nothing when it does not fit now.
  std::optional<rset> run(uint64_t id, const request_ptr& request, const json& where = nullptr) {
    auto found = find(request, match_op::allocate, where);
    if (found.verdict != match_verdict::matched)
      return std::nullopt;
    auto r = pool->r_of(found.what, *request);
    pool->hold(job_id{id}, std::move(found.what), hold_kind::allocated);
    CHECK_FALSE(pool->held().audit());
    return r;
  }

  uint64_t cores_free() { return pool->counts(10).cores_free; }

  std::unique_ptr<resource_pool> pool;
};

vertex add(resource_graph& g, vertex parent, std::string_view type, int64_t id, int64_t size = 1,
           int32_t rank = -1, subsystem_id s = containment) {
  vertex_facts facts;
  facts.type = type;
  facts.id = id;
  facts.size = size;
  facts.rank = rank;
  auto v = g.add_vertex(facts);
  REQUIRE(v);
  if (parent != no_vertex)
    REQUIRE_FALSE(g.add_edge(parent, *v, s, "contains"));
  return *v;
}

/// cluster > rack[2] > node[3] > socket[2] > core[4]; each rack has an SSD of 100 units, beside the
/// racks are 5 licences.
resource_graph racks() {
  resource_graph g;
  auto root = add(g, no_vertex, "cluster", 0);
  int32_t rank = 0;
  for (int64_t r = 0; r < 2; ++r) {
    auto rack = add(g, root, "rack", r);
    add(g, rack, "ssd", r, 100);
    for (int64_t n = 0; n < 3; ++n, ++rank) {
      auto node = add(g, rack, "node", rank, 1, rank);
      for (int64_t s = 0; s < 2; ++s) {
        auto socket = add(g, node, "socket", s);
        for (int64_t c = 0; c < 4; ++c)
          add(g, socket, "core", s * 4 + c);
      }
    }
  }
  add(g, root, "licence", 0, 5);
  return g;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("a pool of an inventory has its nodes, hosts and properties") {
    auto inventory = machine(3, 2, 1);
    inventory.properties["fast"] = idset::range(1, 2);
    inventory.properties["+batch"] = idset::single(0);
    cluster c{inventory};
    CHECK(c.pool->inventory() == inventory);
    CHECK(c.pool->available(10) == inventory);
    auto counts = c.pool->counts(10);
    CHECK(counts.nodes == 3);
    CHECK(counts.cores == 6);
    CHECK(counts.cores_free == 6);
    CHECK(counts.gpus_free == 3);
  }

  TEST_CASE("a grant says ranks, hosts, slots and the properties that jobs may see") {
    auto inventory = machine(3, 2, 1);
    inventory.properties["fast"] = idset::range(1, 2);
    inventory.properties["+batch"] = idset::range(0, 2);
    cluster c{inventory};
    auto r = c.run(1, on_nodes(2, 1, 0, 1, 1));
    REQUIRE(r);
    CHECK(to_json(*r)
          == R"({"version":1,"execution":{"R_lite":[{"rank":"0-1","children":{"core":"0",)"
             R"("gpu":"0"}}],"nodelist":["n[0-1]"],"nslots":2,"properties":{"fast":"1"}}})");
    CHECK(r->scheduling.empty());
    auto whole_node = c.run(2, whole(1));
    REQUIRE(whole_node);
    CHECK(whole_node->nodes == std::vector{node_share{2, idset::range(0, 1), idset::single(0)}});
    CHECK(c.cores_free() == 2);
    CHECK(c.pool->release(job_id{2}));
    CHECK_FALSE(c.pool->release(job_id{2}));
    CHECK(c.cores_free() == 4);
  }

  TEST_CASE("a grant says what lies together where that matters to who deals it to tasks") {
    resource_graph g;
    auto root = add(g, no_vertex, "cluster", 0);
    for (int32_t n = 0; n < 3; ++n) {
      auto node = add(g, root, "node", n, 1, n);
      for (int64_t s = 0; s < 2; ++s) {
        auto socket = add(g, node, "socket", s);
        for (int64_t i = 0; i < 4; ++i) // of the last node every second core
          add(g, socket, "core", n == 2 ? 2 * i + s : 4 * s + i);
        for (int64_t i = 0; i < 2; ++i)
          add(g, socket, "gpu", 2 * (1 - s) + i);
      }
    }
    cluster c{std::move(g)};
    auto near = [](const std::optional<rset>& r) {
      REQUIRE(r);
      auto extra = parse_rset_extra(r->scheduling);
      REQUIRE(extra);
      std::string text;
      for (auto& [ranks, group] : extra->near)
        text += (text.empty() ? "" : " | ") + ranks.to_string() + ": " + group.cores.to_string()
                + "/" + group.gpus.to_string();
      return text;
    };
    CHECK(near(c.run(1, on_nodes(2, 2, 0, 3, 2))) == "0-1: 0-2/2-3 | 0-1: 4-6/0-1");
    CHECK(near(c.run(2, on_nodes(1, 1, 0, 2, 0))).empty());
    CHECK(near(c.run(3, on_nodes(1, 2, 0, 3, 0))) == "2: 0,2,4/ | 2: 1,3,5/");
    CHECK(near(c.run(4, on_nodes(1, 1, 0, 1, 2))).empty()); // all of it in one socket
  }

  TEST_CASE("memory beside other things is no reason to refuse a job where none is counted") {
    auto wants = [](const json& with) {
      auto spec = parse_jobspec(dump(json{
          {"version", 9999},
          {"resources",
           {{{"type", "slot"}, {"count", 1}, {"label", "task"}, {"with", with}}}},
          {"tasks", {{{"command", {"a"}}, {"slot", "task"}, {"count", {{"per_slot", 1}}}}}},
          {"attributes", {{"system", {{"duration", 0}}}}}}));
      REQUIRE(spec);
      return *spec;
    };
    auto fits = [](const cluster& c, const jobspec& spec) {
      auto compiled = c.pool->compile(spec, nullptr);
      REQUIRE(compiled);
      return c.pool->match(*compiled, match_op::satisfiable, 10).verdict
             == match_verdict::matched;
    };
    json core{{"type", "core"}, {"count", 1}};
    json memory{{"type", "memory"}, {"count", 4}, {"unit", "GB"}};
    rset nodes;
    nodes.nodes.push_back({0, idset::range(0, 3), {}});
    nodes.nodelist.push_back("n0");
    cluster without{nodes};
    CHECK(fits(without, wants(json::array({core, memory}))));
    CHECK_FALSE(fits(without, wants(json::array({memory}))));
    resource_graph graph;
    auto root = add(graph, no_vertex, "cluster", 0);
    auto node = add(graph, root, "node", 0, 1, 0);
    add(graph, node, "core", 0);
    add(graph, node, "memory", 0, 2);
    cluster with{std::move(graph)};
    CHECK_FALSE(fits(with, wants(json::array({core, memory}))));
    memory["count"] = 2;
    CHECK(fits(with, wants(json::array({core, memory}))));
  }

  TEST_CASE("a node that is whole for one job gives none of its cores to another") {
    cluster c{machine(1, 4)};
    auto r = c.run(1, whole(1));
    REQUIRE(r);
    CHECK(r->core_count() == 4);
    CHECK(c.cores_free() == 0);
    CHECK(c.pool->available(10).empty());
    CHECK_FALSE(c.run(2, slots(1)));
  }

  TEST_CASE("ranks that are down or drained get nothing, and come back as they were") {
    cluster c{machine(2, 2)};
    CHECK(c.pool->set_up(0, false));
    CHECK_FALSE(c.pool->set_up(0, false));
    CHECK_FALSE(c.pool->set_up(9, false));
    CHECK(c.pool->set_drained(0, true));
    CHECK(c.run(1, slots(2))->ranks().to_string() == "1");
    CHECK_FALSE(c.run(2, slots(1)));
    auto counts = c.pool->counts(10);
    CHECK(counts.nodes_down == 1);
    CHECK(counts.nodes_drained == 1);
    CHECK(counts.cores_free == 0);
    c.pool->set_up(0, true);
    CHECK_FALSE(c.run(2, slots(1)));
    c.pool->set_drained(0, false);
    CHECK(c.run(2, slots(1))->ranks().to_string() == "0");
  }

  TEST_CASE("part of a job's ranks come back before the rest") {
    cluster c{machine(3, 2)};
    REQUIRE(c.run(1, on_nodes(3, 2)));
    CHECK(c.pool->release_ranks(job_id{1}, idset::single(1)));
    CHECK_FALSE(c.pool->held().audit());
    CHECK(c.cores_free() == 2);
    CHECK(c.run(2, whole(1))->ranks().to_string() == "1");
    CHECK(c.pool->release_ranks(job_id{1}, idset::range(0, 2)));
    CHECK(c.pool->find(job_id{1}) == nullptr);
    CHECK(c.cores_free() == 4);
  }

  TEST_CASE("after a restart an R is held as it was granted") {
    cluster c{racks()};
    auto request = request_of(R"([{"type":"rack","count":1,"with":[
      {"type":"ssd","count":60,"exclusive":true},
      {"type":"slot","count":3,"label":"task","with":[{"type":"node","count":1,"with":[
        {"type":"socket","count":1,"with":[{"type":"core","count":2}]}]}]}]}])",
                              500);
    auto r = c.run(1, request);
    REQUIRE(r);
    auto one_core = c.run(2, slots(1));
    REQUIRE(one_core);
    r->starttime = one_core->starttime = 10;
    r->expiration = 510;
    auto text = to_json(*r);
    cluster d{racks()};
    auto back = parse_rset(text);
    REQUIRE(back);
    REQUIRE_FALSE(d.pool->take(job_id{1}, *back));
    REQUIRE_FALSE(d.pool->take(job_id{1}, *back)); // again
    REQUIRE_FALSE(d.pool->take(job_id{2}, *one_core));
    CHECK_FALSE(d.pool->held().audit());
    CHECK(d.pool->available(10) == c.pool->available(10));
    CHECK(d.pool->find(job_id{1})->what.end() == 510);
    // The SSD of that rack is taken too.
    d.pool->release(job_id{2});
    auto ssd = request_of(R"([{"type":"ssd","count":1,"exclusive":true},{"type":"slot","count":1,
      "label":"task","with":[{"type":"core","count":1}]}])");
    CHECK(d.run(3, ssd));
    CHECK_FALSE(d.run(4, ssd));
    d.pool->release(job_id{3});
    REQUIRE_FALSE(d.pool->take(job_id{2}, *one_core));
    auto e = d.pool->take(job_id{9}, *back);
    CHECK(code_of(e) == ec::busy);
    CHECK(d.pool->find(job_id{9}) == nullptr);
    CHECK(d.pool->release(job_id{1}));
    CHECK(d.pool->release(job_id{2}));
    CHECK(d.cores_free() == 48);
    // Ranks and paths that are no more are left out.
    back->nodes.push_back({99, idset::single(0), {}});
    CHECK_FALSE(d.pool->take(job_id{1}, *back));
  }

  TEST_CASE("amounts of pools that jobs share are in R, and held again after a restart") {
    auto machine_with_pools = [] {
      resource_graph g;
      auto root = add(g, no_vertex, "cluster", 0);
      add(g, root, "storage", 100, 8);
      add(g, root, "licence", 0, 5);
      for (int32_t rank = 0; rank < 2; ++rank) {
        auto node = add(g, root, "node", 7, 1, rank); // two ranks of one host
        add(g, node, "disk", 0, 10);
        for (int64_t c = 0; c < 4; ++c)
          add(g, node, "core", c);
      }
      return g;
    };
    cluster c{machine_with_pools()};
    auto request = request_of(R"([{"type":"storage","count":4},{"type":"licence","count":3},
      {"type":"node","count":1,"with":[{"type":"disk","count":6},
        {"type":"slot","count":1,"label":"task","with":[{"type":"core","count":1}]}]}])");
    c.pool->set_up(0, false);
    auto r = c.run(1, request);
    REQUIRE(r);
    CHECK(r->scheduling.find(R"(["containment","/cluster0/storage100",4])") != std::string::npos);
    CHECK(r->scheduling.find(R"(["containment","/cluster0/licence0",3])") != std::string::npos);
    CHECK(r->scheduling.find(R"(["containment","/cluster0/node7/disk0","1",6])")
          != std::string::npos);
    r->starttime = 10;

    cluster d{machine_with_pools()};
    auto back = parse_rset(to_json(*r));
    REQUIRE(back);
    REQUIRE_FALSE(d.pool->take(job_id{1}, *back));
    CHECK_FALSE(d.pool->held().audit());
    CHECK(d.pool->find(job_id{1})->what.picks.size() == c.pool->find(job_id{1})->what.picks.size());
    auto wants = [&](const char* type, int count) {
      return request_of(json::array({{{"type", type}, {"count", count}}, slot_json(1, 1)}));
    };
    CHECK_FALSE(d.run(2, wants("storage", 5)));
    CHECK(d.run(2, wants("storage", 4)));
    CHECK_FALSE(d.run(3, wants("licence", 3)));
    CHECK_FALSE(d.run(3, wants("disk", 15)));
    CHECK(d.run(3, wants("disk", 14)));
    d.pool->release(job_id{1});
    CHECK(d.run(4, wants("licence", 5)));
  }

  TEST_CASE("slots that cannot be counted from cores are told in R, and tasks follow them") {
    cluster c{racks()};
    auto request = request_of(R"([{"type":"rack","count":2,"with":[
      {"type":"slot","count":1,"label":"io","with":[{"type":"ssd","count":1}]},
      {"type":"node","count":2,"with":[{"type":"slot","count":3,"label":"task",
        "with":[{"type":"core","count":2}]}]}]}])");
    CHECK_FALSE(request->plain);
    CHECK(request->slots == 12);
    auto r = c.run(1, request);
    REQUIRE(r);
    CHECK(r->nslots == 12);
    CHECK(r->ranks().to_string() == "0-1,3-4");
    auto where = layout(*request, *r);
    if (!where)
      FAIL(render(where.error()));
    CHECK(where->ntasks == 12);
    CHECK(where->slots == std::vector<uint32_t>{3, 3, 3, 3});
  }

  TEST_CASE("tasks run in the slots of their label only") {
    cluster c{machine(2, 4)};
    auto resources = R"([
      {"type":"slot","count":1,"label":"task","with":[{"type":"core","count":1}]},
      {"type":"slot","count":3,"label":"b","with":[{"type":"core","count":2}]}])";
    auto one = request_of(resources);
    auto r = c.run(1, one);
    REQUIRE(r);
    CHECK(r->core_count() == 7);
    CHECK(r->nslots == 1);
    auto where = layout(*one, *r);
    REQUIRE(where);
    CHECK(where->ntasks == 1);
    c.pool->release(job_id{1});
    // Two entries in tasks: R says whose slots are where.
    auto two = request_of(resources, 0, json::object(), {{"b", 2}});
    r = c.run(2, two);
    REQUIRE(r);
    CHECK(r->nslots == 4);
    where = layout(*two, *r);
    REQUIRE(where);
    CHECK(where->ntasks == 7);
    CHECK(where->starts == std::vector<uint32_t>{0, 1});
    CHECK(where->entry_of(0) == 0);
    CHECK(where->entry_of(1) == 1);
    CHECK(where->entry_of(6) == 1);
    // After a restart as well.
    auto back = parse_rset(to_json(*r));
    REQUIRE(back);
    CHECK(layout(*two, *back)->tasks == where->tasks);
  }

  TEST_CASE("a count that leaves a choice gives as many tasks as slots were found") {
    cluster c{racks()};
    auto request = request_of(R"([{"type":"slot","count":{"min":3,"max":7},"label":"task",
      "with":[{"type":"node","count":1}]}])");
    auto r = c.run(1, request);
    REQUIRE(r);
    CHECK(r->nodes.size() == 6);
    auto where = layout(*request, *r);
    REQUIRE(where);
    CHECK(where->ntasks == 6);
  }

  TEST_CASE("ranks come and go while jobs run, and what they do not touch stays") {
    cluster c{machine(3, 2)};
    REQUIRE(c.run(1, on_nodes(1, 2)));
    REQUIRE(c.run(2, on_nodes(2, 1)));
    auto wanted = machine(5, 3, 1);
    wanted.nodes.erase(wanted.nodes.begin() + 1);
    wanted.nodelist.erase(wanted.nodelist.begin() + 1);
    wanted.properties["new"] = idset::range(3, 4);
    c.pool->set_drained(2, true);
    REQUIRE_FALSE(c.pool->change_nodes(wanted));
    CHECK_FALSE(c.pool->held().audit());
    CHECK(c.pool->inventory() == wanted);
    CHECK(c.pool->counts(10).nodes_drained == 1); // marks stay
    c.pool->set_drained(2, false);
    CHECK(c.cores_free() == 12 - 2 - 1);
    CHECK(c.run(3, slots(4, 0, 1, 1))->ranks().to_string() == "0,2-4");
    CHECK(c.run(4, slots(5)));
    CHECK_FALSE(c.run(5, slots(1)));
    CHECK(c.pool->release_ranks(job_id{2}, idset::single(2)));
    CHECK(c.run(5, slots(1))->ranks().to_string() == "2");
    // Cores go too, and who held them holds the rest.
    REQUIRE_FALSE(c.pool->change_nodes(machine(5, 1)));
    CHECK_FALSE(c.pool->held().audit());
    CHECK(c.pool->find(job_id{1})->what.picks.size() == 3);
    for (uint64_t id = 1; id <= 5; ++id)
      c.pool->release(job_id{id});
    CHECK(c.cores_free() == 5);
    REQUIRE_FALSE(c.pool->change_nodes({}));
    CHECK(c.pool->counts(10).nodes == 0);
    CHECK_FALSE(c.run(6, slots(1)));
    REQUIRE_FALSE(c.pool->change_nodes(machine(1, 1)));
    CHECK(c.run(6, slots(1)));
  }

  TEST_CASE("a property with a value keeps it when nodes are told again by R") {
    resource_graph g;
    auto root = add(g, no_vertex, "cluster", 0);
    auto node = add(g, root, "node", 0, 1, 0);
    add(g, node, "core", 0);
    g.set_property(node, "watts", "90");
    g.set_property(node, "old", "");
    cluster c{std::move(g)};
    auto wanted = c.pool->inventory();
    CHECK(wanted.properties.count("watts=90") == 1);
    wanted.properties.erase("old");
    wanted.properties["new"] = idset::single(0);
    REQUIRE_FALSE(c.pool->change_nodes(wanted));
    CHECK(c.pool->graph().properties(node) == vertex_properties{{"new", ""}, {"watts", "90"}});
    CHECK(c.pool->inventory() == wanted);
  }

  TEST_CASE("a constraint besides the job's own must hold too") {
    auto inventory = machine(4, 1);
    inventory.properties["a"] = idset::range(1, 3);
    cluster c{inventory};
    auto own = slots(1, 0, 1, 0, {{"constraints", {{"ranks", {"0-2"}}}}});
    CHECK(c.run(1, own, {{"properties", {"a"}}})->ranks().to_string() == "1");
    CHECK(c.run(2, slots(1), {{"properties", {"a"}}})->ranks().to_string() == "2");
    CHECK(c.run(3, own)->ranks().to_string() == "0");
  }

  TEST_CASE("a graph in which a rank cannot run anything, or is twice, is refused") {
    auto policy = make_match_policy("low");
    resource_graph bare;
    auto root = add(bare, no_vertex, "cluster", 0);
    add(bare, root, "node", 0, 1, 0);
    auto made = resource_pool::make(std::move(bare), *policy);
    REQUIRE_FALSE(made);
    CHECK(code_of(made.error()) == ec::bad_argument);
    CHECK(render(made.error())
          == "/cluster0/node0 has rank 0 and no core, so nothing can run there");
    resource_graph twice;
    root = add(twice, no_vertex, "cluster", 0);
    for (int64_t i = 0; i < 2; ++i)
      add(twice, add(twice, root, "node", i, 1, 5), "core", 0);
    made = resource_pool::make(std::move(twice), *policy);
    REQUIRE_FALSE(made);
    CHECK(render(made.error()) == "/cluster0/node0 and /cluster0/node1 both have rank 5");
  }

  TEST_CASE("cores whose ids repeat within a node have their positions in R") {
    resource_graph g;
    auto root = add(g, no_vertex, "cluster", 0);
    auto node = add(g, root, "node", 0, 1, 0);
    for (int64_t s = 0; s < 2; ++s) {
      auto socket = add(g, node, "socket", s);
      for (int64_t core = 0; core < 2; ++core)
        add(g, socket, "core", core);
    }
    cluster c{std::move(g)};
    CHECK(c.pool->inventory().nodes[0].cores == idset::range(0, 3));
    auto r = c.run(1, slots(3));
    REQUIRE(r);
    CHECK(r->core_count() == 3);
    c.pool->release(job_id{1});
    REQUIRE_FALSE(c.pool->take(job_id{1}, *r));
    CHECK(c.cores_free() == 1);
  }

} // TEST_SUITE
