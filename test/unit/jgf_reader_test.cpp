// graph/jgf_reader: whole graphs, parts that are attached, allocations that are read back.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/jgf_reader.hpp"

#include <algorithm>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/mman.h>

#include "test/support/data_file.hpp"

using namespace hactor;

namespace {

resource_graph host() {
  auto g = read_jgf(read_data("graph/host.json"));
  REQUIRE_MESSAGE(g, render(g.error()));
  return std::move(*g);
}

std::string node(std::string_view id, std::string_view metadata) {
  return fmt::format(R"({{"id":"{}","metadata":{{{}}}}})", id, metadata);
}

std::string jgf(std::string_view nodes, std::string_view edges = "") {
  return fmt::format(R"({{"graph":{{"nodes":[{}],"edges":[{}]}}}})", nodes, edges);
}

std::string placed(std::string_view type, int id, std::string_view path,
                   std::string_view more = "") {
  return fmt::format(R"("type":"{}","id":{},"paths":{{"containment":"{}"}}{})", type, id, path,
                     more);
}

/// Vertices with all that is told of them, and edges: equal for equal graphs.
std::string describe(const resource_graph& g) {
  std::string text;
  for (vertex v = 0; v < g.limit(); ++v) {
    if (!g.exists(v))
      continue;
    text += fmt::format("{} {} {} {} {} {} {}\n", v, g.type_name(v), g.name(v), g.id(v), g.units(v),
                        g.rank(v), g.properties(v).size());
    for (size_t s = 0; s < g.subsystem_count(); ++s)
      for (auto c : g.below(v, static_cast<subsystem_id>(s)))
        text += fmt::format("  {} {} {}\n", g.subsystem_name(static_cast<subsystem_id>(s)), c,
                            g.relation(v, c, static_cast<subsystem_id>(s)));
  }
  return text;
}

std::string picks_of(const resource_graph& g, const selection& s) {
  std::string text;
  for (auto& p : s.picks)
    text += fmt::format("{}{}[{}{}] ", std::string(p.depth, '-'), g.name(p.at), p.units,
                        p.exclusive ? "x" : "s");
  return text;
}

} // namespace

TEST_CASE("a whole graph has the vertices of the text, with what it leaves out filled in") {
  auto g = host();
  REQUIRE(!g.check());
  CHECK(g.size() == 9);
  CHECK(g.name(g.root()) == "hetchy");
  auto n = g.find_path("/hetchy/chassis0/hetchy1001");
  REQUIRE(n == 3);
  CHECK(g.id(n) == 1001);
  CHECK(g.uniq_id(n) == 3);
  CHECK(g.rank(n) == 1);
  CHECK(g.basename(n) == "node");
  CHECK(g.units(n) == 1);
  CHECK(g.unit(n) == "");
  auto chassis = g.find_path("/hetchy/chassis0");
  CHECK(g.properties(chassis) == vertex_properties{{"rabbit", "hetchy201"}, {"ssdcount", "36"}});
  CHECK(g.status(g.find_path("/hetchy/chassis0/hetchy1001/core1")) == vertex_status::down);
  CHECK(g.status(n) == vertex_status::up);
  auto ssd = g.find_path("/hetchy/chassis0/ssd0");
  CHECK(g.units(ssd) == 793);
  CHECK(g.unit(ssd) == "GiB");
  auto power = g.find_subsystem("power");
  REQUIRE(power);
  CHECK(g.path(6, *power) == "/pdu7/hetchy1002");
  CHECK(g.relation(8, 6, *power) == "supplies_to");
  CHECK(g.relation(0, 1, containment) == "contains");
  CHECK(g.uniq_id(8) == 88);
}

