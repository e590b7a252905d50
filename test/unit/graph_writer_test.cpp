// graph/graph_writer: a graph as JGF and back, as dot and as GraphML.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/graph_writer.hpp"

#include <doctest/doctest.h>

#include "graph/jgf_reader.hpp"
#include "small_cluster.hpp"

using namespace hactor;
using hactor::test::make_cluster;

namespace {

/// Two nodes with a memory each and a power supply for both; one node is down, one has properties.
resource_graph example() {
  auto g = make_cluster({{"node", 2}, {"memory", 1, 8, "GB"}});
  g.set_status(g.find_path("/cluster0/node1"), vertex_status::down);
  g.set_property(g.find_path("/cluster0/node0"), "a", "b \"c\" <d>");
  vertex_facts f;
  f.type = "pdu";
  f.name = "supply";
  auto pdu = *g.add_vertex(f);
  auto power = *g.add_subsystem("power");
  for (auto path : {"/cluster0/node0", "/cluster0/node1"})
    REQUIRE(!g.add_edge(pdu, g.find_path(path), power, "supplies_to"));
  return g;
}

} // namespace

TEST_CASE("a graph written as JGF and read again is written alike") {
  auto g = example();
  auto text = to_jgf(g);
  auto again = read_jgf(text);
  REQUIRE_MESSAGE(again, render(again.error()));
  CHECK(to_jgf(*again) == text);
  CHECK(again->size() == g.size());
  CHECK(again->status(again->find_path("/cluster0/node1")) == vertex_status::down);
  CHECK(again->properties(again->find_path("/cluster0/node0")).at("a") == "b \"c\" <d>");
  auto power = again->find_subsystem("power");
  REQUIRE(power);
  CHECK(again->edge_count(*power) == 2);
  CHECK(again->name(again->root(*power)) == "supply");
  CHECK(again->relation(again->root(*power), again->find_path("/cluster0/node0"), *power)
        == "supplies_to");
  CHECK(again->units(again->find_path("/cluster0/node0/memory0")) == 8);
}

TEST_CASE("JGF of a graph leaves out what readers take for granted") {
  auto g = make_cluster({{"node", 1}});
  CHECK(to_jgf(g)
        == std::string{R"({"graph": {"nodes": [{"id": "0", "metadata": {"type": "cluster", )"}
               + R"("id": 0, "rank": -1, "paths": {"containment": "/cluster0"}}}, )"
               + R"({"id": "1", "metadata": {"type": "node", "id": 0, "rank": 0, )"
               + R"("paths": {"containment": "/cluster0/node0"}}}], )"
               + R"("edges": [{"source": "0", "target": "1"}]}})" + "\n");
}

TEST_CASE("dot has names of vertices and subsystems of edges") {
  auto g = example();
  auto text = to_dot(g);
  CHECK(text.starts_with("digraph G {\n0[label=\"cluster0\"];\n"));
  CHECK(text.find("0->1 [label=\"containment\"];\n") != std::string::npos);
  CHECK(text.find("5->1 [label=\"power\"];\n") != std::string::npos);
  CHECK(text.ends_with("}\n"));
}

TEST_CASE("GraphML has all facts, with what XML cannot bear escaped") {
  auto text = to_graphml(example());
  for (auto part : {"<data key=\"type\">memory</data>", "<data key=\"size\">8</data>",
                    "<data key=\"unit\">GB</data>",
                    "<data key=\"paths\">{containment=/cluster0/node0,power=/supply/node0}</data>",
                    "<data key=\"props\">{a=b &quot;c&quot; &lt;d&gt;}</data>",
                    "<data key=\"edge_member_of\">{power=power}</data>",
                    "<data key=\"vertex_member_of\">{power=power}</data>"})
    CHECK_MESSAGE(text.find(part) != std::string::npos, part << " in " << text);
}
