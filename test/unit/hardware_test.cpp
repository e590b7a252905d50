// runtime/hardware: what hwloc says of the machine that runs the test.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/hardware.hpp"

#include <cstdlib>

#include <doctest/doctest.h>

using namespace hactor;

TEST_SUITE("unit") {

  TEST_CASE("a machine has a name, cores from 0, and leaves us some of them") {
    auto h = discover_hardware();
    REQUIRE(h);
    CHECK_FALSE(h->hostname.empty());
    REQUIRE_FALSE(h->cores.empty());
    CHECK(h->cores == idset::range(0, static_cast<uint32_t>(h->cores.size()) - 1));
    CHECK_FALSE(h->bound_cores.empty());
    CHECK(h->cores.contains_all(h->bound_cores));
    REQUIRE(h->core_cpus.size() == h->cores.size());
    idset cpus;
    for (auto& of_core : h->core_cpus) {
      CHECK_FALSE(of_core.empty());
      CHECK_FALSE(cpus.intersects(of_core)); // a CPU is of one core
      cpus.add_all(of_core);
    }
    if (!h->gpus.empty())
      CHECK(h->gpus == idset::range(0, static_cast<uint32_t>(h->gpus.size()) - 1));
  }

  TEST_CASE("GPUs are numbered along the bus, and near the cores of the socket that they hang at") {
    ::setenv("HWLOC_XMLFILE", HACTOR_TEST_DATA "/graph/crossed_host.xml", 1);
    auto h = discover_hardware();
    ::unsetenv("HWLOC_XMLFILE");
    REQUIRE(h);
    CHECK(h->cores == idset::range(0, 7));
    REQUIRE(h->gpus == idset::range(0, 3));
    REQUIRE(h->gpu_cores.size() == 4);
    CHECK(h->gpu_cores[0] == idset::range(4, 7));
    CHECK(h->gpu_cores[1] == idset::range(4, 7));
    CHECK(h->gpu_cores[2] == idset::range(0, 3));
    CHECK(h->gpu_cores[3] == idset::range(0, 3));
  }

  TEST_CASE("a GPU that hwloc has no plugin for is seen by its class and its driver") {
    CHECK(is_gpu(0x0302, "nvidia")); // a 3D controller
    CHECK(is_gpu(0x0300, "nvidia")); // one that has a screen, too
    CHECK(is_gpu(0x1200, "amdgpu"));
    CHECK(is_gpu(0x0380, "xe"));
    CHECK_FALSE(is_gpu(0x0300, "i915"));     // beside the cores
    CHECK_FALSE(is_gpu(0x0300, "ast"));      // the board's management
    CHECK_FALSE(is_gpu(0x0302, ""));         // nobody serves it
    CHECK_FALSE(is_gpu(0x0302, "vfio-pci")); // it was given to a guest
    CHECK_FALSE(is_gpu(0x0403, "nvidia"));   // the sound of a card
  }

} // TEST_SUITE
