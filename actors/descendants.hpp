// Which processes come from this one, read from /proc: what a supervisor must end before it ends.
// Complete only for a child subreaper (prctl(2)), to which orphans return.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include <sys/types.h>

namespace hactor {

/// A process and nobody else that gets its number later.
struct process_mark {
  pid_t pid = 0;
  uint64_t start_ticks = 0; // since boot

  friend bool operator==(const process_mark&, const process_mark&) = default;
};

/// Returns the parent of a process, -1 if the process is gone. A zombie has one.
pid_t parent_of(pid_t pid);

/// Returns the mark of a process; of one that is gone it is that of none.
process_mark mark_of(pid_t pid);

/// Returns the children of `root` (zombies too), their children and so on, parents first. What is
/// in `skip`, and what comes from it, is left out. One pass over /proc: O(processes of the node).
std::vector<pid_t> descendants_of(pid_t root, const std::vector<process_mark>& skip = {});

/// The same, marked: for later calls to skip them.
std::vector<process_mark> marked_descendants_of(pid_t root);

} // namespace hactor
