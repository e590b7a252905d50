// runtime/memory: when threads give back what their allocator holds.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/memory.hpp"

#include <cstdint>
#include <cstdio>
#include <deque>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <unistd.h>

using namespace hactor;

namespace {

[[maybe_unused]] int64_t resident_kb() {
  int64_t all = 0, resident = 0; // pages
  std::ifstream{"/proc/self/statm"} >> all >> resident;
  return resident * (::sysconf(_SC_PAGESIZE) / 1024);
}

} // namespace

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

  TEST_CASE("what was allocated and freed around what stays goes back to the node") {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    std::printf("skipped: memory goes back (sanitizers have an allocator of their own)\n");
#else
    burst_watch jobs;
    jobs.update(100'000);
    std::vector<std::string> stay;
    int64_t before_kb = 0, full_kb = 0, after_kb = 0;
    std::thread worker{[&] {
      before_kb = resident_kb();
      std::deque<std::string> gone;
      for (int i = 0; i < 100'000; ++i) // 100 MB, of which a block stays in each MB
        (i % 1000 == 0 ? stay.emplace_back() : gone.emplace_back()).assign(1000, 'x');
      full_kb = resident_kb();
      gone.clear();
      jobs.update(0);
      on_idle_thread();
      after_kb = resident_kb();
      stay.emplace_back(1000, 'y'); // it goes on
    }};
    worker.join();
    CHECK(full_kb - before_kb > 90'000);
    CHECK(after_kb - before_kb < 30'000);
    CHECK(stay.size() == 101);
    CHECK(stay.front() == std::string(1000, 'x'));
    stay.clear(); // in another thread than that which had it
#endif
  }

} // TEST_SUITE
