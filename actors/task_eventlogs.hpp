// What a job's tasks do, as eventlogs: guest.exec.eventlog (their start and end), guest.output and
// guest.input (RFC 24: what they write and read). None of it is kept in this form: it is made, when
// somebody asks, of a job's events and of what its brokers have of its output. Plain values.
// Callers: job_documents, the client protocol.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "actors/messages.hpp"
#include "actors/templates.hpp"

namespace hactor {

/// The execution of a job so far, as lines (RFC 18): init, starting, shell.init, shell.start,
/// shell.task-exit (of the first task to end), complete, done, exception. What a job that runs has
/// is the beginning of what it will have. Times are those of what the lines tell; the first task's
/// end is known within a moment (exec_core). Of attempts before the last no task-exit is known.
std::string exec_eventlog(const job_reply& job);

/// Streams of a job in its spool beside 1 (output) and 2 (error): what was sent to its tasks, of
/// which UINT32_MAX is all, and a sentence about that.
inline constexpr uint8_t input_stream = 0;
inline constexpr uint8_t input_note_stream = 3;
inline bool is_output(uint8_t stream) { return stream == 1 || stream == 2; }

/// Writes guest.output or guest.input of one job, piece by piece.
class stream_eventlog {
public:
  stream_eventlog(const job_reply& job, bool input);

  /// The header, and where streams lead that are files.
  std::string begin() const;

  /// What is in the spool of one stream, if it is of this log: a task has written, or was sent
  /// something. Bytes that are no UTF-8 are in base64.
  std::string data(int64_t now_ns, uint32_t task, uint8_t stream, std::string_view bytes) const;

  /// The ends of all streams that do not lead to files.
  std::string end(int64_t now_ns) const;

  bool is_input() const { return input_; }

private:
  std::string redirect(std::string_view stream, const std::string& path) const;

  bool input_;
  uint32_t ntasks_;
  int64_t began_ns_;
  template_values values_;
  std::string out_, err_, in_; // templates of files; "": none
};

} // namespace hactor
