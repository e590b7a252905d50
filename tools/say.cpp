// See say.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/say.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace hactor::tools {

namespace {

int output_errno = 0; // of the first write to standard output that failed

void note_failure(bool failed) {
  if (failed)
    note_output_failure(errno);
}

} // namespace

void note_output_failure(int errno_value) {
  if (output_errno == 0)
    output_errno = errno_value;
}

void print(std::string_view text) {
  note_failure(std::fwrite(text.data(), 1, text.size(), stdout) < text.size());
}

void flush_output() { note_failure(std::fflush(stdout) != 0); }

void end_if_unheard(const char* program) {
  if (output_errno == EPIPE) {
    std::signal(SIGPIPE, SIG_DFL);
    std::raise(SIGPIPE);
  }
  if (output_errno != 0)
    std::exit(finish_output(program, exit_failed));
}

int finish_output(const char* program, int code) {
  flush_output();
  if (output_errno == 0 || output_errno == EPIPE)
    return code;
  std::fprintf(stderr, "%s: standard output: %s\n", program, std::strerror(output_errno));
  return code == exit_ok ? exit_failed : code;
}

void complain(const invocation& call, std::string_view text) {
  flush_output();
  auto line = call.program + ": " + std::string{text} + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
}

int fail(const invocation& call, const caf::error& e) {
  complain(call, render(e));
  return code_of(e) == ec::bad_id ? exit_usage : exit_failed;
}

int fail_usage(const invocation& call, const caf::error& e) {
  complain(call, render(e));
  switch (code_of(e)) {
  case ec::bad_argument:
  case ec::bad_json:
  case ec::bad_jobspec:
  case ec::bad_id:
  case ec::bad_idset:
  case ec::bad_hostlist:
  case ec::bad_duration:
  case ec::bad_rset:
  case ec::too_big:
    return exit_usage;
  default:
    return exit_failed;
  }
}

} // namespace hactor::tools
