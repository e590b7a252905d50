// graph/resource_pool: vertices that come, go and change while jobs run.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <string>

#include "graph/resource_pool.hpp"
#include "graph/rv1_reader.hpp"
#include "requests.hpp"

#include <doctest/doctest.h>

using namespace hactor;
using namespace hactor::test;

namespace {

/// Two nodes of two cores, named n0 and n1, and what a scheduler would do with them.
struct cluster {
  cluster() {
    auto r = machine(2, 2);
    r.nodelist = {"n0", "n1"};
    auto policy = make_match_policy("lonode");
    HACTOR_CHECK(policy);
    auto made = resource_pool::make(*graph_of(r), *policy);
    HACTOR_CHECK(made);
    pool = std::move(*made);
  }

  /// Whether it fits now; then the job holds it.
  bool run(uint64_t id, const request_ptr& request) {
    auto compiled = pool->compile(request->wants, nullptr);
    HACTOR_CHECK(compiled);
    auto found = pool->match(*compiled, match_op::allocate, 10);
    if (found.verdict != match_verdict::matched)
      return false;
    pool->hold(job_id{id}, std::move(found.what), hold_kind::allocated);
    CHECK_FALSE(pool->held().audit());
    return true;
  }

  std::string attach(const json& nodes, const json& edges = json::array()) {
    auto text = dump(json{{"graph", {{"nodes", nodes}, {"edges", edges}}}});
    auto paths = pool->attach(text, idset::range(2, 9));
    CHECK_FALSE(pool->held().audit());
    if (!paths)
      return render(paths.error());
    std::string all;
    for (auto& path : *paths)
      all += (all.empty() ? "" : " ") + path;
    return all;
  }

  std::string detach(const char* path) {
    auto e = pool->detach(path);
    CHECK_FALSE(pool->held().audit());
    return e ? render(e) : "";
  }

  uint64_t cores_free() { return pool->counts(10).cores_free; }

