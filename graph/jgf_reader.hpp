// Resource graphs in JSON (JGF, RFC 40): whole ones, parts to be attached to one that is there, and
// allocations, which name vertices of one that is there.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "graph/jgf_document.hpp"
#include "graph/resource_graph.hpp"
#include "graph/selection.hpp"
#include "runtime/error.hpp"
#include "runtime/limits.hpp"

namespace hactor {

/// A whole graph, vertices and edges in the order of the text, all subsystems; names come from the
/// vertices and the edges, the text's paths are passed over. resource_graph::check() is the
/// caller's. Errors, starting with "jgf": those of parse_jgf, and of the graph.
caf::expected<resource_graph> read_jgf(std::string_view text,
                                       size_t vertices_max = limits::graph_vertices_max);

/// Adds the vertices of the text that are not there yet. A vertex is there when the graph has its
/// path in containment, or, when it has none there, its path in another subsystem; without a path
/// it is new. New vertices hang below others of the text by its
/// edges, or, when it has no edge to them, below the vertex that their path names. Returns the
/// topmost new vertices; ledger::grown() is the caller's.
/// Errors, after which the graph is as it was: those of parse_jgf; ec::bad_argument: a vertex with
/// no place, the name of another below the same parent, a cycle, a second root.
caf::expected<std::vector<vertex>> attach_jgf(resource_graph& graph, std::string_view text);

struct selection_options {
  int64_t at = 0;
  int64_t duration = 1;
  /// Below an exclusive vertex all is exclusive, whether the text names it or not.
  bool shorthand = false;
};

/// Reads an allocation back. Vertices are found by their path, in the first subsystem that they
/// have one of; those in containment become picks, with all above them, those that are only in
/// others charges. Vertices of the text's "free_ranks" are passed over.
/// Errors, starting with "jgf": those of parse_jgf; ec::bad_argument: a duration below 1, a vertex
/// or an edge that the graph does not have or has with another type, rank or less units, one that
/// is named twice.
caf::expected<selection> read_jgf_selection(const resource_graph& graph, std::string_view text,
                                            const selection_options& options);

/// The exclusive picks that have no exclusive pick above them: what is released with all below.
std::vector<vertex> exclusive_tops(const resource_graph& graph, const selection& what);

} // namespace hactor
