// What parallel debuggers (TotalView, DDT, STAT) read of the process that stays with a job: the
// variables and the function of the MPIR Process Acquisition Interface 1.0. A debugger finds them
// by name in this program, sets MPIR_being_debugged before it lets it run, waits in
// MPIR_Breakpoint, reads the table, and attaches to the tasks.
// Called by run and attach. One thread.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include "tools/host_pids.hpp"

namespace hactor::tools {

/// True when a debugger has said that it runs this process.
bool is_debugged();

/// Fills the table, by task rank, in the place of what it held, and calls MPIR_Breakpoint. Returns
/// when the debugger lets this process go on.
void show_processes(std::vector<task_process> tasks);

/// Says that the job cannot go on, and calls MPIR_Breakpoint.
void show_abort(std::string reason);

} // namespace hactor::tools
