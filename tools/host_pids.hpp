// Where the tasks of a running job are, as processes: for 'hactor job hostpids' and for debuggers.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "tools/client.hpp"

namespace hactor::tools {

/// The process of a task.
struct task_process {
  uint64_t task; ///< Its rank.
  std::string host;
  pid_t pid;
  std::string program; ///< Path of what it runs, on its host.
};

/// Asks the nodes of the job for the tasks that run there; by rank. Errors: the broker's (no such
/// job; it does not run).
caf::expected<std::vector<task_process>> find_processes(client& broker, const std::string& id);

} // namespace hactor::tools
