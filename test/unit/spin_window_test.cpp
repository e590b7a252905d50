// runtime/spin_window: when to look for work and when to sleep.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/spin_window.hpp"

#include <doctest/doctest.h>

using namespace hactor;

namespace {

constexpr int64_t longest = 100;

/// Looks until work comes after `gap`, or sleeps. Returns whether it slept.
bool wait_for_work(spin_window& w, int64_t gap) {
  for (int64_t idle = 0; w.go_on(idle); idle += 10)
    if (idle >= gap) {
      w.found();
      return false;
    }
  w.gave_up();
  w.woken_after(gap);
  return true;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("who never has work soon never looks for it") {
    spin_window w{longest};
    for (int i = 0; i < 100; ++i) {
      CHECK_FALSE(w.go_on(0));
      w.gave_up();
      w.woken_after(1'000'000);
    }
  }

  TEST_CASE("a sleep that was too short to be worth it makes one look, never beyond the window") {
    spin_window w{longest};
    CHECK(wait_for_work(w, 50));
    CHECK_FALSE(wait_for_work(w, 50));
    CHECK(w.go_on(longest - 1));
    CHECK_FALSE(w.go_on(longest));
  }

  TEST_CASE("answers that come soon keep it looking, although nothing comes between them") {
    spin_window w{longest};
    wait_for_work(w, 50);
    for (int i = 0; i < 100; ++i) {
      CHECK_FALSE(wait_for_work(w, 50));
      CHECK(wait_for_work(w, 10'000));
    }
  }

  TEST_CASE("looking in vain ends after some times, and begins again with a short sleep") {
    spin_window w{longest};
    wait_for_work(w, 50);
    for (int i = 0; i < 8; ++i)
      CHECK(wait_for_work(w, 10'000));
    CHECK_FALSE(w.go_on(0));
    CHECK(wait_for_work(w, 50));
    CHECK(w.go_on(0));
  }

  TEST_CASE("without a window it always sleeps") {
    spin_window w{0};
    w.woken_after(0);
    CHECK_FALSE(w.go_on(0));
  }

} // TEST_SUITE
