// graph/rset_extra: what R says besides cores and GPUs.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/rset_extra.hpp"

#include <doctest/doctest.h>

using namespace hactor;

TEST_SUITE("unit") {

  TEST_CASE("what an R cannot say in cores and GPUs is read back as it was written") {
    rset_extra x;
    CHECK(to_json(x).empty());
    x.slots = {{idset::range(0, 3), "", 2}, {idset::single(7), "a", 1}};
    x.others = {{"/cluster0/ssd1", -1, 500}, {"/cluster0/n3", 3, 1}};
    x.charges = {{"power", "/center/pdu0", 1'200}, {"containment", "/cluster0/n3/disk0", 4, 3}};
    x.near = {{idset::range(0, 3), {idset::range(0, 7), idset::range(2, 3)}},
              {idset::range(0, 3), {idset::single(8), {}}},
              {idset::single(4), {idset::single(0), idset::single(1)}}};
    CHECK(x.near_on(2).size() == 2);
    CHECK(x.near_on(2)[0].gpus == idset::range(2, 3));
    CHECK(x.near_on(5).empty());
    auto text = to_json(x);
    CHECK(text.find("\"writer\":\"hactor\"") != std::string::npos);
    auto back = parse_rset_extra(text);
    REQUIRE(back);
    CHECK(*back == x);
    x.graph = R"({"edges":[],"nodes":[{"id":"7"}]})";
    back = parse_rset_extra(to_json(x));
    REQUIRE(back);
    CHECK(*back == x);
    rset_extra only;
    only.graph = x.graph;
    CHECK(*parse_rset_extra(to_json(only)) == only);
  }

  TEST_CASE("a graph is cut down to the ranks that are left") {
    constexpr auto graph = R"({"nodes":[{"id":"0","metadata":{"type":"cluster"}},
      {"id":"1","metadata":{"rank":0}},{"id":"2","metadata":{"rank":1}},{"id":"x"}],
      "edges":[{"source":"0","target":"1"},{"source":"0","target":"2"},
               {"source":"0","target":"x"}]})";
    CHECK(keep_graph_ranks(graph, idset::single(1))
          == R"({"edges":[{"source":"0","target":"2"},{"source":"0","target":"x"}],"nodes":[)"
             R"({"id":"0","metadata":{"type":"cluster"}},{"id":"2","metadata":{"rank":1}},)"
             R"({"id":"x"}]})");
    for (auto none : {"", "{", "[]", "{}", R"({"nodes":[],"edges":{}})"})
      CHECK(keep_graph_ranks(none, idset::single(1)).empty());
  }

  TEST_CASE("what another scheduler wrote, or nobody, says nothing") {
    for (auto text : {"", R"({"graph":{}})", R"({"writer":"fluxion","slots":7})", "[1]"}) {
      auto x = parse_rset_extra(text);
      REQUIRE(x);
      CHECK(x->empty());
    }
  }

  TEST_CASE("rows that are none are refused with their key") {
    for (auto [text, key] :
         {std::pair{R"({"writer":"hactor","slots":7})", "scheduling.slots"},
          std::pair{R"({"writer":"hactor","slots":[["0-3"]]})", "scheduling.slots[0]"},
          std::pair{R"({"writer":"hactor","slots":[["0-3",1],["x",1]]})", "scheduling.slots[1]"},
          std::pair{R"({"writer":"hactor","slots":[["0",5000000000]]})", "scheduling.slots[0]"},
          std::pair{R"({"writer":"hactor","graph":[]})", "scheduling.graph: "},
          std::pair{R"({"writer":"hactor","near":{"0":1}})", "scheduling.near[0]"},
          std::pair{R"({"writer":"hactor","near":[["0","1"]]})", "scheduling.near[0]"},
          std::pair{R"({"writer":"hactor","near":[["0","1",2]]})", "scheduling.near[0]"},
          std::pair{R"({"writer":"hactor","near":[["0","1","x"]]})", "scheduling.near[0]"},
          std::pair{R"({"writer":"hactor","others":[[1,2]]})", "scheduling.others[0]"},
          std::pair{R"({"writer":"hactor","others":[["/a","x",2]]})", "scheduling.others[0]"},
          std::pair{R"({"writer":"hactor","charges":[["a","b",-1]]})", "scheduling.charges[0]"},
          std::pair{R"({"writer":"hactor","charges":[["a","b","x",1]]})",
                    "scheduling.charges[0]"}}) {
      auto x = parse_rset_extra(text);
      REQUIRE_FALSE(x);
      CHECK(code_of(x.error()) == ec::bad_rset);
      CHECK(render(x.error()).starts_with(key));
    }
    CHECK_FALSE(parse_rset_extra("{"));
  }

} // TEST_SUITE
