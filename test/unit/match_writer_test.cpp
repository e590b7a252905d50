// graph/match_writer: one selection in every format, what is left out, how small R stays, and the
// way to an rset.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/match_writer.hpp"

#include <doctest/doctest.h>

#include "runtime/json.hpp"
#include "small_cluster.hpp"

using namespace hactor;
using hactor::test::make_cluster;

namespace {

/// Selects vertices by path, in the order given; a path that ends in '!' is shared.
selection select(const resource_graph& g, std::initializer_list<std::string> paths) {
  selection s;
  s.at = 10;
  s.duration = 50;
  for (auto path : paths) {
    auto shared = path.back() == '!';
    if (shared)
      path.pop_back();
    auto v = g.find_path(path);
    REQUIRE_MESSAGE(v != no_vertex, path);
    auto depth = static_cast<uint16_t>(std::count(path.begin(), path.end(), '/') - 1);
    s.picks.push_back({v, depth, !shared, false, g.units(v)});
  }
  return s;
}

/// cluster0 -> node0, node1; each with 2 sockets of 2 cores and a memory of 8 GB.
resource_graph two_nodes() { return make_cluster({{"node", 2}, {"socket", 2}, {"core", 2}}); }

selection half_of_node1(const resource_graph& g) {
  return select(g, {"/cluster0/node1/socket1/core2", "/cluster0/node1/socket1/core3",
                    "/cluster0/node1/socket1", "/cluster0/node1!", "/cluster0!"});
}

} // namespace

TEST_CASE("simple lists children first with three dashes a level, pretty parents first") {
  auto g = two_nodes();
  auto s = half_of_node1(g);
  CHECK(write_match(g, s, match_format::simple)
        == "      ------------core2[1:x]\n"
           "      ------------core3[1:x]\n"
           "      ---------socket1[1:x]\n"
           "      ------node1[1:s]\n"
           "      ---cluster0[1:s]\n");
  CHECK(write_match(g, s, match_format::pretty_simple)
        == "      ---cluster0[1:shared]\n"
           "      ------node1[1:shared]\n"
           "      ---------socket1[1:exclusive]\n"
           "      ------------core3[1:exclusive]\n"
           "      ------------core2[1:exclusive]\n");
}

TEST_CASE("R names ranks, cores, hosts, properties and times") {
  auto g = two_nodes();
  g.set_property(g.find_path("/cluster0/node1"), "fast", "");
  g.set_property(g.find_path("/cluster0/node1"), "class", "2");
  auto s = half_of_node1(g);
  CHECK(write_match(g, s, match_format::rlite)
        == "[{\"rank\": \"1\", \"children\": {\"core\": \"2-3\"}}]\n");
  auto execution = std::string{R"({"version": 1, "execution": {"R_lite": )"}
                   + R"([{"rank": "1", "children": {"core": "2-3"}}], "nodelist": ["node1"], )"
                   + R"("properties": {"class=2": "1", "fast": "1"}, )"
                   + R"("starttime": 10, "expiration": 60})";
  CHECK(write_match(g, s, match_format::rv1_nosched) == execution + "}\n");
  auto graph = write_match(g, s, match_format::jgf);
  graph.pop_back();
  CHECK(write_match(g, s, match_format::rv1) == execution + ", \"scheduling\": " + graph + "}\n");
  match_remarks remarks;
  remarks.queue = "batch";
  CHECK(write_match(g, s, match_format::rv1, remarks)
        == execution + ", \"scheduling\": " + graph
               + R"(, "attributes": {"system": {"scheduler": {"queue": "batch"}}}})" + "\n");
}

