// Giving memory back to the node. hactor leaves the memory, too, to its users: what a burst of jobs
// needed must not stay resident once they have ended.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstddef>

namespace hactor {

/// Watches how much there is to do, and gives back what the allocator holds once a burst is over.
class burst_watch {
public:
  /// `count` things are in memory now. When most of a large burst have gone, returns the free
  /// memory of the process to the kernel: some milliseconds, once a burst.
  void update(size_t count);

private:
  size_t peak_ = 0;
};

} // namespace hactor
