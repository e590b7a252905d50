// tools: a resource graph drawn and counted for a person; the options by which it is asked.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/graph_picture.hpp"

#include <fstream>

#include <doctest/doctest.h>

#include "small_cluster.hpp"
#include "temp_dir.hpp"
#include "tools/query_options.hpp"

using namespace hactor;
using namespace hactor::tools;
using hactor::test::make_cluster;

namespace {

resource_graph example() {
  auto g = make_cluster({{"rack", 2}, {"node", 2}, {"memory", 1, 8, "GB"}, {"core", 4}});
  g.set_status(g.find_path("/cluster0/rack1/node2"), vertex_status::down);
  g.set_property(g.find_path("/cluster0/rack1/node3"), "fast", "");
  return g;
}

caf::error set(query_settings& s, char letter, const std::string& value) {
  for (auto& option : query_option_specs())
    if (option.letter == letter)
      return set_query_option(s, option, value);
  FAIL("no such option");
  return {};
}

} // namespace

TEST_CASE("neighbours that look alike are one line of the picture") {
  CHECK(graph_picture(example(), 100)
        == "cluster0\n"
           "|- rack0\n"
           "|  `- node[0-1] x 2\n"
           "|     `- memory0: 8 GB\n"
           "|        `- core[0-3] x 4\n"
           "`- rack1\n"
           "   |- node2 down\n"
           "   |  `- memory0: 8 GB\n"
           "   |     `- core[0-3] x 4\n"
           "   `- node3 fast\n"
           "      `- memory0: 8 GB\n"
           "         `- core[0-3] x 4\n");
}

TEST_CASE("a picture has no more lines than are wanted and says what it leaves out") {
  auto text = graph_picture(example(), 4);
  CHECK(std::count(text.begin(), text.end(), '\n') == 5);
  CHECK(text.ends_with("... 2 branches left out; --lines=COUNT shows more\n"));
  auto large = make_cluster({{"rack", 100}, {"node", 100}, {"core", 4}});
  CHECK(graph_picture(large, 40)
        == "cluster0\n`- rack[0-99] x 100\n   `- node[0-99] x 100\n      `- core[0-3] x 4\n");
}

TEST_CASE("counts are by type, with units and what is down") {
  auto g = example();
  CHECK(graph_summary(g) == "27 vertices, 26 edges in containment");
  CHECK(graph_counts(g)
        == "type             vertices        units\n"
           "cluster                 1            1\n"
           "rack                    2            2\n"
           "node                    4            4, 1 down\n"
           "memory                  4           32 GB\n"
           "core                   16           16\n");
}

TEST_CASE("all paths are printed, parents first") {
  std::string text;
  print_paths(make_cluster({{"node", 2}, {"core", 2}}), [&](std::string_view t) { text += t; });
  CHECK(text
        == "/cluster0\n/cluster0/node0\n/cluster0/node0/core0\n/cluster0/node0/core1\n"
           "/cluster0/node1\n/cluster0/node1/core0\n/cluster0/node1/core1\n");
}

TEST_CASE("an empty graph has no picture and no paths") {
  resource_graph g;
  CHECK(graph_summary(g) == "0 vertices, 0 edges in containment");
  CHECK(graph_picture(g, 10) == "");
  print_paths(g, [](std::string_view) { FAIL("nothing to print"); });
}

TEST_CASE("options of a query are taken over; lists grow, the first filter replaces the default") {
  query_settings s;
  CHECK(s.prune_filters == "ALL:core,ALL:node");
  REQUIRE(!set(s, 'p', "ALL:core"));
  REQUIRE(!set(s, 'p', "rack:node"));
  REQUIRE(!set(s, 'p', " "));
  CHECK(s.prune_filters == "ALL:core,rack:node");
  REQUIRE(!set(s, 'W', "node,core"));
  REQUIRE(!set(s, 'W', "gpu"));
  CHECK(s.allowlist == "node,core,gpu");
  REQUIRE(!set(s, 'P', "lonode"));
  REQUIRE(!set(s, 'S', "c+pa"));
  REQUIRE(!set(s, 'F', "pretty"));
  REQUIRE(!set(s, 'r', "2000"));
  REQUIRE(!set(s, 'e', ""));
  REQUIRE(!set(s, 'd', ""));
  CHECK(s.policy == "lonode");
  CHECK(s.subsystems == "c+pa");
  CHECK(s.elapse_time);
  CHECK(!s.prompt);
}

TEST_CASE("what is wrong with an option's value is said before anything is loaded") {
  query_settings s;
  auto refused = [&](char letter, const std::string& value) {
    auto e = set(s, letter, value);
    CHECK(code_of(e) == ec::bad_argument);
    return render(e);
  };
  hactor::test::temp_dir dir;
  CHECK(refused('L', "/no/such/file") == "--load-file: file does not exist: /no/such/file");
  CHECK(refused('L', dir.path()).starts_with("--load-file: is a directory"));
  CHECK(refused('f', "grugg").find("did you mean grug") != std::string::npos);
  CHECK(refused('F', "rv2").find("rv1") != std::string::npos);
  CHECK(refused('g', "png").find("dot, graphml") != std::string::npos);
  CHECK(refused('T', "wild").find("simple") != std::string::npos);
  CHECK(refused('r', "2000001") == "--reserve-vtx-vec: out of range: 2000001");
  CHECK(refused('r', "-1") == "--reserve-vtx-vec: out of range: -1");
}
