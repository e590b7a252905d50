// Sets of resources by node (R version 1) as resource graphs: a cluster, in it the nodes by the
// names of their hosts, in them cores and GPUs; and as selections in a graph that is there.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "graph/nearness.hpp"
#include "graph/resource_graph.hpp"
#include "graph/rset.hpp"
#include "graph/selection.hpp"
#include "runtime/error.hpp"
#include "runtime/limits.hpp"

namespace hactor {

/// How the cores of a host lie: those of each socket and numanode, and those near each GPU.
struct host_levels {
  std::vector<idset> sockets;
  std::vector<idset> numanodes;
  std::vector<idset> gpu_cores{}; ///< By the id of the GPU; none: it is not known.
};

/// The nodes by rank, in each first the cores, then the GPUs. A property of a rank is one of the
/// node, without a value. A node without host is "node" and its rank. Errors: ec::too_big.
caf::expected<resource_graph> graph_of(const rset& r,
                                       size_t vertices_max = limits::graph_vertices_max);

/// The same with the cores of a node in its sockets, and in each socket in its numanodes (or the
/// other way round, where a numanode has several sockets), as far as they have cores of R; a GPU is
/// with the cores that are all near it. `levels` by position in r.nodes. Errors: ec::too_big.
caf::expected<resource_graph> graph_of(const rset& r, const std::vector<host_levels>& levels);

/// What of a host is near what: its sockets, numanodes, and the cores near each GPU.
std::vector<near_group> near_of(const host_levels& levels);

/// Reads R: the same, but nodes in the order of R_lite, as Fluxion has it. What "scheduling" says
/// is passed over. Errors: those of parse_rset, ec::too_big.
caf::expected<resource_graph> read_rv1(std::string_view text,
                                       size_t vertices_max = limits::graph_vertices_max);

/// Finds the resources in a graph: the node by its rank, or, when nothing has that rank, by its
/// host; in it cores and GPUs by their id, at any depth. They are exclusive picks; so is what has
/// nothing in it that is not. Errors: ec::bad_argument: a duration below 1, a node, core or GPU
/// that the graph does not have, or has twice in a node.
caf::expected<selection> select_rset(const resource_graph& graph, const rset& r, int64_t at,
                                     int64_t duration);

} // namespace hactor
