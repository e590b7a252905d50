// graph/hwloc_reader: what becomes of a machine, of one with some levels left out, of no machine.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/hwloc_reader.hpp"

#include <algorithm>

#include <doctest/doctest.h>

#include "runtime/hardware.hpp"
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

TEST_CASE("a card that only its driver shows was marked by who looked at the machine") {
  auto text = read_data("graph/host.xml");
  for (std::string device : {"cuda0", "opencl0d0", "cuda1"}) {
    auto at = text.find("<object type=\"OSDev\"", text.rfind('\n', text.find(device)));
    REQUIRE(at != std::string::npos);
    text.erase(at, text.find("/>", at) + 2 - at);
  }
  auto g = read_hwloc(text);
  REQUIRE_MESSAGE(g, render(g.error()));
  CHECK(count(*g, "gpu") == 0);
  for (std::string number : {"0", "1"}) {
    auto card = text.find("0000:0" + std::to_string(std::stoi(number) + 1) + ":00.0");
    text.insert(text.find('>', card) + 1,
                std::string{"<info name=\""} + gpu_mark + "\" value=\"" + number + "\"/>");
  }
  g = read_hwloc(text);
  REQUIRE_MESSAGE(g, render(g.error()));
  CHECK(count(*g, "gpu") == 2);
  CHECK(g->find_path("/cluster0/login042/gpu1") != no_vertex);
}

