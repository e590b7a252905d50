// graph/match_choice: slots side by side as Fluxion's flexible traverser takes them, and xor_slots.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <fmt/format.h>

#include "match_bench.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

caf::expected<match_request> try_flexible(const resource_graph& g, const std::string& resources) {
  // Tasks need a slot, which an xor_slot is not.
  auto and_one = resources.substr(0, resources.size() - 1)
                 + ", {type: slot, count: 1, label: t, with: [{type: core, count: 1}]}]";
  auto spec = parse_jobspec(spec_text(and_one, "", "t"));
  REQUIRE_MESSAGE(spec, render(spec.error()));
  spec->resources.pop_back();
  return compile_flexible(*spec, g, false);
}

std::shared_ptr<const match_request> flexible(const resource_graph& g,
                                              const std::string& resources) {
  auto r = try_flexible(g, resources);
  REQUIRE_MESSAGE(r, render(r.error()));
  return std::make_shared<const match_request>(std::move(*r));
}

/// Slots, each with a label and a list of what it is made of: {"core: 4, gpu: 1", ...}.
std::string slots(const std::string& type, std::initializer_list<std::string_view> made_of,
                  int count = 1, int first = 0) {
  std::string text;
  for (auto all : made_of) {
    std::string with;
    while (!all.empty()) {
      auto end = std::min(all.find(", "), all.size());
      auto one = all.substr(0, end);
      auto colon = one.find(':');
      with += fmt::format("{}{{type: {}, count: {}}}", with.empty() ? "" : ", ",
                          one.substr(0, colon), one.substr(colon + 2));
      all.remove_prefix(std::min(end + 2, all.size()));
    }
    text += fmt::format("{}{{type: {}, count: {}, label: s{}, with: [{}]}}",
                        text.empty() ? "" : ", ", type, count, first++, with);
  }
  return "[" + text + "]";
}

vertex add(resource_graph& g, vertex above, std::string_view type, int64_t id = 0,
           int64_t size = 1) {
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

/// cluster0 -> node0, node1 -> 8 cores, 2 gpus each.
resource_graph machine() {
  resource_graph g;
  auto root = add(g, no_vertex, "cluster");
  for (int n = 0; n < 2; ++n) {
    auto node = add(g, root, "node", n);
    for (int i = 0; i < 10; ++i)
      add(g, node, i < 8 ? "core" : "gpu", i < 8 ? i : i - 8);
  }
  return g;
}

matcher_options as_fluxion() {
  matcher_options o;
  o.ties_as_fluxion = true;
  return o;
}

/// How many vertices of the two types the last match was given.
std::pair<size_t, size_t> given(const match_bench& b) {
  return {b.count(b.last.what, "core"), b.count(b.last.what, "gpu")};
}

using amounts = std::pair<size_t, size_t>;

} // namespace

TEST_CASE("of slots side by side as many as possible are made, of whatever is there") {
  for (auto policy : {"low", "first"}) {
    match_bench b{machine(), policy, "ALL:core", as_fluxion()};
    auto r = flexible(b.g, "[{type: node, count: 1, with: "
                               + slots("slot", {"core: 3, gpu: 1", "core: 4"}) + "}]");
    // On each node: 3 + 1 twice leaves nothing for 4; with one of 4 first there is one of 3.
    for (auto wanted : {amounts{3, 1}, {3, 1}, {3, 1}, {3, 1}}) {
      CHECK(b.take(r) != "busy");
      CHECK(given(b) == wanted);
    }
    CHECK(b.take(r) == "busy"); // 2 cores are left on each
    CHECK(!b.held.audit());
  }
}

TEST_CASE("kinds of slots are mixed in one request") {
  match_bench b{machine(), "low", "ALL:core", as_fluxion()};
  auto r = flexible(b.g, "[{type: node, count: 1, with: "
                             + slots("slot", {"core: 1, gpu: 2", "core: 5"}, 2) + "}]");
  CHECK(b.take(r) != "busy");
  CHECK(given(b) == amounts{6, 2});
  CHECK(b.take(flexible(b.g, slots("slot", {"core: 9", "core: 7, gpu: 1"})))
        == "node1/core0 node1/core1 node1/core2 node1/core3 node1/core4 node1/core5 node1/core6 "
           "node1/gpu0");
  CHECK(b.take(flexible(b.g, slots("slot", {"core: 9", "gpu: 2"}, 2))) == "busy");
}

TEST_CASE("a single slot is made as often as it is asked for") {
  match_bench b{machine(), "low", "ALL:core", as_fluxion()};
  CHECK(
      b.take(flexible(b.g, "[{type: node, count: 1, with: " + slots("slot", {"core: 2"}, 3) + "}]"))
      == "node0/core0 node0/core1 node0/core2 node0/core3 node0/core4 node0/core5");
}

TEST_CASE("of xor_slots one kind is taken, the first that is found") {
  match_bench b{machine(), "low", "ALL:core", as_fluxion()};
  auto r = flexible(b.g, "[{type: node, count: 1, with: "
                             + slots("xor_slot", {"core: 2, gpu: 1", "core: 4"}) + "}]");
  for (auto wanted : {amounts{2, 1}, {2, 1}, {2, 1}, {2, 1}, {4, 0}, {4, 0}}) {
    CHECK(b.take(r, match_op::allocate_or_reserve) != "busy");
    CHECK(given(b) == wanted);
    CHECK(b.last.what.at == 0);
  }
  b.take(r, match_op::allocate_or_reserve); // the same order at every time that is tried
  CHECK(given(b) == amounts{2, 1});
  CHECK(b.last.what.at == 100);
  CHECK(b.take(r) == "busy");
}

TEST_CASE("what is in a flexible slot does not come with all below it") {
  match_bench b{make_cluster({{"node", 1}, {"socket", 2}, {"core", 4}}), "low", "ALL:core",
                as_fluxion()};
  auto r = flexible(b.g, "[{type: slot, count: 1, label: s0, with: [{type: socket, count: 1, with: "
                         "[{type: core, count: 1}]}]}]");
  CHECK(b.take(r) == "node0/socket0/core0");
  CHECK(b.take(r) == "node0/socket1/core4");
  CHECK(b.take(r) == "busy");
}

TEST_CASE("xor_slots at many levels are refused beyond a thousand ways") {
  auto g = machine();
  auto two = [](int first, const std::string& type) {
    auto pair = slots("xor_slot", {"core: 1", "gpu: 1"}, 1, first);
    return "{type: " + type + ", count: 1, with: " + pair + "}";
  };
  std::string all;
  for (int i = 0; i < 10; ++i)
    all += (i == 0 ? "" : ", ") + two(2 * i + 1, "node" + std::to_string(i));
  auto refused = try_flexible(g, "[" + all + "]");
  REQUIRE(!refused);
  CHECK(refused.error() == ec::bad_jobspec);
  CHECK(render(refused.error()).find("1000 ways") != std::string::npos);
}

TEST_CASE("a choice among very many parts ends") {
  resource_graph g;
  auto root = add(g, no_vertex, "cluster");
  for (auto type : {"memory", "disk", "tape"})
    add(g, root, type, 0, 1'000'000);
  match_bench b{std::move(g), "low", "ALL:core", as_fluxion()};
  auto r = flexible(b.g, slots("slot", {"memory: 1", "disk: 1, tape: 1", "tape: 2"}));
  CHECK(b.take(r) != "busy");
}
