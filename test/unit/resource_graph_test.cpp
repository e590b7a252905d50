// graph/resource_graph: vertices, edges in subsystems, paths, what is refused, taking parts out;
// Boost.Graph's algorithms on it.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/resource_graph.hpp"

#include <cstdlib>

#include <boost/graph/breadth_first_search.hpp>
#include <boost/graph/graph_concepts.hpp>
#include <doctest/doctest.h>

#include "graph/resource_graph_boost.hpp"
#include "runtime/limits.hpp"

using namespace hactor;

namespace {

BOOST_CONCEPT_ASSERT((boost::VertexListGraphConcept<subsystem_view>));
BOOST_CONCEPT_ASSERT((boost::BidirectionalGraphConcept<subsystem_view>));

vertex add(resource_graph& g, std::string_view type, int64_t id, vertex in = no_vertex,
           int32_t rank = -1) {
  vertex_facts f;
  f.type = type;
  f.id = id;
  f.rank = rank;
  auto v = g.add_vertex(f);
  REQUIRE(v);
  if (in != no_vertex)
    REQUIRE(!g.add_edge(in, *v, containment, "contains"));
  return *v;
}

// cluster0 -> node0, node1; each node -> core0, core1
struct small {
  resource_graph g;
  vertex cluster = add(g, "cluster", 0);
  vertex node[2], core[4];

  small() {
    for (int n = 0; n < 2; ++n) {
      node[n] = add(g, "node", n, cluster, n);
      for (int c = 0; c < 2; ++c)
        core[2 * n + c] = add(g, "core", c, node[n], n);
    }
  }
};

} // namespace

TEST_CASE("a vertex is found by its path, and its path by the vertex") {
  small s;
  CHECK(s.g.root() == s.cluster);
  CHECK(s.g.path(s.core[3]) == "/cluster0/node1/core1");
  CHECK(s.g.find_path("/cluster0/node1/core1") == s.core[3]);
  CHECK(s.g.find_path("/cluster0") == s.cluster);
  for (auto wrong : {"", "cluster0", "/cluster1", "/cluster0/node2", "/cluster0/node1/core1/x",
                     "/cluster0//node1", "/cluster0/node1/core01"})
    CHECK_MESSAGE(s.g.find_path(wrong) == no_vertex, wrong);
  CHECK(!s.g.check());
  CHECK(s.g.count(s.g.find_type("core")) == 4);
  CHECK(s.g.of_rank(1).size() == 3);
  CHECK(s.g.place(s.node[1]) == 1);
}

TEST_CASE("a name is basename and id unless it says otherwise") {
  resource_graph g;
  vertex_facts f;
  f.type = "node";
  f.basename = "quartz";
  f.id = 7;
  f.name = "quartz7";
  CHECK(g.name(*g.add_vertex(f)) == "quartz7");
  f.name = "quartz007";
  CHECK(g.name(*g.add_vertex(f)) == "quartz007");
  f.name = "";
  f.id = -1;
  CHECK(g.name(*g.add_vertex(f)) == "quartz");
}

TEST_CASE("ids and sizes are kept, however large, and forgotten with their vertex") {
  for (int64_t n : {int64_t{INT32_MIN}, int64_t{INT32_MAX} - 1, int64_t{INT32_MAX},
                    int64_t{INT32_MAX} + 1, int64_t{1} << 40}) {
    small s;
    vertex_facts f;
    f.type = "disk";
    f.id = n;
    f.size = std::abs(n);
    auto v = s.g.add_vertex(f);
    REQUIRE(v);
    REQUIRE(!s.g.add_edge(s.node[0], *v, containment, "contains"));
    CHECK(s.g.id(*v) == n);
    CHECK(s.g.units(*v) == std::abs(n));
    CHECK(s.g.name(*v) == (n < 0 ? "disk" : "disk" + std::to_string(n)));
    s.g.remove_subtree(*v);
    auto again = add(s.g, "core", 7, s.node[1]);
    CHECK(again == *v);
    CHECK(s.g.id(again) == 7);
    CHECK(s.g.units(again) == 1);
    CHECK(!s.g.check());
  }
}

