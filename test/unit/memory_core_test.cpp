// actors/memory_core: who ends when memory is short, limits within limits.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <string>
#include <utility>
#include <vector>

#include "actors/exec_core.hpp"
#include "actors/memory_core.hpp"

#include <doctest/doctest.h>

using namespace hactor;

namespace {

constexpr int64_t mb = 1 << 20;

memory_use use(std::string path, std::vector<int64_t> limits_mb, int64_t used_mb) {
  for (auto& limit : limits_mb)
    limit *= mb;
  return {std::move(path), std::move(limits_mb), used_mb * mb};
}

/// "B by A: 300 of 200; ..." in the order in which they end.
std::string ended(const std::vector<memory_use>& jobs) {
  std::string text;
  for (auto& e : find_excess(jobs))
    text += (text.empty() ? "" : "; ") + jobs[e.job].path + " by " + e.whose + ": "
            + std::to_string(e.used / mb) + " of " + std::to_string(e.limit / mb);
  return text;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("a job alone ends when its tasks use more than it may") {
    CHECK(ended({}).empty());
    CHECK(ended({use("A", {100}, 100), use("B", {0}, 900)}).empty());
    CHECK(ended({use("A", {100}, 101), use("B", {100}, 99)}) == "A by A: 101 of 100");
  }

  TEST_CASE("in an instance the job within that uses most ends, and no more than must") {
    CHECK(ended({use("A", {200}, 5), use("A/B", {200, 0}, 150), use("A/C", {200, 0}, 45)}).empty());
    CHECK(ended({use("A", {200}, 5), use("A/B", {200, 0}, 150), use("A/C", {200, 0}, 60)})
          == "A/B by A: 215 of 200");
    CHECK(ended({use("A/B", {200, 0}, 150), use("A/C", {200, 0}, 180), use("A/D", {200, 0}, 170)})
          == "A/C by A: 500 of 200; A/D by A: 500 of 200");
    // Of equals the one that came last.
    CHECK(ended({use("A/B", {200, 0}, 150), use("A/C", {200, 0}, 150)}) == "A/C by A: 300 of 200");
  }

  TEST_CASE("the instance as a whole ends only when its script alone uses too much") {
    CHECK(ended({use("A", {200}, 190), use("A/B", {200, 0}, 20)}) == "A/B by A: 210 of 200");
    CHECK(ended({use("A", {200}, 201), use("A/B", {200, 0}, 900)}) == "A by A: 201 of 200");
  }

  TEST_CASE("limits of all instances around a job bind it, the innermost first") {
    auto inner = use("A/B/C", {300, 200, 100}, 150);
    CHECK(ended({use("A", {300}, 10), use("A/B", {300, 200}, 10), inner})
          == "A/B/C by A/B/C: 150 of 100");
    inner.limits = {300 * mb, 100 * mb, 0};
    CHECK(ended({use("A/B", {300, 100}, 10), inner}) == "A/B/C by A/B: 160 of 100");
    inner.limits = {100 * mb, 0, 0};
    CHECK(ended({use("A", {100}, 10), use("A/B", {100, 0}, 10), inner})
          == "A/B/C by A: 170 of 100");
    // What ends by an inner limit is no reason to end another by an outer one.
    inner.limits = {200 * mb, 100 * mb, 0};
    CHECK(ended({use("A/B", {200, 100}, 10), inner, use("A/D", {200, 0}, 100)})
          == "A/B/C by A/B: 160 of 100");
  }

  TEST_CASE("who ends takes with it what is in its instance") {
    CHECK(ended({use("A/B", {300, 0}, 200), use("A/B/C", {300, 0, 0}, 150),
                 use("A/D", {300, 0}, 140)})
          == "A/B by A: 490 of 300");
    CHECK(ended({use("A/B", {300, 0}, 200), use("A/BB", {300, 0}, 150)}) == "A/B by A: 350 of 300");
  }

  TEST_CASE("a limit ends nobody beside it") {
    CHECK(ended({use("A/B", {100, 0}, 90), use("C/B", {500, 0}, 400), use("D", {0}, 900)}).empty());
  }

  TEST_CASE("what is said names the figures and whose limit it was") {
    auto alone = use("A", {100}, 300);
    CHECK(excess_text(alone, find_excess({alone}).front())
          == "the tasks on this node used 300 MB of memory, and may use 100 MB");
    std::vector<memory_use> two{use("A/B", {200, 0}, 150), use("A/C", {200, 0}, 160)};
    CHECK(excess_text(two[1], find_excess(two).front())
          == "the tasks on this node used 160 MB of memory, of 310 MB that all jobs in instance A "
             "used there; these may use 200 MB together");
  }

  TEST_CASE("the limits of a job are those around it and its own, or none") {
    job_origin outermost{"", nullptr, {}};
    CHECK(add_memory_limit(outermost, 0).empty());
    CHECK(add_memory_limit(outermost, 7) == std::vector<int64_t>{7});
    job_origin nested{"A/B", nullptr, {}};
    CHECK(add_memory_limit(nested, 0).empty());
    CHECK(add_memory_limit(nested, 7) == std::vector<int64_t>{0, 0, 7});
    nested.memory = {5, 0};
    CHECK(add_memory_limit(nested, 0) == std::vector<int64_t>{5, 0, 0});
  }
}
