// The turns of a shell in which files are staged in (-O stage-in), before its plugins and its tasks
// have their part. hactor archive extract does it, a process of its own: files may be large, and a
// broker's threads are not to wait for disks. No task of the job starts before all its nodes have
// their files. Called by actors/shell.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>

#include "actors/shell.hpp"

namespace hactor {

/// The process that stages files in among the tasks of a shell.
inline constexpr uint32_t staging_task = plugins_task - 1;

/// Stages files in, then goes on with the start. Requires: it is in the state's `unbegun`, and its
/// plan asks for it.
void begin_staging(shell_state::pointer self);

/// What the process has said.
void hear_staging(shell_state::pointer self, const task_output& o);

/// The process has ended, or could not be started.
void end_of_staging(shell_state::pointer self, const std::string& how, bool well);

/// All nodes of the job have their files. False: this shell did not wait for that.
bool end_of_staging_elsewhere(shell_state::pointer self);

/// What waits for its files is not started any more; advance() is to follow, now or when the
/// process has ended.
void leave_unstaged(shell_state::pointer self, const std::string& why, int wait_status);

/// True when a tick was that of the time for the files to be there (exec.stage_in_timeout).
bool is_staging_time(shell_state::pointer self);

/// Kills the process, if there is one.
void kill_staging(shell_state::pointer self);

} // namespace hactor