TEST_CASE("JGF leaves out what a reader takes for granted") {
  auto g = two_nodes();
  auto s = select(g, {"/cluster0/node1/socket1", "/cluster0/node1!", "/cluster0!"});
  s.picks[0].units = 4;
  CHECK(write_match(g, s, match_format::jgf)
        == std::string{R"({"graph": {"nodes": [)"} + R"({"id": ")"
               + std::to_string(g.uniq_id(s.picks[0].at))
               + R"(", "metadata": {"type": "socket", "id": 1, "rank": 1, "exclusive": true, )"
               + R"("size": 4, "paths": {"containment": "/cluster0/node1/socket1"}}}, )"
               + R"({"id": ")" + std::to_string(g.uniq_id(s.picks[1].at))
               + R"(", "metadata": {"type": "node", "id": 1, "rank": 1, )"
               + R"("paths": {"containment": "/cluster0/node1"}}}, )"
               + R"({"id": "0", "metadata": {"type": "cluster", "id": 0, "rank": -1, )"
               + R"("paths": {"containment": "/cluster0"}}}], "edges": [)" + R"({"source": ")"
               + std::to_string(g.uniq_id(s.picks[1].at)) + R"(", "target": ")"
               + std::to_string(g.uniq_id(s.picks[0].at)) + R"("}, {"source": "0", "target": ")"
               + std::to_string(g.uniq_id(s.picks[1].at)) + R"("}]}})" + "\n");
}

TEST_CASE("the shorthands leave out what is below something held whole, in the graph only") {
  auto g = two_nodes();
  auto s = half_of_node1(g);
  auto brief = select(g, {"/cluster0/node1/socket1", "/cluster0/node1!", "/cluster0!"});
  CHECK(write_match(g, s, match_format::jgf_shorthand) == write_match(g, brief, match_format::jgf));
  auto number = [&](size_t pick) { return std::to_string(g.uniq_id(brief.picks[pick].at)); };
  CHECK(write_match(g, s, match_format::idset)
        == "[\"" + number(0) + "\", \"" + number(1) + "\", \"" + number(2) + "\"]\n");
  auto r = parse_json(write_match(g, s, match_format::rv1_shorthand));
  REQUIRE(r);
  CHECK((*r)["execution"]["R_lite"][0]["children"]["core"] == "2-3");
  CHECK((*r)["scheduling"]["graph"]["nodes"].size() == 3);
  CHECK((*r)["scheduling"]["graph"]["edges"].size() == 2);
}

TEST_CASE("nodes with equal children share an entry; entries are in the order of their children") {
  auto g = two_nodes();
  auto s = select(g, {"/cluster0/node0/socket0/core0", "/cluster0/node0/socket0!",
                      "/cluster0/node0!", "/cluster0/node1/socket0/core0",
                      "/cluster0/node1/socket0!", "/cluster0/node1!", "/cluster0!"});
  CHECK(write_match(g, s, match_format::rlite)
        == "[{\"rank\": \"0-1\", \"children\": {\"core\": \"0\"}}]\n");
  s.picks[3].at = g.find_path("/cluster0/node1/socket0/core1");
  CHECK(write_match(g, s, match_format::rlite)
        == "[{\"rank\": \"0\", \"children\": {\"core\": \"0\"}}, "
           "{\"rank\": \"1\", \"children\": {\"core\": \"1\"}}]\n");
}

TEST_CASE("nothing selected, or no core in any node, is no text of R") {
  auto g = two_nodes();
  for (auto name : match_format_names())
    CHECK(write_match(g, {}, *parse_match_format(name)) == "");
  auto s = select(g, {"/cluster0/node0", "/cluster0!"});
  CHECK(write_match(g, s, match_format::rlite) == "");
  CHECK(write_match(g, s, match_format::rv1_nosched) == "");
}

