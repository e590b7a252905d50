// graph/graph_reader and graph/subsystems: one entry for all formats, what is left out, what is
// checked.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/graph_reader.hpp"

#include <doctest/doctest.h>

#include "graph/jgf_reader.hpp"
#include "graph/resource_pool.hpp"
#include "graph/rset.hpp"
#include "test/support/data_file.hpp"
#include "test/support/requests.hpp"

using namespace hactor;

namespace {

graph_options with(std::string_view subsystems) {
  graph_options o;
  auto choice = parse_subsystems(subsystems);
  REQUIRE_MESSAGE(choice, render(choice.error()));
  o.subsystems = *choice;
  return o;
}

} // namespace

TEST_CASE("formats have names") {
  CHECK(*parse_graph_format("grug") == graph_format::grug);
  CHECK(*parse_graph_format("jgf") == graph_format::jgf);
  CHECK(*parse_graph_format("hwloc") == graph_format::hwloc);
  CHECK(*parse_graph_format("rv1exec") == graph_format::rv1exec);
  CHECK(*parse_graph_format("rv1exec_force") == graph_format::rv1exec_force);
  CHECK(code_of(parse_graph_format("xml").error()) == ec::bad_argument);
}

TEST_CASE("sets of subsystems have names") {
  using list = std::vector<std::string>;
  CHECK(parse_subsystems("")->names.empty());
  CHECK(parse_subsystems("CA")->names == list{"containment"});
  CHECK(parse_subsystems("c+pa")->names == list{"containment", "power"});
  CHECK(parse_subsystems("V+PFS1BA")->names == list{"virtual1", "pfs1bw"});
  CHECK(parse_subsystems("ALL")->names.empty());
  CHECK(parse_subsystems("containment,network")->names == list{"containment", "network"});
  CHECK(parse_subsystems("power")->names == list{"power"});
  for (auto wrong : {",", "a,", ",a", "a,,b", "a,a"})
    CHECK_MESSAGE(code_of(parse_subsystems(wrong).error()) == ec::bad_argument, wrong);
}

TEST_CASE("each format is read and checked") {
  auto grug = read_graph(graph_format::grug, read_data("graph/rack.graphml"));
  REQUIRE(grug);
  CHECK(grug->size() == 61);
  auto jgf = read_graph(graph_format::jgf, read_data("graph/host.json"));
  REQUIRE(jgf);
  CHECK(jgf->size() == 9);
  graph_options thin;
  thin.allowlist = {"core"};
  auto hwloc = read_graph(graph_format::hwloc, read_data("graph/host.xml"), thin);
  REQUIRE(hwloc);
  CHECK(hwloc->size() == 9);
  auto cycle = R"({"graph":{"nodes":[{"id":"0","metadata":{"type":"a"}},{"id":"1","metadata":
      {"type":"b"}},{"id":"2","metadata":{"type":"c"}}],"edges":[{"source":"0","target":"1"},
      {"source":"1","target":"2"},{"source":"2","target":"0"}]}})";
  auto refused = read_graph(graph_format::jgf, cycle);
  REQUIRE(!refused);
  CHECK(render(refused.error()).starts_with("jgf: subsystem containment: "));
}

TEST_CASE("a text of another format is told of") {
  auto says = [](graph_format format, std::string_view text) {
    auto g = read_graph(format, text);
    REQUIRE(!g);
    return render(g.error());
  };
  CHECK(says(graph_format::grug, " {}").find("it looks like JSON") != std::string::npos);
  CHECK(says(graph_format::jgf, "<graphml/>").find("it looks like XML") != std::string::npos);
  CHECK(says(graph_format::rv1exec, "<a/>").find("it looks like XML") != std::string::npos);
  CHECK(says(graph_format::jgf, "{}").find("looks like") == std::string::npos);
}

