// A whole resource graph as text for programs that draw or process graphs: Graphviz's dot, and
// GraphML. (As JGF a graph is written by match_writer: everything in it, selected.)
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>

#include "graph/resource_graph.hpp"
#include "graph/selection.hpp"

namespace hactor {

/// Vertices labelled with their names, edges with their subsystems. O(vertices + edges).
std::string to_dot(const resource_graph& graph);

/// All facts of the vertices; paths, properties and subsystems as lists in braces.
/// O(vertices x (depth + subsystems) + edges).
std::string to_graphml(const resource_graph& graph);

/// Everything that containment has, held whole: what writes a graph as JGF. O(vertices).
selection select_all(const resource_graph& graph);

} // namespace hactor
