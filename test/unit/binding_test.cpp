// Which CPUs and GPUs the tasks of a job get on one node.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "actors/binding.hpp"

using namespace hactor;

namespace {

idset ids(const char* text) { return *idset::parse(text); }

affinity how(const char* text) { return *parse_affinity(text); }

/// Four cores of two CPUs each, numbered as the kernel likes to: the second ones after all first.
machine_cpus machine() { return {"n1", {ids("0,4"), ids("1,5"), ids("2,6"), ids("3,7")}, false}; }

std::string cpus_of(const caf::expected<node_binding>& b) {
  if (!b)
    return context_of(b.error());
  std::string text;
  for (auto& t : b->tasks)
    text += (text.empty() ? "" : " | ") + t.cpus.to_string();
  return b->unbound != nullptr ? std::string{"not bound: "} + b->unbound : text;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("cores become the CPUs that the system numbers") {
    auto m = machine();
    node_share share{0, ids("1-2"), {}};
    CHECK(cpus_of(bind_tasks({}, {}, share, "n1", &m, 2)) == "1-2,5-6 | 1-2,5-6");
    CHECK(cpus_of(bind_tasks(how("per-task"), {}, share, "n1", &m, 2)) == "1,5 | 2,6");
    CHECK(cpus_of(bind_tasks(how("map:5;2"), {}, share, "n1", &m, 2)) == "5 | 2");
    CHECK(cpus_of(bind_tasks(how("off"), {}, share, "n1", &m, 2)) == "not bound: off");
    CHECK(cpus_of(bind_tasks(how("dry-run"), {}, share, "n1", &m, 2)) == "not bound: dry-run");
  }

  TEST_CASE("what is not bound gets what its instance may use, when that is bound") {
    auto m = machine();
    node_share share{0, ids("1-2"), {}};
    auto free = *bind_tasks(how("off"), {}, share, "n1", &m, 2);
    confine(free, {});
    CHECK(cpus_of(free) == "not bound: off");
    confine(free, ids("1,5"));
    CHECK(cpus_of(free) == "1,5 | 1,5");
    auto bound = *bind_tasks(how("per-task"), {}, share, "n1", &m, 2);
    confine(bound, ids("1,5"));
    CHECK(cpus_of(bound) == "1,5 | 2,6");
    CHECK(binds(how("per-task"), m));
    CHECK_FALSE(binds(how("off"), m));
    CHECK_FALSE(binds(how("dry-run"), m));
    m.shared = true;
    CHECK_FALSE(binds({}, m));
    CHECK(binds(how("on"), m));
  }

  TEST_CASE("nothing is bound to what is pretended, or by itself to what ranks share") {
    auto m = machine();
    node_share share{0, ids("1"), {}};
    CHECK(cpus_of(bind_tasks(how("on"), {}, share, "n1", nullptr, 1)).starts_with("not bound"));
    CHECK(cpus_of(bind_tasks(how("on"), {}, share, "n2", &m, 1)).starts_with("not bound"));
    CHECK(cpus_of(bind_tasks({}, {}, share, "", &m, 1)) == "1,5");
    m.shared = true;
    CHECK(cpus_of(bind_tasks({}, {}, share, "n1", &m, 1)).starts_with("not bound: other ranks"));
    CHECK(cpus_of(bind_tasks(how("verbose"), {}, share, "n1", &m, 1)).starts_with("not bound"));
    CHECK(cpus_of(bind_tasks(how("per-task"), {}, share, "n1", &m, 1)) == "1,5");
  }

  TEST_CASE("what was asked for and cannot be bound is refused, naming option and host") {
    auto m = machine();
    node_share share{0, ids("1"), ids("0")};
    CHECK(cpus_of(bind_tasks(how("map:0"), {}, share, "n1", &m, 1))
          == "cpu-affinity on n1: the map gives task 0 of the node CPUs 0; the job has 1,5 there");
    CHECK(cpus_of(bind_tasks({}, how("map:1"), share, "n1", &m, 1))
          == "gpu-affinity on n1: the map gives task 0 of the node GPUs 1; the job has 0 there");
    CHECK(cpus_of(bind_tasks({}, {}, {0, ids("9"), {}}, "n1", &m, 1))
          == "cpu-affinity on n1: core 9 was granted, but there are 4 here");
    CHECK(cpus_of(bind_tasks(how("on"), {}, {0, {}, ids("0")}, "n1", &m, 1))
              .starts_with("cpu-affinity on n1: the job has no cores here"));
    CHECK(cpus_of(bind_tasks({}, {}, {0, {}, ids("0")}, "n1", &m, 1)).starts_with("not bound"));
  }

  TEST_CASE("GPUs are seen by all tasks, or each by its own") {
    auto m = machine();
    node_share share{0, ids("0-3"), ids("2,5-6")};
    auto all = bind_tasks({}, {}, share, "n1", &m, 3);
    REQUIRE(all);
    CHECK(all->tasks[2].gpus == ids("2,5-6"));
    auto own = bind_tasks({}, how("per-task"), share, "n1", &m, 3);
    REQUIRE(own);
    CHECK(own->tasks[0].gpus == ids("2"));
    CHECK(own->tasks[2].gpus == ids("6"));
    CHECK(describe_binding(9, "n1", *own, own->tasks[1])
          == "hactor: task 9 on n1: CPUs 0-7, GPUs 5\n");
    auto off = bind_tasks(how("off"), how("off"), share, "n1", &m, 1);
    REQUIRE(off);
    CHECK(describe_binding(0, "n1", *off, off->tasks[0])
          == "hactor: task 0 on n1: not bound (off), no GPUs\n");
  }

  TEST_CASE("each task sees the GPUs near its cores: as R says, else as the machine is") {
    auto m = machine();
    node_share share{0, ids("0-3"), ids("0-1")};
    auto gpus_of = [&](std::string_view host, const machine_cpus* here,
                       std::span<const near_group> near) {
      auto b = bind_tasks(how("per-task"), how("per-task"), share, host, here, 2, near);
      REQUIRE(b);
      return b->tasks[0].gpus.to_string() + " " + b->tasks[1].gpus.to_string();
    };
    const std::vector<near_group> crossed{{ids("0-1"), ids("1")}, {ids("2-3"), ids("0")}};
    CHECK(gpus_of("n1", &m, {}) == "0 1");
    CHECK(gpus_of("n1", &m, crossed) == "1 0");
    CHECK(gpus_of("n2", nullptr, crossed) == "1 0");
    m.near = crossed;
    CHECK(gpus_of("n1", &m, {}) == "1 0");
    CHECK(gpus_of("n2", &m, {}) == "0 1"); // another host than ours is
    const std::vector<near_group> straight{{ids("0-1"), ids("0")}, {ids("2-3"), ids("1")}};
    CHECK(gpus_of("n1", &m, straight) == "0 1");
    // CPUs go with cores that do not stand together.
    const std::vector<near_group> odd{{ids("0,2"), ids("1")}, {ids("1,3"), ids("0")}};
    auto b = bind_tasks(how("per-task"), how("per-task"), share, "n1", &m, 2, odd);
    CHECK(cpus_of(b) == "0,2,4,6 | 1,3,5,7");
    CHECK(b->tasks[0].gpus == ids("1"));
  }

  TEST_CASE("CUDA and oneAPI get the GPUs' numbers; HIP counts what ROCm leaves it") {
    std::string v;
    append_visible_gpus(v, ids("1,4-5"));
    CHECK(v
          == std::string{"CUDA_VISIBLE_DEVICES=1,4,5\0CUDA_DEVICE_ORDER=PCI_BUS_ID\0"
                         "ROCR_VISIBLE_DEVICES=1,4,5\0HIP_VISIBLE_DEVICES=0,1,2\0"
                         "ZE_AFFINITY_MASK=1,4,5\0",
                         132});
    v.clear();
    append_visible_gpus(v, {});
    CHECK(v.find("CUDA_VISIBLE_DEVICES=-1") == 0);
    CHECK(v.find("ZE_AFFINITY_MASK=65535") != v.npos);
    for (auto name : {"CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES",
                      "ZE_AFFINITY_MASK", "CUDA_DEVICE_ORDER"})
      CHECK(is_gpu_variable(name));
    CHECK_FALSE(is_gpu_variable("CUDA_PATH"));
  }
}
