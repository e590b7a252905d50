// Being attached to a job: its output to ours, our input and signals to it, until its end.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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

/// Writes all bytes to a descriptor, waiting while it is full. False when nobody reads any more.
bool write_all(int fd, std::string_view bytes);

/// Puts "TASK: " before each line of many streams whose chunks may end inside a line. The rest of
/// a line waits here for its end, since another task's line must not come between.
class line_labels {
public:
  /// Returns the whole lines with labels; no bytes are the end of the stream, which ends its line.
  std::string add(uint32_t task, uint8_t stream, std::string_view bytes);

  /// The lines that have begun, by task and stream; they are forgotten here.
  std::map<std::pair<uint32_t, uint8_t>, std::string> take_open() {
    return std::exchange(open_, {});
  }

private:
  static constexpr size_t line_bytes_max = 64 << 10; // a longer one is passed on in pieces
  std::map<std::pair<uint32_t, uint8_t>, std::string> open_;
};

/// Writes the lines that have begun, with their labels, where they belong: nothing comes after
/// them. False, with errno, when that failed.
bool write_open_lines(line_labels& labels);

} // namespace hactor::tools
