// Whether a job asks for more of a node's memory than it can ever use. Callers: who judges jobs at
// their submission, which is the scheduler or the distributor.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include "actors/job_spec.hpp"
#include "runtime/config.hpp"

namespace hactor {

/// By resource.memory, for the jobs of a nested instance, and resource.node_memory, whether a graph
/// counts memory or not. Errors: ec::unsatisfiable, with what there is.
caf::error exceeds_memory(const job_spec& spec, const config& attributes);

} // namespace hactor