TEST_CASE("an allowlist leaves levels out") {
  hwloc_options options;
  options.allowlist = {"node", "Core", "gpu"};
  auto g = read_hwloc(read_data("graph/host.xml"), options);
  REQUIRE(g);
  CHECK(g->size() == 1 + 1 + 8 + 2);
  CHECK(g->find_path("/cluster0/login042/core7") != no_vertex);
  options.allowlist = {"cluster", "socket", "l3cache"};
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

TEST_CASE("files of hwloc 1 are read: memory was above the processors then") {
  auto g = read_hwloc(read_data("graph/old_host.xml"));
  REQUIRE_MESSAGE(g, render(g.error()));
  REQUIRE(!g->check());
  CHECK(g->find_path("/cluster0/old12/socket0/L3cache0/core1/pu1") != no_vertex);
  CHECK(g->find_path("/cluster0/old12/socket1/numanode1") != no_vertex);
  CHECK(g->find_path("/cluster0/old12/socket0/gpu0") != no_vertex);
  CHECK(g->units(g->find_path("/cluster0/old12/socket0/L3cache0")) == 20'480);
}

TEST_CASE("memory without processors and processors without memory, as hwloc 1 writes them") {
  auto text = read_data("graph/old_host.xml");
  auto second = text.find("<object type=\"NUMANode\" os_index=\"1\"");
  REQUIRE(second != std::string::npos);
  auto bare = text;
  for (auto at = second; (at = bare.find("nodeset=\"0x00000002\"", at)) != bare.npos;)
    if (bare.compare(at - 9, 9, "complete_") == 0)
      ++at;
    else
      bare.replace(at, 20, "nodeset=\"0x0\"");
  auto g = read_hwloc(bare);
  REQUIRE_MESSAGE(g, render(g.error()));
  CHECK(count(*g, "core") == 4);
  CHECK(count(*g, "numanode") == 1);

  // The machine's third node is the memory of a card: hwloc 1 has a group in it.
  const std::string none = "cpuset=\"0x0\" complete_cpuset=\"0x0\" online_cpuset=\"0x0\" "
                           "allowed_cpuset=\"0x0\" nodeset=\"0x00000004\" "
                           "complete_nodeset=\"0x00000004\" allowed_nodeset=\"0x00000004\"";
  for (auto at = text.find("nodeset=\"0x00000003\""); at != text.npos;
       at = text.find("nodeset=\"0x00000003\""))
    text.replace(at, 20, "nodeset=\"0x00000007\"");
  text.insert(text.rfind("</object>"), "<object type=\"NUMANode\" os_index=\"2\" " + none
                                           + " local_memory=\"16911433728\"><object type=\"Group\" "
                                           + none + " depth=\"1\"/></object>");
  g = read_hwloc(text);
  REQUIRE_MESSAGE(g, render(g.error()));
  REQUIRE(!g->check());
  CHECK(count(*g, "core") == 4);
  CHECK(count(*g, "numanode") == 3);
}

TEST_CASE("two cards that two drivers call 0 are two") {
  auto text = read_data("graph/old_host.xml");
  // On the other socket, by another maker, beside one that the first maker's driver calls 1.
  text.insert(text.rfind("</object>", text.rfind("</object>") - 1),
              "<object type=\"PCIDev\" pci_busid=\"0000:44:00.0\">"
              "<object type=\"OSDev\" name=\"opencl0d0\" osdev_type=\"5\"/>"
              "<object type=\"OSDev\" name=\"opencl1d7\" osdev_type=\"5\"/></object>"
              "<object type=\"PCIDev\" pci_busid=\"0000:45:00.0\">"
              "<object type=\"OSDev\" name=\"cuda1\" osdev_type=\"5\"/></object>");
  hwloc_options options;
  for (std::string kept : {"socket", "core"}) { // below two vertices, below one
    options.allowlist = {"node", kept, "gpu"};
    auto g = read_hwloc(text, options);
    REQUIRE_MESSAGE(g, render(g.error()));
    REQUIRE(!g->check());
    CHECK(count(*g, "gpu") == 3);
    std::string other = kept == "socket" ? "/socket1" : "";
    CHECK(g->find_path("/cluster0/old12" + (other.empty() ? other : "/socket0") + "/gpu0")
          != no_vertex);
    CHECK(g->find_path("/cluster0/old12" + other + "/gpu1") != no_vertex);
    CHECK(g->find_path("/cluster0/old12" + other + "/gpu8") != no_vertex); // 7 is taken
  }
}

TEST_CASE("what would bring down hwloc's library is refused before") {
  auto whole = read_data("graph/host.xml");
  struct change {
    std::string_view from, to, says;
  };
  // Each is made in the last place where it is found.
  const change changes[] = {
      {"complete_cpuset", "Zomplete_cpuset", "must be sets such as"},
      {"nodeset=\"0x00000002\"", "nodeset=\"0xf...f\"", "must be sets such as"},
      {"nodeset=\"0x00000002\"", "nodeset=\"0x00000004\"", "must be in "},
      {"cpuset=\"0x00000080\"", "cpuset=\",0x00000080\"", "must be sets such as"},
      {"cpuset=\"0x00000080\"", "cpuset=\"0x00000080,\"", "must be sets such as"},
      {"cpuset=\"0x00000080\"", "cpuset=\"0x00000040\"", "must be in its complete sets"},
      {"\"PU\" os_index=\"7\"", "\"PU\" os_index=\"6\"", "its set must be its os_index alone"},
      {"\"PU\" os_index=\"7\"", "\"PU\" os_index=\"9999999999\"", "os_index must be below"},
      {"type=\"Core\"", "type=\"Machine\"", "a machine is at the top"},
      {"type=\"Core\"", "type=\"Wheel\"", "this type is unknown"},
      {"type=\"Core\"", "type=\"NUMANode\"", "its set must be its os_index alone"},
      {"type=\"Core\"", "type=\"Misc\"", "it cannot contain a PU"},
      {"type=\"L3Cache\"", "type=\"L2Cache\"", "depth and cache_type"},
      {"osdev_type=\"0\"", "osdev_type=\"77\"", "osdev_type must be"},
      {"type=\"Machine\"", "type=\"Core\"", "topmost object must be a Machine"},
      {"version=\"2.0\"", "version=\"9\"", "version 9 is unknown"},
  };
  for (auto& c : changes) {
    auto text = whole;
    auto at = text.rfind(c.from);
    REQUIRE_MESSAGE(at != std::string::npos, std::string(c.from));
    text.replace(at, c.from.size(), c.to);
    auto g = read_hwloc(text);
    REQUIRE_MESSAGE(!g, std::string(c.to));
    CHECK_MESSAGE(render(g.error()).find(c.says) != std::string::npos, render(g.error()));
  }
}