  std::unique_ptr<resource_pool> pool;
};

json vertex_json(const char* key, const char* type, int id, int size = 1, int rank = -1,
                 const char* path = nullptr, const char* subsystem = "containment") {
  json meta{{"type", type}, {"id", id}, {"size", size}, {"rank", rank}};
  if (path != nullptr)
    meta["paths"] = {{subsystem, path}};
  return {{"id", key}, {"metadata", meta}};
}

json edge_json(const char* from, const char* to, const char* subsystem = "containment") {
  return {{"source", from}, {"target", to}, {"metadata", {{"subsystem", subsystem}}}};
}

json node_part(int rank) {
  return json::array({vertex_json("n", "node", 2, 1, rank, "/cluster0/node2"),
                      vertex_json("c", "core", 0, 1, rank)});
}

request_ptr with(const char* type, int count) {
  return request_of(json::array({{{"type", type}, {"count", count}}, slot_json(1, 1)}));
}

bool says(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("a pool of licences comes and goes, and jobs keep what they have") {
    cluster c;
    REQUIRE(c.run(1, slots(3)));
    CHECK(c.attach(json::array({vertex_json("1", "license", 0, 2, -1, "/cluster0/license0")}))
          == "/cluster0/license0");
    CHECK(c.cores_free() == 1);
    REQUIRE(c.run(2, with("license", 2)));
    CHECK(says(c.detach("/cluster0/license0"), "job"));
    CHECK(code_of(c.pool->detach("/cluster0/license0")) == ec::busy);
    c.pool->release(job_id{2});
    CHECK(c.detach("/cluster0/license0").empty());
    CHECK(c.pool->find(job_id{1}) != nullptr);
    CHECK(c.cores_free() == 1);
    CHECK(says(c.detach("/cluster0/license0"), "paths are like /cluster0/n0"));
  }

  TEST_CASE("a node of a rank that was not there can run jobs at once") {
    cluster c;
    CHECK(c.attach(node_part(2), json::array({edge_json("n", "c")})) == "/cluster0/node2");
    CHECK(c.pool->inventory().nodes.size() == 3);
    CHECK(c.cores_free() == 5);
    CHECK(c.run(1, slots(5)));
    CHECK(c.detach("/cluster0/node2/core0") != "");
    c.pool->release(job_id{1});
    CHECK(says(c.detach("/cluster0/node2/core0"), "without a core; detach /cluster0/node2"));
    CHECK(c.detach("/cluster0/node2").empty());
    CHECK(c.pool->inventory().nodes.size() == 2);
    // It may come back.
    CHECK(c.attach(node_part(2), json::array({edge_json("n", "c")})) == "/cluster0/node2");
  }

  TEST_CASE("what cannot run jobs is refused, and nothing has changed") {
    cluster c;
    auto edges = json::array({edge_json("n", "c")});
    CHECK(says(c.attach(node_part(99), edges), "the broker of rank 99"));
    CHECK(says(c.attach(node_part(1), edges), "both have rank 1"));
    CHECK(says(c.attach(node_part(-1), edges), "nothing can run there"));
    CHECK(says(c.attach(json::array({vertex_json("n", "rack", 1)})), "where it belongs"));
    CHECK(c.pool->graph().size() == 7);
    CHECK(c.pool->inventory().nodes.size() == 2);
    CHECK(c.cores_free() == 4);
    CHECK(c.run(1, slots(4)));
  }

  TEST_CASE("a node gets more cores while a job has the others") {
    cluster c;
    REQUIRE(c.run(1, slots(2)));
    CHECK(c.attach(json::array({vertex_json("c", "core", 2, 1, 0, "/cluster0/n0/core2")}))
          == "/cluster0/n0/core2");
    CHECK(c.pool->inventory().find(0)->cores.to_string() == "0-2");
    CHECK(c.cores_free() == 3);
    CHECK(c.run(2, slots(3)));
    c.pool->release(job_id{1});
    CHECK(c.detach("/cluster0/n0/core0").empty());
    CHECK(c.cores_free() == 1);
  }

  TEST_CASE("power comes beside containment, and is charged from then on") {
    cluster c;
    auto nodes = json::array({vertex_json("p", "power", 0, 700, -1, "/power0", "power"),
                              vertex_json("q", "power", 1, 500, -1, "/power0/power1", "power"),
                              vertex_json("a", "node", 0, 1, 0, "/cluster0/n0"),
                              vertex_json("b", "node", 1, 1, 1, "/cluster0/n1")});
    auto edges = json::array(
        {edge_json("p", "q", "power"), edge_json("q", "a", "power"), edge_json("q", "b", "power")});
    CHECK(c.attach(nodes, edges) == "/power0 /power0/power1");
    auto watts = request_of(json::array(
        {{{"type", "node"},
          {"count", 1},
          {"with", json::array({{{"type", "power"}, {"count", 300}}, slot_json(1, 1)})}}}));
    REQUIRE(c.run(1, watts));
    CHECK_FALSE(c.run(2, watts));
    CHECK(code_of(c.pool->detach("/power0/power1")) == ec::busy);
    c.pool->release(job_id{1});
    CHECK(says(c.detach("/power0"), "would be cut off"));
    CHECK(c.detach("/power0/power1").empty());
    // Another panel below the one that is there.
    CHECK(c.attach(json::array({nodes[0],
                                vertex_json("r", "power", 2, 900, -1, "/power0/power2", "power"),
                                nodes[3]}),
                   json::array({edge_json("p", "r", "power"), edge_json("r", "b", "power")}))
          == "/power0/power2");
    CHECK(c.run(3, watts));
    CHECK(c.pool->graph().path(c.pool->graph().of_rank(1)[0], 1) == "/power0/power2/n1");
  }

  TEST_CASE("what is marked as down gets nothing new, whatever the brokers say") {
    cluster c;
    REQUIRE_FALSE(c.pool->set_status("/cluster0/n1", vertex_status::down));
    CHECK(c.pool->set_up(1, false));
    CHECK(c.pool->set_up(1, true));
    CHECK(c.cores_free() == 2);
    CHECK(c.pool->counts(10).nodes_down == 1);
    CHECK(c.pool->switched_off().ranks().to_string() == "1");
    CHECK_FALSE(c.run(1, slots(3)));
    REQUIRE_FALSE(c.pool->set_status("/cluster0/n0/core0", vertex_status::down));
    CHECK(c.pool->switched_off().core_count() == 3);
    CHECK(c.pool->available(10).core_count() == 1);
    REQUIRE_FALSE(c.pool->set_status("/cluster0", vertex_status::down));
    CHECK(c.pool->available(10).core_count() == 0);
    CHECK(c.pool->unheld(10).core_count() == 4);
    REQUIRE_FALSE(c.pool->set_status("", vertex_status::up));
    REQUIRE_FALSE(c.pool->set_status("/cluster0/n1", vertex_status::up));
    REQUIRE_FALSE(c.pool->set_status("/cluster0/n0/core0", vertex_status::up));
    CHECK(c.run(1, slots(4)));
  }

  TEST_CASE("the graph of a pool goes on in another") {
    cluster c;
    REQUIRE_FALSE(c.pool->set_status("/cluster0/n1", vertex_status::down));
    c.pool->set_drained(0, true);
    REQUIRE(c.attach(json::array({vertex_json("1", "license", 0, 2, -1, "/cluster0/license0")}))
            == "/cluster0/license0");
    auto policy = make_match_policy("high");
    REQUIRE(policy);
    auto again = resource_pool::make(c.pool->take_graph(), *policy);
    REQUIRE(again);
    c.pool = std::move(*again);
    CHECK(c.cores_free() == 2);
    CHECK(c.pool->switched_off().ranks().to_string() == "1");
    CHECK(c.run(1, with("license", 2)));
  }

  TEST_CASE("nodes of one path are told apart by their ranks") {
    cluster c;
    auto r = machine(2, 2);
    r.nodelist = {"host", "host"};
    auto policy = make_match_policy("lonode");
    REQUIRE(policy);
    auto shared = resource_pool::make(*graph_of(r), *policy);
    REQUIRE(shared);
    c.pool = std::move(*shared);
    REQUIRE_FALSE(c.pool->set_status("rank1", vertex_status::down));
    REQUIRE_FALSE(c.pool->set_status("rank0/core1", vertex_status::down));
    CHECK(c.pool->switched_off().find(0)->cores.to_string() == "1");
    CHECK(c.pool->switched_off().find(1)->cores.to_string() == "0-1");
    CHECK(c.pool->counts(10).nodes_down == 1);
    for (auto path : {"rank2", "rank", "rank0/core7", "rankle"})
      CHECK(code_of(c.pool->set_status(path, vertex_status::up)) == ec::bad_argument);
    CHECK(c.detach("rank1").empty());
    CHECK(c.pool->inventory().ranks().to_string() == "0");
  }

  TEST_CASE("properties are those of the inventory, and are shown") {
    cluster c;
    REQUIRE_FALSE(c.pool->set_property("/cluster0/n1", "fast", ""));
    REQUIRE_FALSE(c.pool->set_property("/cluster0/n1", "site", "the old \"hall\""));
    CHECK(c.pool->inventory().properties.at("fast").to_string() == "1");
    // What R cannot name stays when the inventory is told again.
    REQUIRE_FALSE(c.pool->change_nodes(rset{c.pool->inventory()}));
    CHECK(c.pool->properties("/cluster0/n1")->size() == 2);
    auto lines = c.pool->show("/cluster0/n1", 10);
    REQUIRE(lines);
    CHECK(lines->front() == "/cluster0/n1: node, rank 1, fast, site=the old \"hall\"");
    CHECK(lines->size() == 3);
    CHECK(c.pool->show("", 10)->size() == 3);
    CHECK_FALSE(c.pool->remove_property("/cluster0/n1", "fast"));
    CHECK(code_of(c.pool->remove_property("/cluster0/n1", "fast")) == ec::unknown_key);
    CHECK(c.pool->inventory().properties.empty());
  }

} // TEST_SUITE
