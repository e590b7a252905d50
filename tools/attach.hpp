// Being attached to a job: its output to ours, our input and signals to it, until its end.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/line_labels.hpp"
#include "tools/client.hpp"
#include "tools/command.hpp"

namespace hactor::tools {

struct attach_settings {
  bool forward_input = false;
  bool forward_signals = true;
  bool label = false;
  bool owns_job = false; ///< The job was made by this process: a reader that went away ends it.
  bool debug = false;    ///< Debuggers are shown its processes when they have started (mpir.hpp).
  bool terminal = false; ///< The first task has a terminal: ours is its keyboard and screen.
  size_t verbose = 0;
  bool show_events = false;          ///< The job's eventlog goes to standard error.
  bool show_exec = false;            ///< That of its execution too.
  bool show_status = false;          ///< What it waits for is told without a terminal, too.
  std::string wait_event;            ///< Leaves after this one; "": at the job's end.
  std::vector<uint32_t> input_tasks; ///< Whose input ours is; none: of all that take any.
  std::optional<uint64_t> tail;      ///< So many lines of what was written before.
};

/// Blocks the signals that attach reads from a descriptor, so that none is lost between the submit
/// and the attach. To be called before the job exists.
void hold_attach_signals();

/// Stays attached to a job until it has ended and all its output was written, or the person
/// detaches. Returns the exit code for the process. Requires: hold_attach_signals was called if
/// signals are forwarded.
int attach(const invocation& call, client& broker, const std::string& id,
           const attach_settings& settings);

/// What an item of job.attach says of output that is missing; "" of all other frames.
std::string warning_of(const frame& f);

/// Writes all bytes to a descriptor, waiting while it is full. False when nobody reads any more.
bool write_all(int fd, std::string_view bytes);

/// Writes the lines that have begun, with their labels, where they belong: nothing comes after
/// them. False, with errno, when that failed.
bool write_open_lines(line_labels& labels);

} // namespace hactor::tools
