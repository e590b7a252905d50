// graph/match_walk and match_mark: what is found below a vertex that is only linked to it.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <fmt/format.h>

#include "graph/graph_reader.hpp"
#include "graph/graph_writer.hpp"
#include "graph/jgf_reader.hpp"
#include "graph/subsystems.hpp"
#include "match_bench.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

vertex add(resource_graph& g, vertex above, std::string_view type, int64_t id, int64_t size = 1) {
  vertex_facts f;
  f.type = type;
  f.id = id;
  f.size = size;
  auto v = g.add_vertex(f);
  REQUIRE(v);
  if (above != no_vertex)
    REQUIRE(!g.add_edge(above, *v, containment, "contains"));
  return *v;
}

/// cluster0 -> rack0, rack1 -> one box each -> 2 disks of 10, and 2 cores; pool0 leads to the
/// boxes.
resource_graph two_ways() {
  resource_graph g;
  auto root = add(g, no_vertex, "cluster", 0);
  std::vector<vertex> boxes;
  for (int r = 0; r < 2; ++r) {
    auto rack = add(g, root, "rack", r);
    boxes.push_back(add(g, rack, "box", r));
    for (int d = 0; d < 2; ++d)
      add(g, boxes.back(), "disk", d, 10);
    for (int c = 0; c < 2; ++c)
      add(g, rack, "core", c);
  }
  auto pool = add(g, root, "pool", 0);
  for (auto box : boxes)
    REQUIRE(!g.add_link(pool, box));
  return g;
}

const std::string near_disk =
    "[{type: rack, count: 1, with: [{type: slot, count: 1, label: s, with: [{type: core, count: "
    "1}]}, {type: box, count: 1, with: [{type: disk, count: 10, exclusive: true}]}]}]";

const std::string pool_disk =
    "{type: pool, count: 1, with: [{type: box, count: 1, with: [{type: disk, count: 10, exclusive: "
    "true}]}]}";

const std::string far_disk =
    "[{type: rack, count: 1, with: [{type: slot, count: 1, label: s, with: [{type: core, count: "
    "1}]}]}, "
    + pool_disk + "]";

} // namespace

TEST_CASE("disks are found from both sides, and held for both") {
  for (auto policy : {"low", "first"}) {
    match_bench b{two_ways(), policy};
    auto near = compile(b.g, spec_text(near_disk), false);
    auto far = compile(b.g, spec_text(far_disk), false);
    for (auto& r : {near, far, far, far}) {
      CHECK(b.take(r) != "busy");
      CHECK(b.count(b.last.what, "disk") == 1);
      CHECK(b.count(b.last.what, "pool") == (r == far ? 1 : 0));
      CHECK(!b.held.audit());
    }
    CHECK(b.take(far) == "busy");
    CHECK(b.take(near) == "busy");
    b.held.release(1);
    CHECK(b.take(far) != "busy");
  }
}

TEST_CASE("what was found through a link is shown below what it was found in") {
  match_bench b{two_ways(), "low"};
  CHECK(b.take(compile(b.g, spec_text(far_disk), false)) == "rack0/core0 rack0/box0/disk0");
  std::string text;
  for (auto& p : b.last.what.picks)
    text += std::to_string(p.depth) + " " + b.g.name(p.at) + "\n";
  CHECK(text == "2 core0\n1 rack0\n3 disk0\n2 box0\n1 pool0\n0 cluster0\n");
}

TEST_CASE("links stay in JGF, and in a graph of fewer subsystems") {
  auto g = two_ways();
  auto text = to_jgf(g);
  auto again = read_jgf(text);
  REQUIRE(again);
  CHECK(to_jgf(*again) == text);
  CHECK(again->linked(again->find_path("/cluster0/pool0")).size() == 2);
  auto power = add(g, no_vertex, "power", 0);
  REQUIRE(!g.add_edge(power, g.root(), *g.add_subsystem("power"), "feeds"));
  auto part = keep_subsystems(std::move(g), *parse_subsystems("CA"));
  REQUIRE(part);
  CHECK(to_jgf(*part) == text);
}