TEST_CASE("ids: from the name's digits, from uniq_id, from the key") {
  std::string edges;
  for (auto id : {"7", "8", "9", "10", "11"})
    edges += fmt::format(R"({}{{"source":"x","target":"{}"}})", edges.empty() ? "" : ",", id);
  auto g = read_jgf(jgf(node("x", R"("type":"a")") + "," + node("7", R"("type":"b")") + ","
                            + node("8", R"("type":"c","uniq_id":5)") + ","
                            + node("9", R"("type":"node","name":"n007")") + ","
                            + node("10", R"("type":"d","id":-1)") + ","
                            + node("11", R"("type":"node","name":"login")"),
                        edges));
  REQUIRE_MESSAGE(g, render(g.error()));
  std::vector<std::string> names;
  std::vector<int64_t> ids;
  for (vertex v = 0; v < g->limit(); ++v) {
    names.push_back(g->name(v));
    ids.push_back(g->id(v));
  }
  CHECK(names == std::vector<std::string>{"a", "b7", "c5", "n007", "d", "login"});
  CHECK(ids == std::vector<int64_t>{-1, 7, 5, 7, -1, 11});
}

TEST_CASE("an R with a graph is read as a graph") {
  auto text = R"({"version":1,"execution":{"R_lite":[]},"scheduling":)"
              + jgf(node("0", R"("type":"cluster")")) + "}";
  CHECK(has_jgf(text));
  auto g = read_jgf(text);
  REQUIRE(g);
  CHECK(g->name(0) == "cluster0");
  CHECK(!has_jgf(R"({"version":1,"scheduling":{"writer":"other"}})"));
  CHECK(!has_jgf("{"));
  CHECK(!has_jgf(""));
}

TEST_CASE("a text that is no graph is refused, with line or key") {
  auto a = node("0", R"("type":"a")");
  auto b = node("1", R"("type":"b")");
  struct wrong {
    std::string text;
    std::string_view says;
    ec code = ec::bad_argument;
  };
  const wrong cases[] = {
      {"", "jgf: ", ec::bad_json},
      {"{\n\"graph\":\n{,}}", "line 3", ec::bad_json},
      {"[]", "the document: must be a mapping"},
      {"{}", "graph: missing"},
      {R"({"graph":7})", "graph: must be a mapping"},
      {R"({"graph":{}})", "graph.nodes: missing"},
      {R"({"graph":{"nodes":{}}})", "graph.nodes: must be a list"},
      {R"({"graph":{"nodes":[7]}})", "graph.nodes.0.node: must be a mapping"},
      {R"({"graph":{"nodes":[]},"graph":{"nodes":[]}})", "occurs twice"},
      {jgf(""), "graph.nodes: empty"},
      {jgf(a) + "{}", "more after the end", ec::bad_json},
      {jgf(R"({"metadata":{"type":"a"}})"), "graph.nodes.0.id: missing"},
      {jgf(R"({"id":"0"})"), "graph.nodes.0.metadata.type: missing"},
      {jgf(R"({"id":0,"metadata":{"type":"a"}})"), "graph.nodes.0.id: must be a string"},
      {jgf(a + "," + a), "graph.nodes.1.id: \"0\" occurs twice"},
      {jgf(node("0", R"("type":7)")), "metadata.type: must be a string"},
      {jgf(node("0", R"("type":"a","size":-1)")), "metadata.size: must be a whole number from 0"},
      {jgf(node("0", R"("type":"a","size":1e3)")), "metadata.size: must be a whole number"},
      {jgf(node("0", R"("type":"a","size":99999999999999999999)")), "metadata.size: must be"},
      {jgf(node("0", R"("type":"a","rank":-2)")), "metadata.rank: must be a whole number from -1"},
      {jgf(node("0", R"("type":"a","id":"x")")), "metadata.id: must be a whole number"},
      {jgf(node("0", R"("type":"a","exclusive":1)")), "metadata.exclusive: must be true or false"},
      {jgf(node("0", R"("type":"a","status":"maybe")")), "metadata.status: must be"},
      {jgf(node("0", R"("type":"a","status":2)")), "metadata.status: must be"},
      {jgf(node("0", R"("type":"a","properties":[])")), "metadata.properties: must be a mapping"},
      {jgf(node("0", R"("type":"a","properties":{"k":1})")), "metadata.properties: must be a str"},
      {jgf(node("0", R"("type":"a","paths":7)")), "metadata.paths: must be a mapping"},
      {jgf(a, R"({"source":"0"})"), "graph.edges.0.target: missing"},
      {jgf(a, R"({"source":"0","target":"9"})"), "graph.edges.0.target: no node has the id \"9\""},
      {jgf(a, R"({"source":"9","target":"0"})"), "graph.edges.0.source: no node has the id \"9\""},
      {jgf(a, R"({"source":"0","target":"0"})"), "graph.edges.0: "},
      {jgf(a + "," + b, R"({"source":"0","target":"1"},{"source":"0","target":"1"})"),
       "graph.edges.1: "},
      {jgf(a, R"({"source":0,"target":"0"})"), "graph.edges.0.source: must be a string"},
      {jgf(a + "," + b), "graph.nodes.0: a0 has no edge"},
      {jgf(a + "," + b + "," + node("2", R"("type":"c")"), R"({"source":"0","target":"1"})"),
       "graph.nodes.2: c2 has no edge"},
      {R"({"free_ranks":"3-1",)" + jgf(a).substr(1), "free_ranks: "},
  };
  for (auto& c : cases) {
    auto g = read_jgf(c.text);
    REQUIRE_MESSAGE(!g, c.text);
    CHECK_MESSAGE(render(g.error()).find(c.says) != std::string::npos, render(g.error()));
    CHECK_MESSAGE(code_of(g.error()) == c.code, render(g.error()));
  }
  auto whole = read_data("graph/host.json");
  for (size_t size = 0; size + 2 < whole.size(); size += 7)
    CHECK(!read_jgf(whole.substr(0, size)));
  CHECK(code_of(read_jgf(jgf(a + "," + b), 1).error()) == ec::too_big);
  // Address space that nobody looks at: memory is not needed to say that it is too much.
  auto size = limits::graph_text_bytes_max + 1;
  auto* text = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  REQUIRE(text != MAP_FAILED);
  CHECK(code_of(read_jgf({static_cast<const char*>(text), size}).error()) == ec::too_big);
  ::munmap(text, size);
}

