// The initial program: what rank 0 runs, and with whose end the instance ends.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/task_host.hpp"

namespace hactor {

struct script_end {
  int exit_code = 0;
  std::string failure; // why it could not start; "" when it ran
};

/// Starts the command (an interactive shell when empty) with this process's terminal or streams and
/// HACTOR_URI set. `on_end` is called once, on the transport thread. Returns the token by which it
/// can be signalled. Errors: as task_host::start.
caf::expected<uint64_t> start_script(task_host& tasks, std::vector<std::string> command,
                                     const std::string& uri, const std::string& program_folder,
                                     std::function<void(const script_end&)> on_end);

} // namespace hactor
