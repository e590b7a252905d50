// How much memory a job's tasks use on this node, by /proc: limits of users' own processes can be
// kept without being root. Called by actors/shell.cpp for jobs with a limit.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include <sys/types.h>

namespace hactor {

/// Bytes of memory of their own that these processes and all that descend from them have in RAM:
/// files and memory that they share are left out, so that it is not counted for each. Whoever has
/// left his parents (a daemon) is not found. Costs some 30 us a process; what forked processes
/// share until one of them writes to it is counted for each, so it is never too little. `exact`:
/// that is divided among them, which costs a look at all that each has mapped.
int64_t memory_of(std::vector<pid_t> roots, bool exact);

/// Microseconds of CPU time that these processes and all that descend from them have used, and of
/// those that they have waited for.
int64_t cpu_us_of(std::vector<pid_t> roots);

} // namespace hactor