TEST_CASE("what was taken out of a graph with links is attached again with them") {
  for (std::string_view gone : {"/cluster0/rack1", "/cluster0/pool0"}) {
    auto g = two_ways();
    auto text = to_jgf(g);
    auto size = g.size();
    g.remove_subtree(g.find_path(gone));
    auto tops = attach_jgf(g, text);
    REQUIRE_MESSAGE(tops, render(tops.error()));
    REQUIRE(tops->size() == 1);
    CHECK(g.path(tops->front()) == gone);
    CHECK(g.size() == size);
    CHECK(!g.check());
    CHECK(g.path(g.find_path("/cluster0/rack1/box1")) == "/cluster0/rack1/box1");
    CHECK(g.linked(g.find_path("/cluster0/pool0")).size() == 2);
    match_bench b{std::move(g)};
    auto r = compile(b.g, spec_text(far_disk), false);
    auto taken = 0;
    while (b.take(r) != "busy")
      ++taken;
    CHECK(taken == 4); // all disks, those in rack1 by the pool alone
  }
}

TEST_CASE("a part whose links lead back, or hang on what is nowhere, leaves the graph as it was") {
  auto vertex_text = [](std::string_view id, std::string_view type, std::string_view path) {
    return fmt::format(
        R"({{"id":"{}","metadata":{{"type":"{}","id":0,"paths":{{"containment":"{}"}}}}}})", id,
        type, path);
  };
  auto pool = vertex_text("p", "pool", "/cluster0/pool0");
  auto part = [](const std::string& nodes, std::string_view edge) {
    return R"({"graph":{"nodes":[)" + nodes + R"(],"edges":[)" + std::string{edge} + "]}}";
  };
  const std::pair<std::string, std::string_view> cases[] = {
      {part(pool + "," + vertex_text("x", "shelf", "/cluster0/rack0/box0/shelf0"),
            R"({"source":"x","target":"p"})"),
       "found below itself, by links"},
      {part(pool + "," + vertex_text("x", "shelf", "/cluster0/rack9/shelf0") + ","
                + vertex_text("y", "shelf", "/cluster0/rack9/shelf0/y0"),
            R"({"source":"p","target":"y"})"),
       "path /cluster0/rack9/shelf0: the graph has no vertex there to put it below"},
  };
  for (auto& [text, says] : cases) {
    auto g = two_ways();
    auto before = to_jgf(g);
    auto tops = attach_jgf(g, text);
    REQUIRE(!tops);
    CHECK_MESSAGE(context_of(tops.error()).find(says) != std::string::npos, render(tops.error()));
    CHECK(to_jgf(g) == before);
    CHECK(!g.check());
  }
}

TEST_CASE("links that lead back in a circle are refused") {
  auto g = two_ways();
  auto box = [&](int n) {
    return g.find_path("/cluster0/rack" + std::to_string(n) + "/box" + std::to_string(n));
  };
  REQUIRE(!g.add_link(box(0), g.parent(box(1))));
  REQUIRE(!g.check());
  REQUIRE(!g.add_link(box(1), g.parent(box(0))));
  CHECK(context_of(g.check()).find("found below itself, by links") != std::string::npos);
  CHECK(!read_graph(graph_format::jgf, to_jgf(g)));
}

TEST_CASE("a link from something that is in a circle is refused, and found out in time") {
  auto text = R"({"graph":{"nodes":[
      {"id":"0","metadata":{"type":"a","paths":{"containment":"/a0"}}},
      {"id":"1","metadata":{"type":"b","paths":{"containment":"/x/b0"}}},
      {"id":"2","metadata":{"type":"c","paths":{"containment":"/a0/b0/c0"}}},
      {"id":"3","metadata":{"type":"d","paths":{"containment":"/a0/b0/c0/d0"}}}],
      "edges":[{"source":"1","target":"2"},{"source":"2","target":"1"},{"source":"2","target":"3"},
      {"source":"3","target":"1"}]}})";
  auto g = read_graph(graph_format::jgf, text);
  REQUIRE(!g);
  resource_graph circle;
  auto root = add(circle, no_vertex, "cluster", 0);
  auto a = add(circle, no_vertex, "a", 0);
  auto b = add(circle, no_vertex, "b", 0);
  auto far = add(circle, root, "c", 0);
  REQUIRE(!circle.add_edge(a, b, containment, "contains"));
  REQUIRE(!circle.add_edge(b, a, containment, "contains"));
  CHECK(circle.add_link(a, far));
}

TEST_CASE("one match does not find the same disk twice") {
  match_bench b{two_ways(), "low"};
  auto both = near_disk.substr(0, near_disk.size() - 1) + ", " + pool_disk + "]";
  // The first rack that is looked at has box0, so that the pool is left with none of both.
  CHECK(b.take(compile(b.g, spec_text(both), false)) == "busy");
}

