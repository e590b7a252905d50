// runtime/clock: the two clocks.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/clock.hpp"

#include <doctest/doctest.h>

using namespace hactor;

TEST_SUITE("unit") {

  TEST_CASE("the wall clock counts from 1970 and the steady clock never steps back") {
    CHECK(wall_ns() > int64_t{1'700'000'000} * 1'000'000'000);
    auto last = steady_ns();
    for (int i = 0; i < 1000; ++i) {
      auto now = steady_ns();
      REQUIRE(now >= last);
      last = now;
    }
  }

} // TEST_SUITE
