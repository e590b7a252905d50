// See memory.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/memory.hpp"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <utility>

// Of mimalloc, with which a program is linked or not (cmake/dependencies.cmake).
extern "C" [[gnu::weak]] void mi_collect(bool force) noexcept;

namespace hactor {

namespace {

/// Bursts below this leave so little behind (10 MB) that it is not worth the time.
constexpr size_t burst_size_min = 10'000;

/// A burst is over when this part of its peak is left.
constexpr size_t burst_over = 16;

std::atomic<uint64_t> bursts{0};         // that are over
thread_local uint64_t bursts_given_back; // of them, by this thread

/// Mimalloc knows what this thread has allocated, whoever has freed it; the C library knows all.
void give_back() {
  if (mi_collect != nullptr) {
    mi_collect(true);
    return;
  }
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

} // namespace

void burst_watch::update(size_t count) {
  peak_ = std::max(peak_, count);
  if (peak_ < burst_size_min || count > peak_ / burst_over)
    return;
  peak_ = count;
  bursts.fetch_add(1, std::memory_order_relaxed);
  on_idle_thread(); // this one is busy, and has most
}

void on_idle_thread() {
  auto now = bursts.load(std::memory_order_relaxed);
  if (std::exchange(bursts_given_back, now) != now)
    give_back();
}

} // namespace hactor
