// graph/hwloc_reader: what becomes of a machine, of one with some levels left out, of no machine.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/hwloc_reader.hpp"

#include <algorithm>

#include <doctest/doctest.h>

#include "test/support/data_file.hpp"

using namespace hactor;

namespace {

uint64_t count(const resource_graph& g, std::string_view type) {
  return g.count(g.find_type(type));
}

} // namespace

TEST_CASE("a machine is a cluster of one node with all its parts") {
  hwloc_options options;
  options.rank = 3;
  auto g = read_hwloc(read_data("graph/host.xml"), options);
  REQUIRE_MESSAGE(g, render(g.error()));
  REQUIRE(!g->check());
  CHECK(g->path(0) == "/cluster0");
  CHECK(g->rank(0) == -1);
  auto node = g->find_path("/cluster0/login042");
  REQUIRE(node != no_vertex);
  CHECK(g->id(node) == 42);
  CHECK(g->basename(node) == "login");
  CHECK(g->rank(node) == 3);
  CHECK(count(*g, "socket") == 2);
  CHECK(count(*g, "numanode") == 2);
  CHECK(count(*g, "core") == 8);
  CHECK(count(*g, "pu") == 8);
  auto cache = g->find_path("/cluster0/login042/socket1/L3cache2");
  REQUIRE(cache != no_vertex);
  CHECK(g->type_name(cache) == "cache");
  CHECK(g->units(cache) == 8192);
  CHECK(g->find_path("/cluster0/login042/socket1/L3cache3/core7/pu7") != no_vertex);
  CHECK(g->find_path("/cluster0/login042/socket0/numanode0") != no_vertex);
}

TEST_CASE("one card that two drivers show is one gpu; a disk has its size in GB") {
  auto g = read_hwloc(read_data("graph/host.xml"));
  REQUIRE(g);
  CHECK(count(*g, "gpu") == 2);
  CHECK(g->find_path("/cluster0/login042/gpu1") != no_vertex);
  REQUIRE(count(*g, "storage") == 1);
  for (auto v : g->below(1))
    if (g->type_name(v) == "storage") {
      CHECK(g->units(v) == 800);
      CHECK(g->properties(v) == vertex_properties{{"LinuxDeviceID", "259:0"}});
    }
}

TEST_CASE("an allowlist leaves levels out") {
  hwloc_options options;
  options.allowlist = {"node", "Core", "gpu"};
  auto g = read_hwloc(read_data("graph/host.xml"), options);
  REQUIRE(g);
  CHECK(g->size() == 1 + 1 + 8 + 2);
  CHECK(g->find_path("/cluster0/login042/core7") != no_vertex);
  options.allowlist = {"socket", "l3cache"};
  g = read_hwloc(read_data("graph/host.xml"), options);
  REQUIRE(g);
  CHECK(g->find_path("/cluster0/socket1/L3cache3") != no_vertex);
}

TEST_CASE("what is no machine is refused") {
  auto whole = read_data("graph/host.xml");
  for (auto text : {std::string{}, std::string{"<topology/>"}, std::string{"<a></b>"},
                    std::string{"{}"}, whole.substr(0, whole.size() / 2)}) {
    auto g = read_hwloc(text);
    REQUIRE(!g);
    CHECK(render(g.error()).starts_with("hwloc: "));
  }
  hwloc_options options;
  options.allowlist = {"node", "wheel"};
  CHECK(render(read_hwloc(whole, options).error()).find("\"wheel\" is unknown")
        != std::string::npos);
  options.allowlist.clear();
  options.vertices_max = 5;
  CHECK(code_of(read_hwloc(whole, options).error()) == ec::too_big);
  auto size = whole.find("name=\"Size\"");
  REQUIRE(size != std::string::npos);
  auto without = whole;
  without.replace(size, 11, "name=\"Sise\"");
  CHECK(render(read_hwloc(without).error()).find("storage nvme0n1: its Size") != std::string::npos);
  options.allowlist = {"node"};
  options.vertices_max = 100;
  CHECK(read_hwloc(without, options));
}
