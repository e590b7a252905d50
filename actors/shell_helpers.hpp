// What a shell has beside its tasks: coprocesses of the jobspec and commands of clients, which end
// when the tasks have; captured lines that wait for others; looks at what the tasks use, and at who
// of them has come to MPI. Called by actors/shell.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>

#include "actors/shell.hpp"

namespace hactor {

/// Starts the coprocesses that the jobspec has for this node. What cannot start is told in the
/// job's standard error. Requires: the tasks have been asked for.
void start_coprocesses(shell_state::pointer self, const shell_work& work);

/// Starts a client's command with what the job has on this node.
void start_in_job(shell_state::pointer self, const command_request& r);
void kill_in_job(shell_state::pointer self, const command_kill& k);

/// True for the number of a task that is none of the job's, but a helper of it.
inline bool is_helper(const shell_state& st, uint32_t task) { return task >= st.ranks.size(); }
void on_helper_failed(shell_state::pointer self, const task_failed& f);
void on_helper_exited(shell_state::pointer self, const task_exited& x);
void on_helper_output(shell_state::pointer self, task_output& o);

/// The tasks have ended: so are these to. True when none is left.
bool end_helpers(shell_state::pointer self);
/// Kills those whose time to end by themselves is over; `all`: every one.
void kill_helpers(shell_state::pointer self, bool all);

/// Passes input to the tasks that it is for, as far as input.limit goes, and keeps its beginning;
/// and sizes of a terminal.
void take_input(shell_state::pointer self, input_request& in);

/// Keeps how a task has ended, if somebody may want to know.
void note_end(shell_state& st, const task_exited& x);

/// Tells the memory guard of a task of a job with a limit, or with one of an instance around it.
void tell_guard(shell_state::pointer self, uint32_t task, bool ended);

/// Drains the node for the sake of processes that have not died of all SIGKILLs, then goes on as if
/// they had. No effect when there are none, but their output or files.
void leave_unkillable(shell_state::pointer self);

/// Puts a word of ours into the job's standard error.
void add_note(shell_state::pointer self, uint32_t task, std::string text);

/// Passes captured output on, at once or with what comes within output.batch-timeout.
void pass_output(shell_state::pointer self, output_append&& a);
void pass_held_output(shell_state::pointer self);

/// -O sysmon: looks at what the tasks use until they have ended.
void begin_looking(shell_state::pointer self);
void look_at_tasks(shell_state::pointer self);
/// Tells what all looks came to, once.
void tell_usage(shell_state::pointer self);

/// Tasks that are here and have not come to a meeting, though others have. Task ranks.
std::vector<uint32_t> missing_ranks(const shell_state& st, const mpi_meeting& m);
/// Takes note of the ranks that have come to MPI; with a world's first begins the patience with its
/// others.
void note_meetings(shell_state::pointer self);
/// True when a tick was that of the meeting of an MPI program's ranks.
bool is_meeting_time(shell_state::pointer self);

} // namespace hactor
