// Running a program as a filter: text in, text out. For programs that people start, which have no
// spawner. Caller: tools/cli_plugins.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include "runtime/error.hpp"

namespace hactor {

struct filtered {
  int wait_status = 0;
  std::string output; // what it wrote to standard output; standard error is the caller's
};

/// Runs the program with `input` as its standard input until it ends. Errors: ec::exec_failed, when
/// it cannot be started, naming program and errno.
caf::expected<filtered> run_filter(const std::vector<std::string>& argv, std::string_view input);

} // namespace hactor
