// actors: what an exec remembers of what comes too early or twice.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/exec_keeping.hpp"

#include <doctest/doctest.h>

using namespace hactor;

TEST_SUITE("unit") {

  TEST_CASE("requests that come before their job are there for it, in their order") {
    early_requests early;
    for (uint32_t i = 0; i < 4; ++i)
      early.keep({job_id{i % 2}, i, 0, 0, i});
    auto taken = early.take(job_id{1});
    REQUIRE(taken.size() == 2);
    CHECK(taken[0].task == 1);
    CHECK(taken[1].task == 3);
    CHECK(early.take(job_id{1}).empty());
    CHECK(early.take(job_id{0}).size() == 2);
  }

  TEST_CASE("of requests for jobs that never come the first are forgotten") {
    early_requests early;
    early.keep({job_id{1}, 0, 0, 0, 0});
    for (size_t i = 0; i < early_requests::kept_max; ++i)
      early.keep({job_id{2}, 0, 0, 0, i});
    CHECK(early.take(job_id{1}).empty());
    CHECK(early.take(job_id{2}).size() == early_requests::kept_max);
    // What was taken is not forgotten in the place of what comes after it.
    early.keep({job_id{2}, 7, 0, 0, 0});
    for (size_t i = 1; i < early_requests::kept_max; ++i)
      early.keep({job_id{3}, 0, 0, 0, i});
    auto taken = early.take(job_id{2});
    REQUIRE(taken.size() == 1);
    CHECK(taken[0].task == 7);
    CHECK(early.take(job_id{3}).size() == early_requests::kept_max - 1);
  }

  TEST_CASE("a command that comes twice is known") {
    seen_commands<int> seen;
    CHECK(seen.add(1));
    CHECK_FALSE(seen.add(1));
    for (int i = 0; i < static_cast<int>(seen_commands<int>::kept_max); ++i)
      CHECK(seen.add(10 + i));
    CHECK(seen.add(1));
    CHECK_FALSE(seen.add(20));
  }

} // TEST_SUITE