TEST_CASE("a text that is cut off anywhere is refused by every reader, which says which it is") {
  struct reader {
    graph_format format;
    const char* file;
    const char* name;
  };
  const reader readers[] = {{graph_format::grug, "graph/rack.graphml", "grug: "},
                            {graph_format::jgf, "graph/host.json", "jgf: "},
                            {graph_format::jgf_shorthand, "graph/host.json", "jgf: "},
                            {graph_format::hwloc, "graph/host.xml", "hwloc: "},
                            {graph_format::hwloc, "graph/old_host.xml", "hwloc: "},
                            {graph_format::rv1exec, "graph/three_nodes.json", "R: "},
                            {graph_format::rv1exec_force, "graph/three_nodes.json", "R: "}};
  for (auto& r : readers) {
    auto whole = read_data(r.file);
    REQUIRE_MESSAGE(read_graph(r.format, whole), r.file);
    auto end = whole.find_last_not_of(" \n");
    for (size_t length = 0; length <= end; ++length) {
      auto g = read_graph(r.format, std::string_view{whole}.substr(0, length));
      REQUIRE_MESSAGE(!g, r.file << ", " << length << " bytes");
      CHECK_MESSAGE(render(g.error()).starts_with(r.name),
                    r.file << ", " << length << " bytes: " << render(g.error()));
    }
  }
}

TEST_CASE("a part or an allocation that is cut off anywhere changes nothing") {
  auto whole = read_data("graph/host.json");
  auto g = read_graph(graph_format::jgf, whole);
  REQUIRE(g);
  auto r = read_data("graph/three_nodes.json");
  auto size = g->size();
  for (size_t length = 0; length <= whole.find_last_not_of(" \n"); ++length) {
    auto text = std::string_view{whole}.substr(0, length);
    REQUIRE_MESSAGE(!attach_jgf(*g, text), length << " bytes");
    REQUIRE_MESSAGE(!read_jgf_selection(*g, text, {}), length << " bytes");
    CHECK(g->size() == size);
  }
  CHECK(!g->check());
  CHECK(read_jgf_selection(*g, whole, {}));
  for (size_t length = 0; length <= r.find_last_not_of(" \n"); ++length)
    REQUIRE_MESSAGE(!parse_rset(std::string_view{r}.substr(0, length)), length << " bytes");
}

TEST_CASE("a machine of hwloc can be what an instance has") {
  graph_options options;
  options.number_nodes = true;
  auto g = read_graph(graph_format::hwloc, read_data("graph/host.xml"), options);
  REQUIRE_MESSAGE(g, render(g.error()));
  CHECK(g->rank(g->root()) == -1);
  auto policy = make_match_policy("lonode");
  auto pool = resource_pool::make(std::move(*g), *policy);
  REQUIRE_MESSAGE(pool, render(pool.error()));
  CHECK((*pool)->inventory().nodelist == std::vector<std::string>{"login042"});
  // What is in a core goes with it: R need not name it.
  auto request = test::slots(2);
  auto compiled = (*pool)->compile(request->wants, nullptr);
  REQUIRE(compiled);
  auto found = (*pool)->match(*compiled, match_op::allocate, 0);
  REQUIRE(found.verdict == match_verdict::matched);
  auto r = (*pool)->r_of(found.what, *request);
  CHECK(r.core_count() == 2);
  CHECK(r.scheduling.empty());
}

TEST_CASE("an R with a graph is a graph, unless the R is wanted") {
  std::string r = R"({"version":1,"execution":{"R_lite":[{"rank":"0","children":{"core":"0-1"}}]},
                      "scheduling":)"
                  + read_data("graph/host.json") + "}";
  CHECK(read_graph(graph_format::rv1exec, r)->size() == 9);
  CHECK(read_graph(graph_format::rv1exec_force, r)->size() == 4);
  CHECK(read_graph(graph_format::rv1exec, r.substr(0, r.find(",\n")) + "}")->size() == 4);
}

