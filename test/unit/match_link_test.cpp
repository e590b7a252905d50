// graph/match_walk and match_mark: what is found below a vertex that is only linked to it.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "match_bench.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

vertex add(resource_graph& g, vertex above, std::string_view type, int64_t id, int64_t size = 1) {
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

/// cluster0 -> rack0, rack1 -> one box each -> 2 disks of 10, and 2 cores; pool0 leads to the
/// boxes.
resource_graph two_ways() {
  resource_graph g;
  auto root = add(g, no_vertex, "cluster", 0);
  std::vector<vertex> boxes;
  for (int r = 0; r < 2; ++r) {
    auto rack = add(g, root, "rack", r);
    boxes.push_back(add(g, rack, "box", r));
    for (int d = 0; d < 2; ++d)
      add(g, boxes.back(), "disk", d, 10);
    for (int c = 0; c < 2; ++c)
      add(g, rack, "core", c);
  }
  auto pool = add(g, root, "pool", 0);
  for (auto box : boxes)
    REQUIRE(!g.add_link(pool, box));
  return g;
}

const std::string near_disk =
    "[{type: rack, count: 1, with: [{type: slot, count: 1, label: s, with: [{type: core, count: "
    "1}]}, {type: box, count: 1, with: [{type: disk, count: 10, exclusive: true}]}]}]";

const std::string pool_disk =
    "{type: pool, count: 1, with: [{type: box, count: 1, with: [{type: disk, count: 10, exclusive: "
    "true}]}]}";

const std::string far_disk =
    "[{type: rack, count: 1, with: [{type: slot, count: 1, label: s, with: [{type: core, count: "
    "1}]}]}, "
    + pool_disk + "]";

} // namespace

TEST_CASE("disks are found from both sides, and held for both") {
  for (auto policy : {"low", "first"}) {
    match_bench b{two_ways(), policy};
    auto near = compile(b.g, spec_text(near_disk), false);
    auto far = compile(b.g, spec_text(far_disk), false);
    for (auto& r : {near, far, far, far}) {
      CHECK(b.take(r) != "busy");
      CHECK(b.count(b.last.what, "disk") == 1);
      CHECK(b.count(b.last.what, "pool") == (r == far ? 1 : 0));
      CHECK(!b.held.audit());
    }
    CHECK(b.take(far) == "busy");
    CHECK(b.take(near) == "busy");
    b.held.release(1);
    CHECK(b.take(far) != "busy");
  }
}

TEST_CASE("what was found through a link is shown below what it was found in") {
  match_bench b{two_ways(), "low"};
  CHECK(b.take(compile(b.g, spec_text(far_disk), false)) == "rack0/core0 rack0/box0/disk0");
  std::string text;
  for (auto& p : b.last.what.picks)
    text += std::to_string(p.depth) + " " + b.g.name(p.at) + "\n";
  CHECK(text == "2 core0\n1 rack0\n3 disk0\n2 box0\n1 pool0\n0 cluster0\n");
}

TEST_CASE("one match does not find the same disk twice") {
  match_bench b{two_ways(), "low"};
  auto both = near_disk.substr(0, near_disk.size() - 1) + ", " + pool_disk + "]";
  // The first rack that is looked at has box0, so that the pool is left with none of both.
  CHECK(b.take(compile(b.g, spec_text(both), false)) == "busy");
}
