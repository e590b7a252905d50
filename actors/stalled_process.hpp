// Processes that do not run on though nobody waits for them: those that the kernel does not let go
// (a file server or a device that does not answer) and those that somebody has stopped. Read from
// /proc, for who asks why a job does not end. Called by shells.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

namespace hactor {

struct stalled_process {
  pid_t pid = 0;
  std::string name; // as ps shows it
  std::string how;  // "is stopped by a signal (SIGCONT has it go on)"
};

/// `root` and what it has started, one below the other, as far as they are stalled: at most `max`.
/// What has gone meanwhile is left out. Costs a few reads of /proc for each process below.
std::vector<stalled_process> stalled_below(pid_t root, size_t max);

} // namespace hactor