namespace {

/// cluster0 -> 2 racks -> 2 nodes each -> 2 cores; network: switch9 -> switch0 -> the first node of
/// each rack, switch1 -> the second.
resource_graph racks_and_switches() {
  resource_graph g;
  auto root = add(g, no_vertex, "cluster", 0);
  auto net = *g.add_subsystem("network");
  auto top = add(g, no_vertex, "core_switch", 9);
  vertex edges[] = {add(g, no_vertex, "edge_switch", 0), add(g, no_vertex, "edge_switch", 1)};
  for (auto e : edges)
    REQUIRE(!g.add_edge(top, e, net, "leads"));
  for (int n = 0; n < 4; ++n) {
    auto rack = n % 2 == 0 ? add(g, root, "rack", n / 2) : g.below(root).back();
    auto node = add(g, rack, "node", n);
    REQUIRE(!g.add_edge(edges[n % 2], node, net, "leads"));
    for (int c = 0; c < 2; ++c)
      add(g, node, "core", c);
  }
  return g;
}

const std::string below_one_switch =
    "[{type: edge_switch, count: 1, with: [{type: slot, count: 2, label: s, with: [{type: node, "
    "count: 1, exclusive: true, with: [{type: core, count: 2}]}]}]}]";

const std::string whole_rack =
    "[{type: slot, count: 1, label: s, with: [{type: rack, count: 1, exclusive: true}]}]";

} // namespace

TEST_CASE("what is nested in another subsystem is found there, and counted where it is contained") {
  for (auto policy : {"low", "first", "lonode"}) {
    auto graph = racks_and_switches();
    REQUIRE(!nest_subsystem(graph, "network"));
    match_bench b{std::move(graph), policy, "ALL:core,ALL:node"};
    auto pair = compile(b.g, spec_text(below_one_switch));
    auto rack = compile(b.g, spec_text(whole_rack));
    auto first = b.take(pair);
    auto second = b.take(pair);
    if (std::string{policy} == "first")
      std::swap(first, second);
    CHECK(first == "rack0/node0/core0 rack0/node0/core1 rack1/node2/core0 rack1/node2/core1");
    CHECK(second == "rack0/node1/core0 rack0/node1/core1 rack1/node3/core0 rack1/node3/core1");
    CHECK(!b.held.audit());
    CHECK(b.take(pair) == "busy");
    CHECK(b.take(rack) == "busy");
    b.held.release(1);
    CHECK(b.take(rack) == "busy"); // a node of each is still held
    b.held.release(2);
    CHECK(b.take(rack) != "busy");
    CHECK(b.take(pair) == "busy");
    CHECK(!b.held.audit());
  }
}

TEST_CASE("more nodes than are below one switch are never found") {
  auto graph = racks_and_switches();
  REQUIRE(!nest_subsystem(graph, "network"));
  match_bench b{std::move(graph), "low", "ALL:core,ALL:node"};
  auto text = below_one_switch;
  text.replace(text.find("count: 2"), 8, "count: 3");
  CHECK(b.take(compile(b.g, spec_text(text)), match_op::satisfiable) == "never");
}

TEST_CASE("a subsystem that is not there cannot be nested, nor that which contains") {
  auto graph = racks_and_switches();
  CHECK(context_of(nest_subsystem(graph, "power")).find("it has") != std::string::npos);
  CHECK(code_of(nest_subsystem(graph, "containment")) == ec::bad_argument);
  CHECK(!graph.has_links());
}

TEST_CASE("what comes to a nested subsystem later is nested too") {
  auto graph = racks_and_switches();
  REQUIRE(!nest_subsystem(graph, "network"));
  auto links = graph.linked(graph.find_path("/cluster0/core_switch9/edge_switch0")).size();
  auto node = add(graph, graph.find_path("/cluster0/rack0"), "node", 7);
  auto edge = graph.find_path("/cluster0/core_switch9/edge_switch0");
  REQUIRE(!graph.add_edge(edge, node, *graph.find_subsystem("network"), "leads"));
  CHECK(graph.linked(edge).size() == links);
  REQUIRE(!nest_what_is_new(graph));
  CHECK(graph.linked(edge).size() == links + 1);
  REQUIRE(!nest_what_is_new(graph));
  CHECK(graph.linked(edge).size() == links + 1);
}
