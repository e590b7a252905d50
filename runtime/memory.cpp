// See memory.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/memory.hpp"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <utility>

#include <unistd.h>

#include "runtime/clock.hpp"

// Of mimalloc, with which a program is linked or not (cmake/dependencies.cmake).
extern "C" {
[[gnu::weak]] void mi_collect(bool force) noexcept;
[[gnu::weak]] int mi_version() noexcept;
[[gnu::weak]] void mi_option_set(int option, long value);
[[gnu::weak]] void mi_thread_done() noexcept;
}

namespace hactor {

namespace {

/// Bursts below this leave so little behind (10 MB) that it is not worth the time.
constexpr size_t burst_size_min = 10'000;

/// A burst is over when this part of its peak is left.
constexpr size_t burst_over = 16;

/// After this time what was left at the end of a burst has mostly gone as well. Until then a few of
/// its jobs hold many pages, and what other threads free comes back to its owner only when asked.
constexpr int64_t settle_ns = 500'000'000;

std::atomic<uint64_t> bursts{0};         // that are over
thread_local uint64_t bursts_given_back; // of them, by this thread
thread_local int64_t settled_at_ns;      // when it is to be done again; 0: it has been

struct sleeper_list {
  std::mutex mutex;
  uint64_t last = 0;
  std::map<uint64_t, std::function<void()>> wakes;
};

sleeper_list& all_sleepers() {
  static sleeper_list list;
  return list;
}

/// What 2.0.x has collected stays resident until its whole segment of 32 MiB is free, or its thread
/// has left the segment to the others: up to 100 MB after a million jobs. Later ones return it to
/// the kernel when they collect.
bool keeps_what_it_collects() {
  static const bool keeps = mi_version != nullptr && mi_thread_done != nullptr
                            && mi_option_set != nullptr && mi_version() >= 206
                            && mi_version() < 210;
  return keeps;
}

/// Leaves what this thread has allocated to all threads, which take it over as they need it; its
/// free memory goes to the kernel. The first thread cannot, and has little.
void leave_segments() {
  if (::getpid() == ::gettid())
    return;
  constexpr int abandoned_page_decommit = 12; // its number in these versions
  mi_option_set(abandoned_page_decommit, 1);
  mi_thread_done(); // the next allocation begins a new heap
}

/// Mimalloc knows what this thread has allocated, whoever has freed it; the C library knows all.
void give_back() {
  if (mi_collect != nullptr) {
    mi_collect(true);
    if (keeps_what_it_collects())
      leave_segments();
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
  auto& all = all_sleepers();
  std::lock_guard guard{all.mutex};
  for (auto& [id, wake] : all.wakes)
    wake();
}

sleepers::sleepers(std::function<void()> wake) {
  auto& all = all_sleepers();
  std::lock_guard guard{all.mutex};
  id_ = ++all.last;
  all.wakes.emplace(id_, std::move(wake));
}

sleepers::~sleepers() {
  auto& all = all_sleepers();
  std::lock_guard guard{all.mutex};
  all.wakes.erase(id_);
}

int64_t on_idle_thread() {
  auto now = bursts.load(std::memory_order_relaxed);
  if (std::exchange(bursts_given_back, now) != now) {
    give_back();
    settled_at_ns = steady_ns() + settle_ns;
    return settle_ns;
  }
  if (settled_at_ns == 0)
    return -1;
  if (auto left = settled_at_ns - steady_ns(); left > 0)
    return left;
  settled_at_ns = 0;
  give_back();
  return -1;
}

} // namespace hactor
