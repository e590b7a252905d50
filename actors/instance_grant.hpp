// What a job must have been granted for a nested instance over it.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include "graph/rset.hpp"
#include "runtime/error.hpp"
#include "runtime/ids.hpp"

namespace hactor {

/// Whether an instance can have what `job` was granted: a core on each node, which its scheduler
/// needs. Errors: ec::wrong_state, naming the nodes without one.
caf::error check_cores(const rset& grant, job_id job);

} // namespace hactor
