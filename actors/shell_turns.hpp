// What the parts of a shell (shell_*.cpp, plugin_turns.cpp) ask of its middle, shell.cpp, in a
// turn.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "actors/shell.hpp"

namespace hactor {

/// Passes what the task host tells of the task on to the shell.
std::shared_ptr<task_sink> hears_of(shell_state::pointer self, uint32_t task);

/// Sends the shell a tick at that time; steady clock.
void tick_at(shell_state::pointer self, int64_t when_ns);

/// Goes on with the job in the state's `unbegun`, whose files are here: its plugins come first, if
/// it has any.
void begin_job(shell_state::pointer self);

/// Starts the tasks, each of which may fail to, once there is room for their descriptors.
/// Requires: they are in the state's `unbegun`.
void begin_with_room(shell_state::pointer self);

/// Tells exec what is new: that all tasks run, or that all have ended. Then the shell may quit.
void advance(shell_state::pointer self);

/// Ends the job: a part of it cannot go on. The rest hears of it by way of exec.
void break_off(shell_state::pointer self, const std::string& why, int wait_status);

/// Output that came through a pipe goes to the spool, or with labels to its file.
void write_output(shell_state::pointer self, task_output& o);

} // namespace hactor
