// The folders of one broker: where its socket is, where state and output go, and what is removed at
// the end.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>

#include "runtime/error.hpp"
#include "runtime/ids.hpp"

namespace hactor {

struct broker_folders {
  std::string run;    // mode 0700, removed at the end
  std::string state;  // the journal's; only the lead uses it
  std::string output; // this rank's spool
  bool lasting = false; // a statedir was given: state and output stay
  std::string socket() const { return run + "/local"; }
};

/// Makes the folders. `statedir` and `rundir` may be empty. Errors: ec::store_failed, naming the
/// folder and why.
caf::expected<broker_folders> make_folders(const std::string& statedir, const std::string& rundir,
                                           rank_t rank);

/// Removes what does not last. Never fails; what cannot be removed is logged.
void remove_folders(const broker_folders& folders);

} // namespace hactor
