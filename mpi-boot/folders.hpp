// The folders of one broker: where its socket is, where state and output go, and what is removed at
// the end.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <optional>
#include <string>

#include "runtime/error.hpp"
#include "runtime/ids.hpp"

namespace hactor {

struct broker_folders {
  std::string run;    // mode 0700, removed by the supervisor when all of this rank has ended
  std::string state;  // the journal's; only the lead uses it
  std::string output; // this rank's spool
  bool lasting = false; // a statedir was given: state and output stay
  std::string socket() const { return run + "/local"; }
};

/// In the run folder: a link to the note by which people find the instance (presence.hpp), so that
/// who sweeps up after a killed broker finds it, too.
inline std::string note_link(const std::string& run) { return run + "/note"; }

/// Makes this rank's run folder, below `rundir` (by its rank, when that is known already) or, when
/// that is empty, a new one in the temporary folder. The supervisor's to make and to remove, so
/// that a broker that is killed leaves nothing. In it lies the file "owner", locked (flock) until
/// this process and all it forks have ended or run another program.
/// Errors: ec::store_failed, naming the folder and why.
caf::expected<std::string> make_run_folder(const std::string& rundir,
                                           std::optional<rank_t> rank);

/// Makes the rest. `statedir` may be empty. Errors: ec::store_failed, naming the folder and why.
caf::expected<broker_folders> make_folders(const std::string& statedir, const std::string& run,
                                           rank_t rank);

/// Removes the run folders of this user in the temporary folder that nobody owns any more: their
/// "owner" was written on this host and its lock is free, since the supervisor was killed. Touches
/// nothing else. Returns how many were removed.
size_t sweep_run_folders();

/// Removes the run folder and all in it. Never fails; what cannot be removed is logged.
void remove_run_folder(const std::string& run);

} // namespace hactor
