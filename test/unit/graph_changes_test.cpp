// actors/graph_changes: what people changed in a resource graph is kept, and made again.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "actors/graph_changes.hpp"
#include "requests.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

graph_request made(graph_verb verb, std::string path, std::string text = {}) {
  return {verb, std::move(path), std::move(text), {}};
}

/// A JGF with a vertex below the root.
std::string licences(int id) {
  return dump(
      json{{"graph",
            {{"nodes",
              json::array(
                  {{{"id", "1"},
                    {"metadata",
                     {{"type", "license"},
                      {"id", id},
                      {"paths", {{"containment", "/cluster0/license" + std::to_string(id)}}}}}}})},
             {"edges", json::array()}}}});
}

size_t count(const graph_changes& changes) { return parse_json(changes.to_json())->size(); }

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("the last word counts, and looks are no changes") {
    graph_changes c;
    c.add(made(graph_verb::show, "/a"), {});
    c.add(made(graph_verb::get_property, "/a", "k"), {});
    CHECK(c.empty());
    c.add(made(graph_verb::set_status, "/a", "down"), {});
    c.add(made(graph_verb::set_status, "/b", "down"), {});
    c.add(made(graph_verb::set_status, "/a", "up"), {});
    c.add(made(graph_verb::set_property, "/a", "k=1"), {});
    c.add(made(graph_verb::set_property, "/a", "other"), {});
    c.add(made(graph_verb::remove_property, "/a", "k"), {});
    CHECK(count(c) == 4);
    CHECK(graph_changes::from_json(c.to_json()).to_json() == c.to_json());
  }

  TEST_CASE("what was attached and is detached leaves nothing behind") {
    graph_changes c;
    for (int i = 0; i < 100; ++i) {
      c.add(made(graph_verb::attach, "", licences(0)), {"/cluster0/license0"});
      c.add(made(graph_verb::set_status, "/cluster0/license0", "down"), {});
      c.add(made(graph_verb::detach, "/cluster0/license0"), {});
    }
    CHECK(c.empty());
    // What came with the start and is gone has to go again.
    c.add(made(graph_verb::detach, "/cluster0/node0"), {});
    CHECK(count(c) == 1);
  }

  TEST_CASE("what may be needed by something attached later is kept") {
    graph_changes c;
    c.add(made(graph_verb::attach, "", "a"), {"/cluster0/rack7"});
    c.add(made(graph_verb::attach, "", "b"), {"/power0"});
    c.add(made(graph_verb::detach, "/cluster0/rack7"), {});
    CHECK(count(c) == 3);
    graph_changes d;
    d.add(made(graph_verb::attach, "", "a"), {"/cluster0/rack7"});
    d.add(made(graph_verb::attach, "", "b"), {"/cluster0/rack7/ssd0"});
    d.add(made(graph_verb::detach, "/cluster0/rack7"), {});
    CHECK(d.empty());
  }

  TEST_CASE("changes are made again, and those that cannot be are told of and forgotten") {
    graph_changes c;
    c.add(made(graph_verb::attach, "", licences(0)), {"/cluster0/license0"});
    c.add(made(graph_verb::attach, "", licences(1)), {"/cluster0/license1"});
    c.add(made(graph_verb::detach, "/cluster0/license0"), {});
    c.add(made(graph_verb::set_status, "/cluster0/node7", "down"), {});
    c.add(made(graph_verb::detach, "/cluster0/h1"), {});
    auto all = machine(2, 2);
    all.nodelist = {"h0", "h1"};
    std::vector<std::string> notes;
    auto after = make_changes(c, {nullptr, all}, {}, notes);
    REQUIRE(after);
    REQUIRE(notes.size() == 1);
    CHECK(notes[0].starts_with("set-status /cluster0/node7: cannot be done again"));
    CHECK(after->all.ranks().to_string() == "0");
    CHECK(after->graph->find_path("/cluster0/license1") != no_vertex);
    CHECK(after->graph->find_path("/cluster0/license0") == no_vertex);
    auto kept = count(c);
    CHECK(kept == 4);
    auto again = make_changes(c, {nullptr, all}, {}, notes);
    REQUIRE(again);
    CHECK(notes.empty());
  }

  TEST_CASE("what cannot be read is left out") {
    for (auto text : {"", "x", "{}", "[1]", R"([{"verb":"attach"}])",
                      R"([{"verb":"show","path":"","text":""}])",
                      R"([{"verb":"paint","path":"/a","text":""}])"})
      CHECK(graph_changes::from_json(text).empty());
  }

} // TEST_SUITE
