// graph/rv1_reader: sets of resources as graphs, and as selections in graphs.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/rv1_reader.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "graph/grug_reader.hpp"
#include "test/support/data_file.hpp"

using namespace hactor;

namespace {

rset parsed(std::string_view text) {
  auto r = parse_rset(text);
  REQUIRE_MESSAGE(r, render(r.error()));
  return *r;
}

std::string three_nodes() { return read_data("graph/three_nodes.json"); }

std::string picks_of(const resource_graph& g, const selection& s) {
  std::string text;
  for (auto& p : s.picks)
    text += fmt::format("{}{}[{}{}] ", std::string(p.depth, '-'), g.name(p.at), p.units,
                        p.exclusive ? "x" : "s");
  return text;
}

} // namespace

TEST_CASE("an R becomes a cluster of nodes with cores and gpus") {
  auto g = read_rv1(three_nodes());
  REQUIRE_MESSAGE(g, render(g.error()));
  REQUIRE(!g->check());
  CHECK(g->size() == 1 + 3 + 2 + 10);
  CHECK(g->rank(0) == -1);
  // In the order of R_lite.
  std::vector<std::string> names;
  for (auto v : g->below(0))
    names.push_back(g->name(v));
  CHECK(names == std::vector<std::string>{"fox07", "fox08", "login"});
  auto fox = g->find_path("/cluster0/fox08");
  CHECK(g->id(fox) == 8);
  CHECK(g->basename(fox) == "fox");
  CHECK(g->rank(fox) == 2);
  CHECK(g->properties(fox) == vertex_properties{{"batch@core", ""}, {"big", ""}});
  CHECK(g->rank(g->find_path("/cluster0/fox08/gpu0")) == 2);
  CHECK(g->id(g->find_path("/cluster0/login")) == -1);
  CHECK(g->find_path("/cluster0/login/core7") != no_vertex);
  CHECK(g->properties(g->find_path("/cluster0/login")).empty());
}

TEST_CASE("an rset becomes a graph without going through text") {
  auto g = graph_of(parsed(three_nodes()));
  REQUIRE(g);
  std::vector<int32_t> ranks;
  for (auto v : g->below(0))
    ranks.push_back(g->rank(v));
  CHECK(ranks == std::vector<int32_t>{0, 1, 2});

  rset unnamed;
  unnamed.nodes = {{0, idset::range(0, 1), {}}, {5, idset::range(0, 1), {}}};
  g = graph_of(unnamed);
  REQUIRE(g);
  CHECK(g->find_path("/cluster0/node5/core1") != no_vertex);

  // Brokers that share a host.
  unnamed.nodelist = {"here", "here"};
  g = graph_of(unnamed);
  REQUIRE(g);
  CHECK(!g->check());
  CHECK(g->rank(g->find_path("/cluster0/here/core1", containment, 5)) == 5);

  g = graph_of(rset{});
  REQUIRE(g);
  CHECK(g->size() == 1);
}

TEST_CASE("a host whose number does not fit is refused, since nodes are known by their numbers") {
  auto text = [](const std::string& host) {
    return R"({"version": 1, "execution": {"R_lite": [{"rank": "0", "children": {"core": "0"}}], )"
           R"("nodelist": [")"
           + host + R"("], "starttime": 0, "expiration": 0}})";
  };
  auto largest = read_rv1(text("n9223372036854775807"));
  REQUIRE(largest);
  CHECK(largest->id(1) == INT64_MAX);
  auto refused = read_rv1(text("n9223372036854775808"));
  REQUIRE(!refused);
  CHECK(code_of(refused.error()) == ec::bad_rset);
  CHECK(render(refused.error()).find("n9223372036854775808") != std::string::npos);
}

TEST_CASE("cores lie in the sockets and numanodes of their host, as far as R has them") {
  auto r = parsed(R"({"version":1,"execution":{"R_lite":[
    {"rank":"0-1","children":{"core":"0-7","gpu":"0"}},{"rank":"2","children":{"core":"5-8"}},
    {"rank":"3","children":{"core":"0-1"}}],"nodelist":["a,b,a,c"]}})");
  auto runs = [](std::initializer_list<idset> all) { return std::vector<idset>{all}; };
  host_levels inside{runs({idset::range(0, 3), idset::range(4, 7)}),
                     runs({idset::range(0, 1), idset::range(2, 3), idset::range(4, 7)})};
  host_levels outside{runs({idset::range(0, 3), idset::range(4, 7)}), runs({idset::range(0, 7)})};
  auto g = graph_of(r, {inside, outside, inside, {}});
  REQUIRE_MESSAGE(g, render(g.error()));
  CHECK(g->find_path("/cluster0/a/socket0/numanode1/core2", containment, 0) != no_vertex);
  CHECK(g->find_path("/cluster0/a/socket1/numanode2/core7", containment, 0) != no_vertex);
  CHECK(g->find_path("/cluster0/b/numanode0/socket1/core4") != no_vertex);
  CHECK(g->find_path("/cluster0/b/gpu0") != no_vertex);
  // Of rank 2 only what it has; what lies nowhere is in the node.
  auto core = g->find_path("/cluster0/a/socket1/numanode2/core5", containment, 2);
  REQUIRE(core != no_vertex);
  CHECK(g->rank(core) == 2);
  core = g->find_path("/cluster0/a/core8", containment, 2);
  REQUIRE(core != no_vertex);
  CHECK(g->rank(core) == 2);
  CHECK(g->of_rank(2).size() == 1 + 2 + 4);
  CHECK(g->of_rank(3).size() == 1 + 2);
  CHECK(g->count(g->find_type("core")) == 22);
}

