// runtime/memory: when threads give back what their allocator holds.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/memory.hpp"

#include <thread>

#include <doctest/doctest.h>

using namespace hactor;

TEST_SUITE("unit") {

  TEST_CASE("the end of a burst wakes who sleeps, and each thread gives back twice") {
    int woken = 0;
    sleepers own{[&] { ++woken; }};
    burst_watch jobs;
    jobs.update(9'000);
    jobs.update(0);
    CHECK(woken == 0); // so few are not worth it
    int64_t before = 0, after = 0, later = 0;
    jobs.update(100'000);
    std::thread other{[&] {
      before = on_idle_thread();
      jobs.update(50'000);
      CHECK(woken == 0); // it goes on
      jobs.update(100);
      CHECK(woken == 1);
      after = on_idle_thread();
    }};
    other.join();
    CHECK(before == -1);
    CHECK(after > 0); // this thread gave back in update(), and comes again
    std::thread sleeper{[&] {
      after = on_idle_thread();
      std::this_thread::sleep_for(std::chrono::nanoseconds{after});
      later = on_idle_thread();
    }};
    sleeper.join();
    CHECK(after > 0);
    CHECK(later == -1);
    jobs.update(50);
    CHECK(woken == 1);
  }

  TEST_CASE("who has gone is not woken") {
    int woken = 0;
    {
      sleepers own{[&] { ++woken; }};
    }
    burst_watch jobs;
    jobs.update(100'000);
    jobs.update(0);
    CHECK(woken == 0);
  }

} // TEST_SUITE