TEST_CASE("what cannot be is refused and leaves the graph as it was") {
  small s;
  auto edges = s.g.edge_count(containment);
  auto refused = [&](vertex from, vertex to, const char* why) {
    auto e = s.g.add_edge(from, to, containment, "contains");
    CHECK(code_of(e) == ec::bad_argument);
    CHECK_MESSAGE(render(e).find(why) != std::string::npos, render(e));
  };
  refused(s.node[0], s.node[0], "to itself");
  refused(s.node[0], s.core[0], "there already");
  refused(s.node[1], s.core[0], "contained in node0");
  CHECK(s.g.edge_count(containment) == edges);
  vertex_facts f;
  CHECK(code_of(s.g.add_vertex(f).error()) == ec::bad_argument);
  f.type = "core";
  f.size = -1;
  CHECK(code_of(s.g.add_vertex(f).error()) == ec::bad_argument);
  CHECK(s.g.size() == 7);
}

TEST_CASE("what is contained somewhere can be linked below something else") {
  small s;
  auto linked = [&](vertex v) { return std::vector(s.g.linked(v).begin(), s.g.linked(v).end()); };
  CHECK(!s.g.has_links());
  REQUIRE(!s.g.add_link(s.node[1], s.core[0]));
  CHECK(s.g.has_links());
  CHECK(linked(s.node[1]) == std::vector{s.core[0]});
  CHECK(s.g.parent(s.core[0]) == s.node[0]);
  CHECK(s.g.path(s.core[0]) == "/cluster0/node0/core0");
  CHECK(!s.g.check());
  auto refused = [&](vertex from, vertex to, const char* why) {
    auto e = s.g.add_link(from, to);
    CHECK(code_of(e) == ec::bad_argument);
    CHECK_MESSAGE(render(e).find(why) != std::string::npos, render(e));
  };
  refused(s.node[1], s.core[0], "there already");
  refused(s.node[0], s.core[0], "there already");
  refused(s.core[0], s.cluster, "it leads back");
  refused(s.node[0], s.node[0], "it leads back");
  CHECK(!s.g.is_leaf(s.node[1]));
  s.g.remove_subtree(s.node[0]);
  CHECK(!s.g.has_links());
  REQUIRE(!s.g.add_link(s.core[2], s.core[3]));
  s.g.remove_subtree(s.core[2]);
  CHECK(!s.g.has_links());
}

TEST_CASE("check finds cycles, a second root, and siblings of one name") {
  small s;
  auto power = *s.g.add_subsystem("power");
  REQUIRE(!s.g.add_edge(s.node[0], s.node[1], power, "supplies"));
  CHECK(!s.g.check());
  REQUIRE(!s.g.add_edge(s.node[1], s.node[0], power, "supplies"));
  CHECK(render(s.g.check()).find("cycle") != std::string::npos);

  small t;
  auto other = add(t.g, "cluster", 1);
  add(t.g, "node", 0, other);
  CHECK(render(t.g.check()).find("both roots") != std::string::npos);

  small u;
  add(u.g, "core", 1, u.node[0]);
  CHECK(render(u.g.check()) == "/cluster0/node0 contains two vertices named core1");
}

TEST_CASE("brokers that share a host are told apart by their ranks") {
  small s;
  auto twin = add(s.g, "node", 1, s.cluster, 5);
  auto core = add(s.g, "core", 1, twin, 5);
  CHECK(!s.g.check());
  CHECK(s.g.find_path("/cluster0/node1") == s.node[1]);
  CHECK(s.g.find_path("/cluster0/node1", containment, 5) == twin);
  CHECK(s.g.find_path("/cluster0/node1/core1", containment, 5) == core);
  CHECK(s.g.find_path("/cluster0/node1/core1", containment, 1) == s.core[3]);
  CHECK(s.g.find_path("/cluster0/node1/core1", containment, 9) == s.core[3]);

  add(s.g, "node", 1, s.cluster, 5);
  CHECK(render(s.g.check()) == "/cluster0 contains two vertices named node1");
  small t;
  add(t.g, "node", 1, t.cluster);
  CHECK(render(t.g.check()) == "/cluster0 contains two vertices named node1");
}