TEST_CASE("GPUs lie in the sockets and numanodes of the cores that are near them") {
  auto r = parsed(R"({"version":1,"execution":{"R_lite":[
    {"rank":"0","children":{"core":"0-7","gpu":"0-3"}},
    {"rank":"1","children":{"core":"0-3","gpu":"0-3"}}],"nodelist":["a,b"]}})");
  host_levels levels{{idset::range(0, 3), idset::range(4, 7)},
                     {idset::range(0, 1), idset::range(2, 3), idset::range(4, 7)},
                     {idset::range(4, 7), idset::range(2, 3), idset::range(0, 3), {}}};
  auto g = graph_of(r, {levels, levels});
  REQUIRE_MESSAGE(g, render(g.error()));
  for (auto path : {"/cluster0/a/socket1/numanode2/gpu0", "/cluster0/a/socket0/numanode1/gpu1",
                    "/cluster0/a/socket0/gpu2", "/cluster0/a/gpu3",
                    // What is near cores that are another's is the node's.
                    "/cluster0/b/gpu0", "/cluster0/b/socket0/numanode1/gpu1"})
    CHECK_MESSAGE(g->find_path(path) != no_vertex, path);
  CHECK(g->count(g->find_type("gpu")) == 8);
  auto near = near_of(levels);
  REQUIRE(near.size() == 4); // each once
  CHECK(near[0] == near_group{idset::range(0, 3), idset::range(1, 2)});
  CHECK(near[1] == near_group{idset::range(4, 7), idset::single(0)});
  CHECK(near[3] == near_group{idset::range(2, 3), idset::single(1)});
}

TEST_CASE("what is no R is refused") {
  for (auto text :
       {"", "{", "[]", R"({"version":2,"execution":{"R_lite":[]}})",
        R"({"version":1,"execution":{"R_lite":[{"rank":"0"}]}})",
        R"({"version":1,"execution":{"R_lite":[{"rank":"0","children":{"core":"x"}}]}})"})
    CHECK_MESSAGE(!read_rv1(text), text);
}

TEST_CASE(
    "an R is found in the graph that it came from; a node all of which is in it is exclusive") {
  auto r = parsed(three_nodes());
  auto g = graph_of(r);
  REQUIRE(g);
  auto part = parsed(R"({"version":1,"execution":{"R_lite":[
      {"rank":"2","children":{"core":"0-3","gpu":"0"}},{"rank":"0","children":{"core":"7"}}]}})");
  auto s = select_rset(*g, part, 10, 5);
  REQUIRE_MESSAGE(s, render(s.error()));
  CHECK(s->at == 10);
  CHECK(s->end() == 15);
  CHECK(picks_of(*g, *s)
        == "--core7[1x] -login[1s] --core0[1x] --core1[1x] --core2[1x] --core3[1x] --gpu0[1x] "
           "-fox08[1x] cluster0[1s] ");
}

TEST_CASE("in a deeper graph cores are found at any depth, nodes by rank or host") {
  grug_options numbered;
  numbered.number_nodes = true;
  for (bool ranks : {true, false}) {
    auto g = read_grug(read_data("graph/rack.graphml"), ranks ? numbered : grug_options{});
    REQUIRE(g);
    auto r = parsed(R"({"version":1,"execution":{"R_lite":[
        {"rank":"2","children":{"core":"0-3"}}],"nodelist":["node2"]}})");
    auto s = select_rset(*g, r, 0, 1);
    REQUIRE_MESSAGE(s, render(s.error()));
    // The memory of a socket is not in R, so the socket is shared.
    CHECK(picks_of(*g, *s)
          == "----core0[1x] ----core1[1x] ----core2[1x] ---socket0[1s] ----core3[1x] "
             "---socket1[1s] --node2[1s] -rack1[1s] small0[1s] ");
  }
}

TEST_CASE("an R of another graph is refused") {
  auto r = parsed(three_nodes());
  auto g = graph_of(r);
  REQUIRE(g);
  auto problem = [&](std::string_view text) {
    auto s = select_rset(*g, parsed(text), 0, 1);
    REQUIRE(!s);
    return render(s.error());
  };
  CHECK(problem(R"({"version":1,"execution":{"R_lite":[{"rank":"9","children":{"core":"0"}}],
                    "nodelist":["fox99"]}})")
        == "R: rank 9, fox99: the graph has no such node");
  CHECK(problem(R"({"version":1,"execution":{"R_lite":[{"rank":"0","children":{"core":"0-1"}}]}})")
        == "R: rank 0: the graph has 1 of its 2 cores 0-1");
  CHECK(render(select_rset(*g, r, 0, 0).error()).find("duration") != std::string::npos);

  // Cores that have one id in two sockets of a node.
  grug_options numbered;
  numbered.number_nodes = true;
  auto text = read_data("graph/rack.graphml");
  auto scope = text.find("<data key=\"id_scope\">1</data><data key=\"multi_scale\">3</data>");
  REQUIRE(scope != std::string::npos);
  text.replace(scope, 29, "                             ");
  auto twice = read_grug(text, numbered);
  REQUIRE_MESSAGE(twice, render(twice.error()));
  auto one =
      parsed(R"({"version":1,"execution":{"R_lite":[{"rank":"0","children":{"core":"0"}}]}})");
  CHECK(render(select_rset(*twice, one, 0, 1).error())
        == "R: rank 0: the graph has 2 of its 1 core 0");
}