TEST_CASE("nesting in what is passed over is bounded") {
  auto deep = R"({"graph":{"nodes":[)" + std::string(1'000'000, '[') + "]}}";
  CHECK(!read_jgf(deep));
}

TEST_CASE("a part is attached below a path, by its edges or by paths alone") {
  for (bool with_edges : {true, false}) {
    auto g = host();
    auto edges = with_edges ? R"({"source":"c","target":"n"},{"source":"n","target":"x"})" : "";
    auto tops = attach_jgf(
        g, jgf(node("x", placed("core", 3, "/hetchy/chassis0/node9/core3", R"(,"rank":7)")) + ","
                   + node("n", placed("node", 9, "/hetchy/chassis0/node9", R"(,"rank":7)")) + ","
                   + node("c", placed("chassis", 0, "/hetchy/chassis0")),
               edges));
    REQUIRE_MESSAGE(tops, render(tops.error()));
    REQUIRE(!g.check());
    CHECK(g.size() == 11);
    REQUIRE(tops->size() == 1);
    CHECK(g.path(tops->front()) == "/hetchy/chassis0/node9");
    auto core = g.find_path("/hetchy/chassis0/node9/core3");
    REQUIRE(core != no_vertex);
    CHECK(g.rank(core) == 7);
    CHECK(g.of_rank(7).size() == 2);
  }
}

TEST_CASE("a part may bring another subsystem, and hang in it alone") {
  auto g = host();
  auto tops =
      attach_jgf(g, jgf(node("pdu", R"("type":"pdu","id":7,"paths":{"power":"/pdu7"})") + ","
                            + node("ups", R"("type":"ups","id":0)") + ","
                            + node("n", placed("node", 1, "/hetchy/chassis0/hetchy1001",
                                               R"(,"name":"hetchy1001")")),
                        R"({"source":"ups","target":"n","metadata":{"subsystem":"backup"}})"));
  // The pdu, which nothing contains, is known by its path in power.
  REQUIRE_MESSAGE(tops, render(tops.error()));
  CHECK(tops->size() == 1);
  CHECK(!attach_jgf(g, jgf(node("pdu", R"("type":"pdu","id":8,"paths":{"power":"/pdu8"})"))));
  CHECK(!g.check());
  auto backup = g.find_subsystem("backup");
  REQUIRE(backup);
  CHECK(g.path(3, *backup) == "/ups0/hetchy1001");
}

