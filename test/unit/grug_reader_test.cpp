// graph/grug_reader: what a recipe makes, in which order and with which ids; what it must not say.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/grug_reader.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "test/support/data_file.hpp"

using namespace hactor;

namespace {

/// A recipe with the usual attributes.
std::string recipe(std::string_view body) {
  std::string text = "<graphml>";
  for (auto name : {"type", "basename", "unit", "subsystem"})
    text += fmt::format(R"(<key id="{0}" for="node" attr.name="{0}" attr.type="string"/>)", name);
  text += R"(<key id="root" for="node" attr.name="root" attr.type="int"/>)";
  text += R"(<key id="size" for="node" attr.name="size" attr.type="long"/>)";
  for (auto name : {"e_subsystem", "relation", "gen_method", "as_tgt_subsystem"})
    text += fmt::format(R"(<key id="{0}" for="edge" attr.name="{0}" attr.type="string"/>)", name);
  for (auto name :
       {"id_scope", "id_start", "id_stride", "multi_scale", "as_tgt_uplvl", "as_src_uplvl"})
    text += fmt::format(R"(<key id="{0}" for="edge" attr.name="{0}" attr.type="int"/>)", name);
  return text + R"(<graph edgedefault="directed">)" + std::string(body) + "</graph></graphml>";
}

std::string data(std::initializer_list<std::pair<std::string_view, std::string_view>> values) {
  std::string text;
  for (auto& [key, value] : values)
    text += fmt::format(R"(<data key="{}">{}</data>)", key, value);
  return text;
}

std::string node(std::string_view type,
                 std::initializer_list<std::pair<std::string_view, std::string_view>> more = {}) {
  return fmt::format(R"(<node id="{0}"><data key="type">{0}</data>{1}</node>)", type, data(more));
}

std::string edge(std::string_view from, std::string_view to,
                 std::initializer_list<std::pair<std::string_view, std::string_view>> more = {}) {
  return fmt::format(R"(<edge source="{}" target="{}">{}</edge>)", from, to, data(more));
}

std::vector<std::string> paths(const resource_graph& g, std::string_view type,
                               subsystem_id s = containment) {
  std::vector<std::string> result;
  for (vertex v = 0; v < g.limit(); ++v)
    if (g.type_name(v) == type && !g.path(v, s).empty())
      result.push_back(g.path(v, s));
  return result;
}

std::string problem(std::string_view text, grug_options options = {}) {
  auto g = read_grug(text, options);
  REQUIRE(!g);
  return render(g.error());
}

} // namespace

TEST_CASE("a recipe makes level after level, each by the order of its parents") {
  auto g = read_grug(read_data("graph/rack.graphml"));
  REQUIRE_MESSAGE(g, render(g.error()));
  REQUIRE(!g->check());
  // 1 cluster, 2 racks, 2 pdus, 4 nodes, 8 sockets, 24 cores, 16 memories; 1 panel, 3 kW of it
  CHECK(g->size() == 61);
  CHECK(paths(*g, "rack") == std::vector<std::string>{"/small0/rack0", "/small0/rack1"});
  // Scope 1: ids go on through all racks.
  CHECK(paths(*g, "node")
        == std::vector<std::string>{"/small0/rack0/node0", "/small0/rack0/node1",
                                    "/small0/rack1/node2", "/small0/rack1/node3"});
  auto cores = paths(*g, "core");
  REQUIRE(cores.size() == 24);
  CHECK(cores[2] == "/small0/rack0/node0/socket0/core2");
  CHECK(cores[3] == "/small0/rack0/node0/socket1/core3");
  CHECK(cores[6] == "/small0/rack0/node1/socket0/core0");
  auto core = g->find_path(cores[3]);
  CHECK(g->uniq_id(core) == core);
  CHECK(g->rank(core) == -1);
  CHECK(g->units(core) == 1);
  auto memory = g->find_path("/small0/rack1/node3/socket1/memory3");
  REQUIRE(memory != no_vertex);
  CHECK(g->units(memory) == 8);
  CHECK(g->unit(memory) == "GB");
}

TEST_CASE("the order is that of a depth-first search of the recipe") {
  auto g = read_grug(read_data("graph/rack.graphml"));
  REQUIRE(g);
  std::string kinds;
  std::string_view last;
  for (vertex v = 0; v < g->limit(); ++v)
    if (std::exchange(last, g->type_name(v)) != g->type_name(v))
      kinds += fmt::format("{}{} ", g->type_name(v), v);
  CHECK(kinds == "cluster0 rack1 pdu3 node5 socket9 core17 memory41 powerpanel57 power58 ");
  std::vector<std::string> below;
  for (auto v : g->below(g->find_path("/small0/rack1")))
    below.push_back(g->name(v));
  CHECK(below == std::vector<std::string>{"pdu1", "node2", "node3"});
}

