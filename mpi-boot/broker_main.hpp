// A broker from its first to its last breath: runs in the process that the supervisor forked.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <optional>

#include "mpi-boot/options.hpp"
#include "runtime/launcher.hpp"
#include "runtime/tcp_plan.hpp"

namespace hactor {

/// By what this rank finds the others.
struct way_to_peers {
  launch how;                  ///< The launcher and its MPI.
  std::optional<tcp_plan> tcp; ///< In place of MPI.

  /// As far as it is known before they have met.
  std::optional<rank_t> rank() const { return tcp ? tcp->rank : how.rank; }
};

/// Errors: those of plan_tcp, detect_launch and find_module; ec::bad_argument (an MPI and TCP).
caf::expected<way_to_peers> find_way(const start_options& options);

/// Returns the exit code of hactor-start on this rank: the script's on rank 0, else 0; 1 when the
/// instance could not start.
/// `run` is this rank's run folder, or why it could not be made, which all ranks are told.
int broker_main(const start_options& options, const way_to_peers& way,
                const caf::expected<std::string>& run, int spawner_fd);

} // namespace hactor
