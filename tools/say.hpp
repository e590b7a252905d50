// Words to the person: errors as "hactor-VERB: message" on standard error, results on standard
// output.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "tools/command.hpp"

namespace hactor::tools {

inline constexpr int exit_ok = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;

/// Writes to standard output. Nothing reaches it before the buffer is full or the program ends.
void print(std::string_view text);
inline void print_line(std::string text) { print(text += '\n'); }

/// Sends the buffered output on its way: for what is followed live.
void flush_output();

/// Remembers for finish_output that a write to standard output other than print's has failed.
void note_output_failure(int errno_value);

/// Ends the program when a write to standard output has failed: as in a pipeline of the shell when
/// nobody reads any more, else with a complaint. For what would go on printing without an end.
void end_if_unheard(const char* program);

/// Flushes, and returns the exit code: `code`, or 1 instead of 0 when what was printed could not be
/// written (a full disk), which is complained of. That nobody reads is no failure.
int finish_output(const char* program, int code);

/// Writes "PROGRAM: TEXT" to standard error.
void complain(const invocation& call, std::string_view text);

/// Complains of an error and returns the exit code for it: exit_usage for what was typed (or stands
/// in directives and in lines of --dag) and has no meaning, exit_failed for what has, and cannot be
/// done: there is no such file, user, job, queue or instance, or an instance refuses. `fail` is for
/// what an instance was asked, where only a misspelt id is of the first kind; `fail_usage` for what
/// options and operands say, where files and names are of the second.
int fail(const invocation& call, const caf::error& e);
int fail_usage(const invocation& call, const caf::error& e);

} // namespace hactor::tools
