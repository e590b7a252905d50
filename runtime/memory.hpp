// Giving memory back to the node. hactor leaves the memory, too, to its users: what a burst of jobs
// needed must not stay resident once they have ended.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace hactor {

/// Watches how much there is to do, and gives back what the allocator holds once a burst is over.
class burst_watch {
public:
  /// `count` things are in memory now. When most of a large burst have gone, has the free memory of
  /// the process returned to the kernel: some milliseconds in each thread, twice a burst.
  void update(size_t count);

private:
  size_t peak_ = 0;
};

/// Threads that sleep while they have nothing to do: after a burst they are woken once, since what
/// the allocator holds for a thread nobody else can return.
class sleepers {
public:
  /// `wake` is called from any thread, until the destructor ends.
  explicit sleepers(std::function<void()> wake);
  sleepers(const sleepers&) = delete;
  sleepers& operator=(const sleepers&) = delete;
  ~sleepers();

private:
  uint64_t id_;
};

/// This thread has nothing to do. After a burst its memory is given back, and once more when the
/// last of the burst have gone too. Returns after how many ns it wants to be called again if the
/// thread still has nothing to do; -1: after the next burst only. O(1) at all other times.
int64_t on_idle_thread();

} // namespace hactor