TEST_CASE("a part that does not fit leaves the graph as it was") {
  auto n9 = node("n", placed("node", 9, "/hetchy/chassis0/node9"));
  auto c0 = node("c", placed("chassis", 0, "/hetchy/chassis0"));
  auto root = node("r", R"("type":"cluster","paths":{"containment":"/hetchy"})");
  struct wrong {
    std::string text;
    std::string_view says;
  };
  const wrong cases[] = {
      {"{", "jgf: "},
      {jgf(node("n", placed("core", 9, "/hetchy/chassis0/hetchy1001"))),
       "is there already, with type node"},
      {jgf(node("n", placed("node", 1, "/hetchy/chassis0/hetchy1001", R"(,"rank":5)"))),
       "is there already, with rank 1"},
      {jgf(node("n", placed("node", 9, "/hetchy/chassis5/node9"))), "no vertex there"},
      {jgf(node("n", placed("node", 9, "node9"))), "no vertex there"},
      {jgf(node("n", R"("type":"node","id":9)")), "no edge and no path"},
      {jgf(n9 + "," + root, R"({"source":"n","target":"r"})"), "cannot be put below what is new"},
      {jgf(n9 + "," + node("m", R"("type":"x","id":1)"),
           R"({"source":"n","target":"m"},{"source":"m","target":"n"})"),
       "part of a cycle"},
      {jgf(n9 + "," + node("m", R"("type":"node","id":9)") + "," + c0,
           R"({"source":"c","target":"m"},{"source":"c","target":"n"})"),
       "contains two vertices named node9"},
      {jgf(n9 + "," + c0, R"({"source":"c","target":"n"},{"source":"c","target":"n"})"),
       "graph.edges.1: "},
      {jgf(n9 + "," + node("m", R"("type":"x","id":1)") + "," + c0,
           R"({"source":"c","target":"n"},{"source":"m","target":"n"})"),
       "contained in"},
      {jgf(node("m", R"("type":"x","id":1)") + ","
               + node("p", R"("type":"pdu","id":7,"paths":{"power":"/pdu7"})"),
           R"({"source":"p","target":"m"})"),
       "in other subsystems only"},
      {jgf(n9 + "," + c0 + "," + node("u", R"("type":"ups","id":0)"),
           R"({"source":"c","target":"n"},)"
           R"({"source":"u","target":"n","metadata":{"subsystem":"power"}})"),
       "both roots"},
      {jgf(n9 + "," + c0 + ","
               + node("h", placed("node", 2, "/hetchy/chassis0/hetchy1002", R"(,"rank":2)")),
           R"({"source":"h","target":"n","metadata":{"subsystem":"power"}},)"
           R"({"source":"n","target":"h","metadata":{"subsystem":"power"}})"),
       "cycle"},
  };
  for (auto& c : cases) {
    auto g = host();
    auto before = describe(g);
    auto tops = attach_jgf(g, c.text);
    REQUIRE_MESSAGE(!tops, c.text);
    CHECK_MESSAGE(render(tops.error()).find(c.says) != std::string::npos, render(tops.error()));
    CHECK(describe(g) == before);
    CHECK(!g.check());
  }
}

TEST_CASE("an allocation becomes picks in the order of the graph, with all above them") {
  auto g = host();
  auto text = jgf(
      node("b",
           placed("core", 1, "/hetchy/chassis0/hetchy1001/core1", R"(,"exclusive":true,"rank":1)"))
          + ","
          + node("a", placed("core", 0, "/hetchy/chassis0/hetchy1001/core0",
                             R"(,"exclusive":true,"rank":1)"))
          + ","
          + node("s", placed("ssd", 0, "/hetchy/chassis0/ssd0", R"(,"exclusive":true,"size":100)"))
          + "," + node("c", placed("chassis", 0, "/hetchy/chassis0")),
      R"({"source":"c","target":"s"})");
  auto s = read_jgf_selection(g, text, {100, 60, false});
  REQUIRE_MESSAGE(s, render(s.error()));
  CHECK(s->at == 100);
  CHECK(s->end() == 160);
  CHECK(picks_of(g, *s)
        == "--ssd0[100x] ---core0[1x] ---core1[1x] --hetchy1001[1s] -chassis0[1s] hetchy[1s] ");
  CHECK(s->charges.empty());
  CHECK(exclusive_tops(g, *s).size() == 3);
}

