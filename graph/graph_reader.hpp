// A resource graph from text, whatever the format. Readers of one format: grug_reader.hpp,
// jgf_reader.hpp, hwloc_reader.hpp, rv1_reader.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "graph/resource_graph.hpp"
#include "graph/subsystems.hpp"
#include "runtime/error.hpp"
#include "runtime/limits.hpp"

namespace hactor {

enum class graph_format {
  grug,          ///< A recipe in GraphML.
  jgf,           ///< JSON (RFC 40), also inside an R.
  jgf_shorthand, ///< The same: what the text leaves out is not known of a whole graph.
  hwloc,         ///< hwloc's XML of one machine.
  rv1exec,       ///< R version 1; its graph, when it has one (scheduling.graph).
  rv1exec_force  ///< R version 1; its nodes, cores and GPUs, whatever else it has.
};

/// By the names above. Errors: ec::bad_argument.
caf::expected<graph_format> parse_graph_format(std::string_view name);

struct graph_options {
  subsystem_choice subsystems;        ///< Others are left out; as if nothing was ever in them.
  std::vector<std::string> allowlist; ///< hwloc: kinds to keep; empty: all.
  bool number_nodes = false;          ///< grug, hwloc: ranks for nodes, as those of R.
  size_t vertices_max = limits::graph_vertices_max;
};

/// Reads and checks: what is returned has one root and no cycle in each subsystem, and no two names
/// alike in one vertex. Errors: ec::too_big, ec::bad_argument, ec::bad_json, ec::bad_rset, starting
/// with the format, and the key's path or the line where there is one.
caf::expected<resource_graph> read_graph(graph_format format, std::string_view text,
                                         const graph_options& options = {});

} // namespace hactor