TEST_CASE("types that are not wanted are left out, and what they contained moves up") {
  auto text = read_data("graph/rack.graphml");
  auto whole = read_graph(graph_format::grug, text, with("C+PA"));
  REQUIRE(whole);
  auto node = whole->find_type("node"), memory = whole->find_type("memory");
  auto nodes = whole->count(node), memories = whole->count(memory);
  auto kept = keep_types(std::move(*whole), {"socket"});
  REQUIRE_MESSAGE(!kept, "each node has a socket0");
  CHECK(code_of(kept.error()) == ec::bad_argument);

  whole = read_graph(graph_format::grug, text, with("C+PA"));
  auto racks = keep_types(std::move(*whole), {"node", "socket", "memory", "powerpanel", "pdu"});
  REQUIRE_MESSAGE(racks, render(racks.error()));
  CHECK(racks->find_type("core") == no_type);
  CHECK(racks->find_type("rack") == no_type);
  CHECK(racks->count(racks->find_type("node")) == nodes);
  CHECK(racks->count(racks->find_type("memory")) == memories);
  CHECK(racks->find_path("/small0/node3/socket1/memory3") != no_vertex);
  CHECK(racks->find_path("/powerpanel0/pdu1/node3", *racks->find_subsystem("power")) != no_vertex);

  auto same = keep_types(std::move(*racks), {});
  CHECK(same->find_path("/small0/node3/socket1/memory3") != no_vertex);
  CHECK(parse_allowlist("")->empty());
  CHECK(parse_allowlist("node,core")->size() == 2);
  for (auto wrong : {",", "node,", "node,node", "a b"})
    CHECK_MESSAGE(code_of(parse_allowlist(wrong).error()) == ec::bad_argument, wrong);
}

TEST_CASE("subsystems that are not wanted are as if they were not there") {
  auto text = read_data("graph/rack.graphml");
  auto both = read_graph(graph_format::grug, text, with("C+PA"));
  REQUIRE(both);
  CHECK(both->size() == 61);

  auto one = read_graph(graph_format::grug, text, with("CA"));
  REQUIRE_MESSAGE(one, render(one.error()));
  CHECK(one->size() == 57);
  CHECK(!one->find_subsystem("power"));
  CHECK(one->find_path("/small0/rack1/node3/socket1/memory3") != no_vertex);
  CHECK(one->find_path("/small0/rack1/pdu1") != no_vertex);

  // uniq_ids stay those of the whole, also where vertices before are left out.
  auto power = read_graph(graph_format::grug, text, with("PA"));
  REQUIRE_MESSAGE(power, render(power.error()));
  CHECK(power->size() == 1 + 3 + 2 + 4);
  CHECK(power->subsystem_name(containment) == "power");
  auto node = power->find_path("/powerpanel0/pdu1/node3");
  REQUIRE(node != no_vertex);
  CHECK(power->uniq_id(node) == 8);
  CHECK(power->relation(power->parent(node), node, containment) == "supplies_to");

  auto turned = read_graph(graph_format::grug, text, with("power,containment"));
  REQUIRE_MESSAGE(turned, render(turned.error()));
  CHECK(turned->find_path("/small0/rack0/node0", *turned->find_subsystem("containment"))
        == turned->find_path("/powerpanel0/pdu0/node0"));
}

TEST_CASE("subsystems that are named must be there; those of a set need not") {
  auto text = read_data("graph/rack.graphml");
  CHECK(read_graph(graph_format::grug, text, with("ALL"))->size() == 61);
  CHECK(read_graph(graph_format::grug, text, with("C+IBA"))->size() == 57);
  auto says = render(read_graph(graph_format::grug, text, with("containment,net")).error());
  CHECK(says.find("subsystem net: the graph has none of that name; it has containment, power")
        != std::string::npos);
  CHECK(!read_graph(graph_format::grug, text, with("IBA")));
}

TEST_CASE("a limit of vertices holds for all formats") {
  graph_options few;
  few.vertices_max = 8;
  const std::pair<graph_format, const char*> files[] = {
      {graph_format::grug, "graph/rack.graphml"},
      {graph_format::jgf, "graph/host.json"},
      {graph_format::hwloc, "graph/host.xml"},
      {graph_format::rv1exec, "graph/three_nodes.json"}};
  for (auto& x : files) {
    auto g = read_graph(x.first, read_data(x.second), few);
    CHECK_MESSAGE(code_of(g.error()) == ec::too_big, x.second);
  }
}