TEST_CASE("below an exclusive vertex a short text means all") {
  auto g = host();
  auto text = jgf(node(
      "n", placed("node", 1001, "/hetchy/chassis0/hetchy1001", R"(,"exclusive":true,"rank":1)")));
  auto plain = read_jgf_selection(g, text, {0, 1, false});
  REQUIRE(plain);
  CHECK(picks_of(g, *plain) == "--hetchy1001[1x] -chassis0[1s] hetchy[1s] ");
  auto all = read_jgf_selection(g, text, {0, 1, true});
  REQUIRE(all);
  CHECK(picks_of(g, *all)
        == "---core0[1x] ---core1[1x] --hetchy1001[1x] -chassis0[1s] hetchy[1s] ");
  CHECK(exclusive_tops(g, *all) == std::vector<vertex>{3});
}

TEST_CASE("what lies in other subsystems alone is charged") {
  auto g = host();
  auto text = jgf(node("p", R"("type":"pdu","id":7,"size":4,"paths":{"power":"/pdu7"})") + ","
                      + node("n", placed("node", 1002, "/hetchy/chassis0/hetchy1002",
                                         R"(,"exclusive":true,"rank":2)")),
                  R"({"source":"p","target":"n","metadata":{"subsystem":"power"}})");
  auto s = read_jgf_selection(g, text, {0, 1, false});
  REQUIRE_MESSAGE(s, render(s.error()));
  CHECK(s->charges == std::vector<charge>{{8, 4}});
  CHECK(s->picks.size() == 3);
}

TEST_CASE("ranks that were released already are passed over") {
  auto g = host();
  auto nodes =
      node("a",
           placed("node", 1001, "/hetchy/chassis0/hetchy1001", R"(,"exclusive":true,"rank":1)"))
      + ","
      + node("b",
             placed("node", 1002, "/hetchy/chassis0/hetchy1002", R"(,"exclusive":true,"rank":2)"));
  auto text = jgf(nodes, R"({"source":"a","target":"gone"})");
  CHECK(!read_jgf_selection(g, text, {}));
  auto s = read_jgf_selection(g, R"({"free_ranks":"2",)" + text.substr(1), {});
  REQUIRE_MESSAGE(s, render(s.error()));
  CHECK(picks_of(g, *s) == "--hetchy1001[1x] -chassis0[1s] hetchy[1s] ");
}

TEST_CASE("an allocation of another graph is refused") {
  auto g = host();
  auto n = [](std::string_view more) {
    return node("n", placed("node", 1, "/hetchy/chassis0/hetchy1001", more));
  };
  struct wrong {
    std::string text;
    std::string_view says;
  };
  const wrong cases[] = {
      {jgf(node("n", placed("node", 1, "/hetchy/chassis0/hetchy9"))), "the graph has no node at"},
      {jgf(node("n", placed("core", 1, "/hetchy/chassis0/hetchy1001"))), "the graph has no core"},
      {jgf(node("n", R"("type":"node")")), "the graph has no node at no path"},
      {jgf(n(R"(,"rank":4)")), "has rank 1, not 4"},
      {jgf(n(R"(,"size":2)")), "has 1 units, not 2"},
      {jgf(n("") + "," + node("m", placed("node", 1, "/hetchy/chassis0/hetchy1001"))),
       "named twice"},
      {jgf(n("") + "," + node("c", placed("cluster", 1, "/hetchy")),
           R"({"source":"c","target":"n"})"),
       "no edge from hetchy to hetchy1001"},
  };
  for (auto& c : cases) {
    auto s = read_jgf_selection(g, c.text, {});
    REQUIRE_MESSAGE(!s, c.text);
    CHECK_MESSAGE(render(s.error()).find(c.says) != std::string::npos, render(s.error()));
  }
  CHECK(render(read_jgf_selection(g, jgf(n("")), {0, 0, false}).error()).find("duration")
        != std::string::npos);
}
