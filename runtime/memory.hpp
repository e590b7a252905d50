// Giving memory back to the node. hactor leaves the memory, too, to its users: what a burst of jobs
// needed must not stay resident once they have ended.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstddef>

namespace hactor {

/// Watches how much there is to do, and gives back what the allocator holds once a burst is over.
class burst_watch {
public:
  /// `count` things are in memory now. When most of a large burst have gone, has the free memory of
  /// the process returned to the kernel: some milliseconds in each thread, once a burst.
  void update(size_t count);

private:
  size_t peak_ = 0;
};

/// A thread of actors has nothing to do. What its allocator holds for it nobody else can return:
/// after a burst this does. O(1) at all other times.
void on_idle_thread();

} // namespace hactor
