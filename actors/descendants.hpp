// Which processes come from this one, read from /proc: what a supervisor must end before it ends.
// Complete only for a child subreaper (prctl(2)), to which orphans return.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <vector>

#include <sys/types.h>

namespace hactor {

/// Returns the parent of a process, -1 if the process is gone. A zombie has one.
pid_t parent_of(pid_t pid);

/// Returns the children of `root` (zombies too), their children and so on, parents first. What is
/// in `skip`, and what comes from it, is left out. One pass over /proc: O(processes of the node).
std::vector<pid_t> descendants_of(pid_t root, const std::vector<pid_t>& skip = {});

} // namespace hactor
