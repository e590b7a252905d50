// The machine that runs the test as a resource graph: runtime/hardware's text, graph/hwloc_reader.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "graph/hwloc_reader.hpp"
#include "runtime/hardware.hpp"

using namespace hactor;

TEST_CASE("the machine at hand can be read") {
  auto text = discover_topology();
  REQUIRE_MESSAGE(text, render(text.error()));
  hwloc_options options;
  options.allowlist = {"node", "core"};
  auto g = read_hwloc(*text, options);
  REQUIRE_MESSAGE(g, render(g.error()));
  CHECK(!g->check());
  auto here = discover_hardware();
  REQUIRE(here);
  CHECK(g->count(g->find_type("core")) == here->cores.size());
  CHECK(g->find_path("/cluster0/" + here->hostname) != no_vertex);
  for (auto* groups : {&here->sockets, &here->numanodes}) {
    idset seen;
    for (auto& cores : *groups) {
      CHECK(here->cores.contains_all(cores));
      CHECK_FALSE(seen.intersects(cores));
      seen.add_all(cores);
    }
  }
}
