// The files of 'hactor graph' and resource-query: graphs, and what jobs have of them.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>

#include "graph/ledger.hpp"
#include "graph/resource_graph.hpp"
#include "graph/selection.hpp"
#include "tools/query_settings.hpp"

namespace hactor::tools {

struct loaded_graph {
  resource_graph graph;
  int64_t seconds = 0; ///< For how long an R says that its resources are there; 0: it does not.
};

/// Reads the graph that the settings name, as far as they want it. Errors: those of read_graph.
caf::expected<loaded_graph> load_graph(const query_settings& settings);

/// Reads what a job has ("jgf", "jgf_shorthand" or "rv1exec") of the graph. Errors: those of the
/// reader; ec::bad_argument when the graph lacks a part of it.
caf::expected<selection> read_allocation(const resource_graph& graph, const std::string& format,
                                         const std::string& text, int64_t at, int64_t duration);

/// Releases the part of what a job has that the text names: its ranks, or its vertices. False when
/// the job held nothing of it. Requires: the job has something. Errors: those of the readers;
/// ec::bad_argument: the job has nothing on a rank.
caf::expected<bool> release_part(ledger& held, uint64_t job, const std::string& format,
                                 const std::string& text);

/// Adds the vertices of a JGF text that are new to the graph. Errors: those of the reader; the
/// graph is as it was.
caf::error attach_subgraph(resource_graph& graph, const std::string& text);

} // namespace hactor::tools
