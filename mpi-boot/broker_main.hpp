// A broker from its first to its last breath: runs in the process that the supervisor forked.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include "mpi-boot/options.hpp"
#include "runtime/launcher.hpp"

namespace hactor {

/// Returns the exit code of hactor-start on this rank: the script's on rank 0, else 0; 1 when the
/// instance could not start.
/// `run` is this rank's run folder, or why it could not be made, which all ranks are told.
int broker_main(const start_options& options, const launch& how,
                const caf::expected<std::string>& run, int spawner_fd);

} // namespace hactor