TEST_CASE("a cycle above the root ends the search for the root") {
  resource_graph g;
  std::vector<vertex> ring;
  for (int i = 0; i < 20'000; ++i)
    ring.push_back(add(g, "x", i));
  auto s = *g.add_subsystem("ring");
  for (size_t i = 0; i < ring.size(); ++i)
    REQUIRE(!g.add_edge(ring[i], ring[(i + 1) % ring.size()], s, "next"));
  // Each of these would go round 20,000 vertices.
  for (size_t i = 0; i < ring.size(); i += 2)
    REQUIRE(!g.add_edge(ring[i], ring[(i + 7) % ring.size()], s, "next"));
  CHECK(code_of(g.check(s)) == ec::bad_argument);
  CHECK(!g.check(containment));
}

TEST_CASE("a vertex has a bounded number of edges that lead to it") {
  resource_graph g;
  auto to = add(g, "pool", 0);
  auto s = *g.add_subsystem("power");
  for (size_t i = 0; i < limits::graph_parents_max; ++i)
    REQUIRE(!g.add_edge(add(g, "source", static_cast<int64_t>(i)), to, s, "supplies"));
  CHECK(code_of(g.add_edge(add(g, "source", -1), to, s, "supplies")) == ec::too_big);
}

TEST_CASE("the first subsystem may have another name") {
  resource_graph g{"power"};
  auto root = add(g, "panel", 0);
  add(g, "pdu", 0, root);
  CHECK(g.find_subsystem("power") == containment);
  CHECK(!g.find_subsystem("containment"));
  CHECK(g.find_path("/panel0/pdu0") != no_vertex);
}

TEST_CASE("a part is taken out of all subsystems, and its place is used again") {
  small s;
  auto power = *s.g.add_subsystem("power");
  REQUIRE(!s.g.add_edge(s.cluster, s.node[0], power, "supplies"));
  REQUIRE(!s.g.add_edge(s.cluster, s.node[1], power, "supplies"));
  auto gone = s.g.remove_subtree(s.node[0]);
  CHECK(gone.size() == 3);
  CHECK(gone.front() == s.node[0]);
  CHECK(s.g.size() == 4);
  CHECK(!s.g.exists(s.core[0]));
  CHECK(s.g.below(s.cluster).size() == 1);
  CHECK(s.g.below(s.cluster, power).size() == 1);
  CHECK(s.g.place(s.node[1]) == 0);
  CHECK(s.g.of_rank(0).empty());
  CHECK(s.g.find_path("/cluster0/node0") == no_vertex);
  auto again = add(s.g, "node", 0, s.cluster, 0);
  CHECK(again < 7);
  CHECK(s.g.find_path("/cluster0/node0") == again);
  CHECK(!s.g.check());
}

TEST_CASE("properties and status belong to one vertex") {
  small s;
  auto before = s.g.version();
  s.g.set_property(s.node[0], "perf_class", "2");
  s.g.set_property(s.node[1], "perf_class", "2");
  s.g.set_property(s.node[1], "ssd", "");
  s.g.remove_property(s.node[0], "perf_class");
  CHECK(s.g.properties(s.node[0]).empty());
  CHECK(s.g.properties(s.node[1]) == vertex_properties{{"perf_class", "2"}, {"ssd", ""}});
  s.g.set_status(s.node[1], vertex_status::down);
  CHECK(s.g.status(s.node[0]) == vertex_status::up);
  CHECK(s.g.version() > before);
}

TEST_CASE("Boost.Graph walks a subsystem") {
  small s;
  size_t seen = 0;
  struct count : boost::default_bfs_visitor {
    explicit count(size_t& n) : n(&n) {}
    void discover_vertex(vertex, const subsystem_view&) { ++*n; }
    size_t* n;
  };
  boost::breadth_first_search(subsystem_view{&s.g}, s.node[1], boost::visitor(count{seen}));
  CHECK(seen == 3);
}

TEST_CASE("lists of edges keep their order while they grow and shrink") {
  adjacency a;
  std::vector<uint32_t> wanted;
  for (uint32_t i = 0; i < 100; ++i) {
    a.add(3, i);
    a.add(4, 1000 + i);
    wanted.push_back(i);
  }
  for (uint32_t i : {0u, 99u, 50u, 51u, 52u, 7u}) {
    CHECK(a.remove(3, i));
    std::erase(wanted, i);
    CHECK(!a.remove(3, i));
  }
  auto list = a.of(3);
  CHECK(std::vector<uint32_t>(list.begin(), list.end()) == wanted);
  for (auto i : wanted)
    a.remove(3, i);
  CHECK(a.of(3).empty());
  CHECK(a.of(4).size() == 100);
  CHECK(a.edges() == 100);
}
