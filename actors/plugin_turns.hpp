// The turns of a shell in which the plugins of its job have a part: their process is started before
// the tasks, asked what to change, told what happens, heard, and ended. Called by actors/shell.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>

#include "actors/shell.hpp"

namespace hactor {

/// Starts the process of the job's plugins, which then say with what the tasks are to be started.
/// Requires: these are in the state's `unbegun`.
void begin_plugins(shell_state::pointer self);

/// Does what a call of plugin_core has caused.
void apply(shell_state::pointer self, plugin_core::effects&& effects);

/// Calls a member of the way of the job's plugins, if it has any, and does what it causes.
template <class Member, class... What>
void with_plugins(shell_state::pointer self, Member member, const What&... what) {
  auto& st = self->state;
  if (!st.plugins)
    return;
  plugin_core::effects effects;
  (st.plugins->core.*member)(what..., effects);
  apply(self, std::move(effects));
}

/// Has the plugins prepare what waits for them.
void prepare_tasks(shell_state::pointer self);

/// What waits for its plugins is not started any more.
void leave_unbegun(shell_state::pointer self, const std::string& why, int wait_status);

/// What their process has written to its control socket.
void hear_plugins(shell_state::pointer self, const std::string& bytes);

/// True when a tick was that of a plugin.
bool is_plugin_time(shell_state::pointer self);

/// The process of the plugins has ended, as expected or not.
void end_of_plugins(shell_state::pointer self, const std::string& how, bool well);

} // namespace hactor