TEST_CASE("an R of 10000 equal nodes takes less than 2 kB") {
  auto g = make_cluster({{"rack", 100}, {"node", 100}, {"core", 4}});
  selection s;
  s.duration = 3600;
  auto walk = [&](auto& self, vertex v, uint16_t depth) -> void {
    for (auto c : g.below(v))
      self(self, c, static_cast<uint16_t>(depth + 1));
    s.picks.push_back({v, depth, depth > 1, false, 1});
  };
  walk(walk, g.root(), 0);
  auto text = write_match(g, s, match_format::rv1_nosched);
  CHECK(text.size() < 2000);
  auto r = to_rset(g, s);
  REQUIRE(r);
  CHECK(r->core_count() == 40'000);
  CHECK(to_json(*r).size() < 2000);
}

TEST_CASE("formats have names, near ones are suggested") {
  CHECK(*parse_match_format("pretty") == match_format::pretty_simple);
  CHECK(*parse_match_format("jgf_shorthand") == match_format::jgf_shorthand);
  auto wrong = parse_match_format("simpel");
  REQUIRE(!wrong);
  CHECK(code_of(wrong.error()) == ec::bad_argument);
  CHECK(render(wrong.error()).find("did you mean simple") != std::string::npos);
}

TEST_CASE("an rset has shares by rank, hosts, properties, slots and times") {
  auto g = two_nodes();
  g.set_property(g.find_path("/cluster0/node1"), "fast", "");
  auto s = half_of_node1(g);
  s.picks[0].slot = s.picks[1].slot = true;
  auto r = to_rset(g, s);
  REQUIRE(r);
  REQUIRE(r->nodes.size() == 1);
  CHECK(r->nodes[0].rank == 1);
  CHECK(r->nodes[0].cores.to_string() == "2-3");
  CHECK(r->nodelist == std::vector<std::string>{"node1"});
  CHECK(r->properties.at("fast").to_string() == "1");
  CHECK(r->nslots == 2);
  CHECK(r->starttime == 10);
  CHECK(r->expiration == 60);
}

TEST_CASE("what runs on a storage node is in R") {
  auto g = make_cluster({{"storage_node", 1}, {"core", 2}, {"ssd", 1, 8}});
  auto node = g.find_path("/cluster0/storage_node0");
  for (auto v : {node, g.below(node)[0], g.below(node)[1]})
    g.set_rank(v, 3);
  auto s = select(g, {"/cluster0/storage_node0/core1", "/cluster0/storage_node0!", "/cluster0!"});
  CHECK(write_match(g, s, match_format::rlite)
        == "[{\"rank\": \"3\", \"children\": {\"core\": \"1\"}}]\n");
  auto r = to_rset(g, s);
  REQUIRE(r);
  CHECK(r->nodes[0].rank == 3);
  CHECK(r->nodelist == std::vector<std::string>{"storage_node0"});
}

TEST_CASE("what is held whole brings its cores to an rset, listed or not") {
  auto g = make_cluster({{"node", 2}, {"memory", 1, 8}, {"socket", 2}, {"core", 2}});
  auto cores = [&](std::initializer_list<std::string> paths) {
    auto r = to_rset(g, select(g, paths));
    REQUIRE(r);
    return r->nodes.empty() ? "none" : r->nodes[0].cores.to_string();
  };
  CHECK(cores({"/cluster0/node0", "/cluster0!"}) == "0-3");
  CHECK(cores({"/cluster0/node0/memory0/socket0/core0", "/cluster0/node0/memory0/socket0",
               "/cluster0/node0/memory0", "/cluster0/node0", "/cluster0!"})
        == "0");
  CHECK(cores({"/cluster0/node0/memory0/socket1", "/cluster0/node0/memory0!", "/cluster0/node0!",
               "/cluster0!"})
        == "2-3");
}

TEST_CASE("an rset needs ranks") {
  auto g = two_nodes();
  g.set_rank(g.find_path("/cluster0/node1"), -1);
  auto r = to_rset(g, half_of_node1(g));
  REQUIRE(!r);
  CHECK(code_of(r.error()) == ec::bad_rset);
  CHECK(render(r.error()).find("/cluster0/node1 has no rank") != std::string::npos);
}

TEST_CASE("a core that is in no node is no part of an rset, unless there are no nodes at all") {
  auto g = two_nodes();
  hactor::test::cluster_builder b{g};
  b.add("core", 9, g.root());
  auto r = to_rset(g, select(g, {"/cluster0/core9", "/cluster0!"}));
  REQUIRE(!r);
  CHECK(code_of(r.error()) == ec::bad_rset);
  CHECK(render(r.error()).find("in no node") != std::string::npos);
  auto flat = make_cluster({{"core", 2}});
  flat.set_rank(flat.find_path("/cluster0/core1"), 3);
  auto shares = to_rset(flat, select(flat, {"/cluster0/core1", "/cluster0!"}));
  REQUIRE(shares);
  CHECK(shares->nodes[0].rank == 3);
  CHECK(shares->nodelist.empty());
}

TEST_CASE("an id below zero is no part of an rset") {
  auto g = two_nodes();
  hactor::test::cluster_builder b{g};
  b.add("core", -1, g.find_path("/cluster0/node0"));
  auto r = to_rset(g, select(g, {"/cluster0/node0/core", "/cluster0/node0!", "/cluster0!"}));
  REQUIRE(!r);
  CHECK(code_of(r.error()) == ec::bad_rset);
}
