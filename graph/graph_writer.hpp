// A whole resource graph as text: JGF, which readers read back, and for programs that draw or
// process graphs Graphviz's dot and GraphML.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>

#include "graph/resource_graph.hpp"

namespace hactor {

/// JGF (RFC 40) with all vertices and all subsystems; reading it gives an equal graph.
/// O(vertices x depth + edges).
std::string to_jgf(const resource_graph& graph);

/// Vertices labelled with their names, edges with their subsystems. O(vertices + edges).
std::string to_dot(const resource_graph& graph);

/// All facts of the vertices; paths, properties and subsystems as lists in braces.
/// O(vertices x (depth + subsystems) + edges).
std::string to_graphml(const resource_graph& graph);

} // namespace hactor
