// The files of 'hactor graph' and resource-query: graphs, and what jobs have of them.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>

#include "graph/resource_graph.hpp"
#include "tools/query_settings.hpp"

namespace hactor::tools {

struct loaded_graph {
  resource_graph graph;
  int64_t seconds = 0; ///< For how long an R says that its resources are there; 0: it does not.
  std::string warning; ///< Of a setting that means nothing for the format; "": of none.
};

/// Reads the graph that the settings name, as far as they want it. `number_nodes`: nodes of grug
/// and hwloc get ranks. Errors: those of read_graph, naming the file.
caf::expected<loaded_graph> load_graph(const query_settings& settings, bool number_nodes = false);

/// Adds the vertices of a JGF text that are new to the graph. Errors: those of the reader; the
/// graph is as it was.
caf::error attach_subgraph(resource_graph& graph, const std::string& text);

} // namespace hactor::tools
