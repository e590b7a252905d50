// The part of a graph that a job was granted, as a graph of its own: what the instance that the job
// holds has to give. Callers: resource_pool_rset.cpp, actors/instance.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "graph/resource_graph.hpp"
#include "graph/selection.hpp"
#include "runtime/error.hpp"
#include "runtime/ids.hpp"

namespace hactor {

/// What the selection has, with all that is above it and all that is in what it has exclusively;
/// and what it is charged for, with all above that in its subsystem. A pool that is shared, and one
/// in another subsystem, has as many units as it is charged for. All is up. `ids`: of vertices that
/// are known by another id than their own. Errors: those of resource_graph. O(the graph below what
/// is selected).
caf::expected<resource_graph> granted_graph(const resource_graph& from, const selection& what,
                                            const std::unordered_map<vertex, int64_t>& ids);

/// Rank ranks[i] becomes rank i, any other none.
void renumber_ranks(resource_graph& graph, const std::vector<rank_t>& ranks);

} // namespace hactor
