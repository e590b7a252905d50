// When an allocation ends, and how that is found out.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/allocation_end.hpp"

#include <vector>

#include <doctest/doctest.h>

using namespace hactor;

namespace {

/// All times at which is asked, from `now` to `until`, when the answer is always the same.
std::vector<int64_t> looks(allocation_end& end, int64_t until, std::optional<int64_t> answer) {
  std::vector<int64_t> at;
  while (end.next_look_s() != 0 && end.next_look_s() <= until) {
    at.push_back(end.next_look_s());
    (void)end.on_answer(at.back(), answer);
  }
  return at;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("the end of the allocation is asked for now and then, and before it comes") {
    allocation_end end{3000, 0, 1000};
    CHECK(looks(end, 3000, 3000) == std::vector<int64_t>{1000, 1600, 2200, 2800, 2940, 2990, 2998});
    CHECK(end.end_s() == 3000);
    CHECK(allocation_end{}.next_look_s() == 0);
    allocation_end near{1030, 0, 1000};
    near.await(1000);
    CHECK(near.next_look_s() == 1020);
  }

  TEST_CASE("an end that was moved counts from then on, also when it is nearer, or there is none") {
    allocation_end end{3000, 0, 1000};
    CHECK(end.on_answer(1600, 3000) == std::nullopt);
    CHECK(end.on_answer(1600, 5000) == 5000);
    CHECK(end.end_s() == 5000);
    CHECK(end.next_look_s() == 2200);
    CHECK(end.on_answer(2200, 2500) == 2500);
    CHECK(end.next_look_s() == 2440);
    CHECK(end.on_answer(2440, 0) == 0);
    CHECK(end.end_s() == 0);
    CHECK(end.next_look_s() == 3040); // it may get one
    CHECK(end.on_answer(3040, 9000) == 9000);
    CHECK(end.on_answer(3040, 100) == std::nullopt); // what has passed is not believed
  }

  TEST_CASE("who lives a minute longer than the allocation was to has no end any more") {
    for (std::optional<int64_t> answer : {std::optional<int64_t>{}, std::optional<int64_t>{2000}}) {
      allocation_end end{2000, 0, 1900};
      CHECK(end.on_answer(1998, answer) == std::nullopt);
      CHECK(end.next_look_s() == 2060);
      CHECK(end.on_answer(2059, answer) == std::nullopt);
      CHECK(end.on_answer(2060, answer) == 0);
      CHECK(end.on_answer(2660, answer) == std::nullopt);
    }
  }

  TEST_CASE("what is left, told in minutes, is the same end from each answer to the next") {
    allocation_end end{3000, 120, 1000};
    CHECK(end.on_answer(1600, 2900) == std::nullopt);
    CHECK(end.on_answer(1600, 3120) == std::nullopt);
    CHECK(end.on_answer(1600, 3121) == 3121);
    CHECK(end.on_answer(1600, 0) == 0);
  }
}
