// Reads the kernel's clocks; see clock.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/clock.hpp"

#include <ctime>

#include "runtime/error.hpp"

namespace hactor {

namespace {

int64_t read_clock_ns(clockid_t which) {
  timespec now{};
  HACTOR_CHECK(clock_gettime(which, &now) == 0);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

} // namespace

int64_t wall_ns() { return read_clock_ns(CLOCK_REALTIME); }

int64_t steady_ns() { return read_clock_ns(CLOCK_MONOTONIC); }

} // namespace hactor
