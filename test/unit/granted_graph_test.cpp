// graph/granted_graph, by way of resource_pool: what an instance within a job has of the graph.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <string>

#include "graph/granted_graph.hpp"
#include "graph/graph_writer.hpp"
#include "graph/jgf_reader.hpp"
#include "graph/resource_pool.hpp"
#include "requests.hpp"

#include <doctest/doctest.h>

using namespace hactor;
using namespace hactor::test;

namespace {

/// Two nodes, ranks 3 and 5: in each two sockets with two cores of the same ids, and 4 x 2 GB. 9
/// licences beside them, and 300 W for both nodes.
resource_graph site() {
  resource_graph g;
  auto add = [&g](vertex up, const char* type, int64_t id, int32_t rank, int64_t size = 1,
                  const char* unit = "") {
    vertex_facts f;
    f.type = type;
    f.id = id;
    f.rank = rank;
    f.size = size;
    f.unit = unit;
    auto v = g.add_vertex(f);
    HACTOR_CHECK(v);
    if (up != no_vertex)
      HACTOR_CHECK(!g.add_edge(up, *v, containment, "contains"));
    return *v;
  };
  auto cluster = add(no_vertex, "cluster", 0, -1);
  auto power = add(no_vertex, "power", 0, -1, 300, "W");
  auto in_power = g.add_subsystem("power");
  HACTOR_CHECK(in_power);
  add(cluster, "license", 0, -1, 9);
  for (int rank : {3, 5}) {
    auto node = add(cluster, "node", rank, rank);
    HACTOR_CHECK(!g.add_edge(power, node, *in_power, "supplies"));
    for (int s : {0, 1}) {
      auto socket = add(node, "socket", s, rank);
      add(socket, "core", 0, rank);
      add(socket, "core", 1, rank);
    }
    for (int i = 0; i < 4; ++i)
      add(node, "memory", i, rank, 2, "GB");
  }
  return g;
}

struct machine_room {
  machine_room() {
    auto policy = make_match_policy("hinode");
    HACTOR_CHECK(policy);
    auto made = resource_pool::make(site(), *policy);
    HACTOR_CHECK(made);
    pool = std::move(*made);
  }

  /// What an instance in a job with these resources gets, ranks renumbered; and R in `r`.
  std::unique_ptr<resource_pool> child(uint64_t id, const char* resources) {
    auto request = request_of(resources);
    auto compiled = pool->compile(request->wants, nullptr);
    HACTOR_CHECK(compiled);
    auto found = pool->match(*compiled, match_op::allocate, 10);
    HACTOR_CHECK(found.verdict == match_verdict::matched);
    r = pool->r_of(found.what, *request);
    pool->hold(job_id{id}, std::move(found.what), hold_kind::allocated);
    auto part = pool->granted(job_id{id});
    HACTOR_CHECK(part);
    auto sent = read_jgf(to_jgf(*part)); // as it travels
    HACTOR_CHECK(sent);
    renumber_ranks(*sent, {static_cast<rank_t>(r.nodes.front().rank)});
    HACTOR_CHECK(!sent->check());
    auto policy = make_match_policy("low");
    auto made = resource_pool::make(std::move(*sent), *policy);
    HACTOR_CHECK(made);
    return std::move(*made);
  }

  std::unique_ptr<resource_pool> pool;
  rset r;
};

int64_t units(const resource_graph& g, const char* type) {
  int64_t n = 0;
  for (vertex v = 0; v < g.limit(); ++v)
    if (g.exists(v) && g.type_name(v) == type)
      n += g.units(v);
  return n;
}

bool fits(resource_pool& pool, const char* resources) {
  auto compiled = pool.compile(request_of(resources)->wants, nullptr);
  return compiled
         && pool.match(*compiled, match_op::satisfiable, 0).verdict == match_verdict::matched;
}

constexpr auto two_cores_4gb = R"([{"type": "slot", "count": 1, "label": "task", "with": [
  {"type": "core", "count": 2}, {"type": "memory", "count": 4}]}])";

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("an instance has the memory that its job was granted, and its jobs get no more") {
    machine_room m;
    auto child = m.child(1, two_cores_4gb);
    CHECK(units(child->graph(), "memory") == 4);
    CHECK(units(child->graph(), "license") == 0);
    CHECK(fits(*child, R"([{"type": "slot", "count": 1, "label": "task", "with": [
      {"type": "core", "count": 1}, {"type": "memory", "count": 4}]}])"));
    CHECK_FALSE(fits(*child, R"([{"type": "slot", "count": 1, "label": "task", "with": [
      {"type": "core", "count": 1}, {"type": "memory", "count": 6}]}])"));
  }

  TEST_CASE("its cores have the ids that R gives them, and its ranks begin at 0") {
    machine_room m;
    auto first = m.child(1, two_cores_4gb);
    auto child = m.child(2, two_cores_4gb); // the rest of the same node
    CHECK(m.r.nodes.size() == 1);
    CHECK(child->inventory().nodes.size() == 1);
    CHECK(child->inventory().nodes.front().rank == 0);
    CHECK(child->inventory().nodes.front().cores == m.r.nodes.front().cores);
    CHECK_FALSE(first->inventory().nodes.front().cores == m.r.nodes.front().cores);
  }

  TEST_CASE("a whole node brings all that is in it") {
    machine_room m;
    auto child = m.child(1, R"([{"type": "node", "count": 1, "exclusive": true, "with": [
      {"type": "slot", "count": 1, "label": "task", "with": [{"type": "core", "count": 1}]}]}])");
    CHECK(units(child->graph(), "memory") == 8);
    CHECK(units(child->graph(), "core") == 4);
    CHECK(units(child->graph(), "socket") == 2);
  }

  TEST_CASE("of pools that are shared it has what its job draws, licences and power") {
    machine_room m;
    auto child = m.child(1, R"([{"type": "license", "count": 2}, {"type": "node", "count": 1,
      "with": [{"type": "slot", "count": 1, "label": "task",
                "with": [{"type": "core", "count": 1}]},
               {"type": "power", "count": 120}]}])");
    CHECK(units(child->graph(), "license") == 2);
    CHECK(units(child->graph(), "power") == 120);
    auto with_power = [](int watts) {
      return R"([{"type": "node", "count": 1, "with": [{"type": "slot", "count": 1,
        "label": "task", "with": [{"type": "core", "count": 1}]}, {"type": "power", "count": )"
             + std::to_string(watts) + "}]}]";
    };
    CHECK(fits(*child, with_power(120).c_str()));
    CHECK_FALSE(fits(*child, with_power(121).c_str()));
  }

  TEST_CASE("a job without anything has no graph") {
    machine_room m;
    auto none = m.pool->granted(job_id{7});
    REQUIRE_FALSE(none);
    CHECK(code_of(none.error()) == ec::bad_argument);
  }

  TEST_CASE("ranks that are not the instance's are none") {
    auto g = site();
    renumber_ranks(g, {5});
    CHECK(g.of_rank(0).size() == 11);
    CHECK(g.of_rank(3).empty());
    CHECK(g.of_rank(5).empty());
  }
}