TEST_CASE("another subsystem leads to what was made before") {
  auto g = read_grug(read_data("graph/rack.graphml"));
  REQUIRE(g);
  auto power = g->find_subsystem("power");
  REQUIRE(power);
  CHECK(g->name(g->root(*power)) == "powerpanel0");
  CHECK(paths(*g, "node", *power)
        == std::vector<std::string>{"/powerpanel0/pdu0/node0", "/powerpanel0/pdu0/node1",
                                    "/powerpanel0/pdu1/node2", "/powerpanel0/pdu1/node3"});
  auto pdu = g->find_path("/small0/rack1/pdu1");
  REQUIRE(g->below(pdu, *power).size() == 2);
  CHECK(g->relation(pdu, g->below(pdu, *power)[0], *power) == "supplies_to");
  CHECK(g->below(pdu).empty());
}

TEST_CASE("ids: scopes, start, stride, none") {
  auto chain = [](std::initializer_list<std::pair<std::string_view, std::string_view>> ids) {
    return recipe(node("a", {{"root", "1"}}) + node("b") + node("c") + node("d")
                  + edge("a", "b", {{"multi_scale", "2"}}) + edge("b", "c", {{"multi_scale", "3"}})
                  + fmt::format(R"(<edge source="c" target="d">{}</edge>)",
                                data({{"multi_scale", "2"}}) + data(ids)));
  };
  auto ids = [&](std::initializer_list<std::pair<std::string_view, std::string_view>> x) {
    auto g = read_grug(chain(x));
    REQUIRE_MESSAGE(g, render(g.error()));
    std::vector<int64_t> result;
    for (vertex v = 0; v < g->limit(); ++v)
      if (g->type_name(v) == "d")
        result.push_back(g->id(v));
    return result;
  };
  using list = std::vector<int64_t>;
  CHECK(ids({}) == list{0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1});
  CHECK(ids({{"id_start", "5"}, {"id_stride", "3"}}) == list{5, 6, 5, 6, 5, 6, 5, 6, 5, 6, 5, 6});
  CHECK(ids({{"id_scope", "1"}}) == list{0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5});
  CHECK(ids({{"id_scope", "2"}}) == list{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  CHECK(ids({{"id_scope", "99"}}) == list{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  CHECK(ids({{"id_scope", "1"}, {"id_start", "10"}, {"id_stride", "2"}})
        == list{10, 12, 14, 16, 18, 20, 10, 12, 14, 16, 18, 20});
  CHECK(ids({{"id_scope", "-1"}}) == list(12, -1));
  auto unnamed = read_grug(
      recipe(node("a", {{"root", "1"}}) + node("b") + edge("a", "b", {{"id_scope", "-1"}})));
  REQUIRE(unnamed);
  CHECK(unnamed->find_path("/a0/b") == 1);
}

TEST_CASE("nodes and what is below them may have ranks") {
  grug_options numbered;
  numbered.number_nodes = true;
  auto g = read_grug(read_data("graph/rack.graphml"), numbered);
  REQUIRE(g);
  CHECK(g->rank(g->find_path("/small0/rack1")) == -1);
  CHECK(g->rank(g->find_path("/small0/rack1/node2")) == 2);
  CHECK(g->rank(g->find_path("/small0/rack1/node2/socket1/core4")) == 2);
  CHECK(g->of_rank(3).size() == 1 + 2 + 6 + 4);
}

TEST_CASE("400,000 cores are made, and as many as fit") {
  auto big = recipe(node("cluster", {{"root", "1"}}) + node("node") + node("core")
                    + edge("cluster", "node", {{"multi_scale", "10000"}})
                    + edge("node", "core", {{"multi_scale", "40"}}));
  auto g = read_grug(big);
  REQUIRE(g);
  CHECK(g->size() == 410'001);
  CHECK(!g->check());
  CHECK(g->path(g->limit() - 1) == "/cluster0/node9999/core39");
}

TEST_CASE("what is associated in containment stays where it is, and is linked") {
  auto g = read_grug(recipe(node("a", {{"root", "1"}}) + node("b") + node("c")
                            + edge("a", "b", {{"multi_scale", "2"}}) + edge("a", "c")
                            + R"(<node id="d"><data key="type">b</data></node>)"
                            + edge("c", "d", {{"gen_method", "ASSOCIATE_IN"}})));
  REQUIRE_MESSAGE(g, render(g.error()));
  CHECK(!g->check());
  CHECK(g->size() == 4);
  auto c = g->find_path("/a0/c0");
  REQUIRE(g->linked(c).size() == 2);
  CHECK(g->path(g->linked(c)[0]) == "/a0/b0");
  CHECK(g->path(g->linked(c)[1]) == "/a0/b1");
  CHECK(g->below(c).empty());
}

TEST_CASE("a recipe that cannot be is refused") {
  auto two = node("a", {{"root", "1"}}) + node("b");
  struct wrong {
    std::string text;
    std::string_view says;
  };
  auto two_with = [&](std::string_view key, std::string_view value) {
    return recipe(two + edge("a", "b", {{key, value}}));
  };
  const wrong cases[] = {
      {"", "grug: "},
      {"{}", "grug: "},
      {"<graphml>", "grug: line 1: 1 elements are left open"},
      {read_data("graph/rack.graphml").substr(0, 3000), "grug: line"},
      {"<html></html>", "grug: "},
      {"<graphml></graphml>", "grug: "},
      {recipe(""), "makes no vertex"},
      {recipe(node("a") + node("b") + edge("a", "b")), "makes no vertex"},
      {recipe(two + edge("a", "c")), "has no type"},
      {recipe(R"(<node id="x"/>)"), "node 0 has no type"},
      {recipe(two + node("a")), "node \"a\" is there already"},
      {recipe(two + "\n<node\tx='1' id = 'b' />"), "node \"b\" is there already"},
      {recipe(node("a", {{"root", "1"}, {"size", "-3"}})), "size is -3"},
      {recipe(node("a", {{"root", "one"}})), "root is \"one\""},
      {recipe(node("a", {{"size", "99999999999999999999"}})), "size is \"99999999999999999999\""},
      {recipe(two + edge("a", "b") + edge("b", "a")), "edge from b to a: it closes a cycle"},
      {recipe(two + edge("a", "a")), "edge from a to a: it closes a cycle"},
      {two_with("multi_scale", "-1"), "multi_scale must be 0 or more"},
      {two_with("multi_scale", "1000000000"), "multi_scale 1000000000 for each of 1 vertices"},
      {two_with("multi_scale", "many"), "multi_scale is \"many\""},
      {two_with("gen_method", "INVENT"), "gen_method must be"},
      {two_with("as_tgt_uplvl", "-1"), "as_tgt_uplvl"},
      {two_with("id_start", "-5"), "lead to id -5"},
      {two_with("e_subsystem", ""), "e_subsystem is empty"},
  };
  for (auto& c : cases) {
    auto says = problem(c.text);
    CHECK_MESSAGE(says.find(c.says) != std::string::npos, says);
  }
}

TEST_CASE("multiples are bounded before they are made") {
  std::string body = node("k0", {{"root", "1"}});
  for (int i = 0; i < 40; ++i)
    body += node(fmt::format("k{}", i + 1))
            + edge(fmt::format("k{}", i), fmt::format("k{}", i + 1), {{"multi_scale", "1000"}});
  grug_options small;
  small.vertices_max = 100'000;
  CHECK(problem(recipe(body), small).find("at most 100000 vertices") != std::string::npos);

  // All with all, in few lines: too many edges, or too many to one vertex.
  auto all = [](std::string_view sources, std::string_view targets) {
    return recipe(node("a", {{"root", "1"}}) + node("b") + node("c")
                  + edge("a", "c", {{"multi_scale", targets}})
                  + edge("a", "b", {{"multi_scale", sources}})
                  + R"(<node id="d"><data key="type">c</data></node>)"
                  + edge("b", "d", {{"gen_method", "ASSOCIATE_IN"}, {"e_subsystem", "net"}}));
  };
  CHECK(problem(all("500", "40000")).find("more than 16777216 edges") != std::string::npos);
  CHECK(problem(all("1025", "1")).find("more than 1024 edges of net lead to it")
        != std::string::npos);
  CHECK(read_grug(all("1000", "10")));
}

TEST_CASE("nesting and entities of XML are bounded") {
  std::string deep;
  for (int i = 0; i < 100'000; ++i)
    deep += "<a>";
  CHECK(problem(deep).find("nested deeper") != std::string::npos);
  CHECK(problem("<!DOCTYPE x [<!ENTITY a \"b\">]><graphml/>").find("declarations")
        != std::string::npos);
  CHECK(problem(std::string("<graphml>\0</graphml>", 20)).find("byte 9 is 0") != std::string::npos);
  CHECK(problem(std::string(limits::xml_bytes_max + 1, ' ')).find("at most") != std::string::npos);
  CHECK(problem("<graphml>\n</a></b>").find("line 2") != std::string::npos);
  CHECK(problem("<!-- ").find("does not end") != std::string::npos);
}
