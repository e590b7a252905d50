// A resource graph for a person: what there is of which type, and the tree of containment drawn so
// that it fits on a screen.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "graph/resource_graph.hpp"

namespace hactor::tools {

/// "201 vertices, 200 edges in containment".
std::string graph_summary(const resource_graph& graph);

/// A line for each type: how many vertices, how many units of what, how many of them are down.
std::string graph_counts(const resource_graph& graph);

/// The tree with its branches; neighbours that look alike with all that is below them are one line:
/// "node[0-99] x 100". At most `lines_max` lines; the last one then says how many are left out.
std::string graph_picture(const resource_graph& graph, size_t lines_max);

/// The path of each vertex in containment, parents first, a line each.
void print_paths(const resource_graph& graph, const std::function<void(std::string_view)>& to);

} // namespace hactor::tools
