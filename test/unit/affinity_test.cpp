// Options cpu-affinity and gpu-affinity: what they may say, and how ids are dealt to tasks.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "graph/affinity.hpp"
#include "graph/nearness.hpp"
#include "graph/request.hpp"

using namespace hactor;

namespace {

idset ids(const char* text) { return *idset::parse(text); }

/// The parts of all tasks, "0-1 | 2-3".
std::string dealt(const char* how, const char* all, uint32_t count) {
  auto a = parse_affinity(how);
  REQUIRE(a);
  std::string text;
  for (uint32_t i = 0; i < count; ++i) {
    auto part = a->kind == affinity_kind::per_task
                    ? caf::expected<idset>{deal_near(ids(all), {}, {}, count)[i].cores}
                    : task_share(*a, ids(all), i, "CPUs");
    if (!part)
      return context_of(part.error());
    text += (i == 0 ? "" : " | ") + part->to_string();
  }
  return text;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("each task gets its part: all, an even run, or what the map says") {
    struct {
      const char* how;
      const char* all;
      uint32_t tasks;
      const char* parts;
    } rows[] = {
        {"on", "2-5", 2, "2-5 | 2-5"},
        {"per-task", "0-3", 2, "0-1 | 2-3"},
        {"per-task", "0-6", 3, "0-1 | 2-3 | 4-6"},
        {"per-task", "1,4,9", 3, "1 | 4 | 9"},
        {"per-task", "0-1", 4, "0 | 0 | 1 | 1"},
        {"per-task", "3", 2, "3 | 3"},
        {"map:0;1-2", "0-3", 2, "0 | 1-2"},
        {"map:0;3", "0-3", 3, "0 | 3 | 0"},
        {"map:0xa;0x1", "0-3", 2, "1,3 | 0"},
        {"map:4", "0-3", 1, "the map gives task 0 of the node CPUs 4; the job has 0-3 there"},
        {"map:0", "", 1, "the map gives task 0 of the node CPUs 0; the job has none there"},
    };
    for (auto& r : rows) {
      CAPTURE(r.how);
      CHECK(dealt(r.how, r.all, r.tasks) == r.parts);
    }
  }

  TEST_CASE("parts cover all ids, are disjoint where there are enough, and never empty") {
    for (uint32_t n = 1; n < 40; ++n)
      for (uint32_t count = 1; count < 50; ++count) {
        auto all = idset::range(7, 6 + n);
        idset sum;
        uint64_t sizes = 0;
        for (uint32_t i = 0; i < count; ++i) {
          auto part = task_part(all, i, count);
          REQUIRE_FALSE(part.empty());
          sum.add_all(part);
          sizes += part.size();
        }
        if (count >= n)
          CHECK(sizes == count);
        else
          CHECK(sizes == n);
        CHECK(sum == all);
      }
    CHECK(task_part({}, 0, 1).empty());
  }

  TEST_CASE("words before the kind are flags; alone they leave it to the default") {
    auto a = parse_affinity("verbose,per-task");
    REQUIRE(a);
    CHECK(a->kind == affinity_kind::per_task);
    CHECK(a->verbose);
    CHECK(a->asked);
    a = parse_affinity("verbose,map:0,1;2");
    REQUIRE(a);
    CHECK(a->map.size() == 2);
    CHECK(a->map[0] == ids("0-1"));
    a = parse_affinity("dry-run");
    REQUIRE(a);
    CHECK(a->dry_run);
    CHECK_FALSE(a->asked);
    CHECK(parse_affinity("off")->kind == affinity_kind::off);
    CHECK(parse_affinity("on")->asked);
    CHECK_FALSE(affinity{}.asked);
  }

  TEST_CASE("what is no binding is refused, never an empty one") {
    for (auto text : {"", "yes", "map:", "map:;", "map:0;", "map:a", "map:0x", "map:0x0", "map:0xg",
                      "map:3-1", "map:70000", "per-task,verbose", "ON", "verbose,"}) {
      CAPTURE(text);
      auto a = parse_affinity(text);
      if (std::string_view{text} == "verbose,") {
        CHECK(a); // as without the comma
        continue;
      }
      REQUIRE_FALSE(a);
      CHECK(code_of(a.error()) == ec::bad_argument);
    }
  }

  TEST_CASE("a jobspec with a bad affinity is refused by its path") {
    auto compile = [](const char* value) {
      auto spec = parse_jobspec(std::string{R"({"version":1,"resources":[{"type":"slot","count":1,
        "label":"t","with":[{"type":"core","count":1}]}],"tasks":[{"command":["x"],"slot":"t",
        "count":{"per_slot":1}}],"attributes":{"system":{"duration":0,"shell":{"options":{
        "gpu-affinity":)"} + value
                                + "}}}}}");
      REQUIRE(spec);
      return compile_request(*spec);
    };
    auto good = compile(R"("per-task")");
    REQUIRE(good);
    CHECK(good->gpus.kind == affinity_kind::per_task);
    CHECK(good->cpus.kind == affinity_kind::off);
    for (auto value : {R"("near")", "1", "null", "[]"}) {
      auto refused = compile(value);
      REQUIRE_FALSE(refused);
      CHECK(code_of(refused.error()) == ec::bad_jobspec);
      CHECK(context_of(refused.error())
                .starts_with("attributes.system.shell.options.gpu-affinity: "));
    }
  }
}
