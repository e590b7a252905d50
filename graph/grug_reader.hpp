// Makes a resource graph of a recipe in GraphML (GRUG, as Fluxion has it): the recipe's nodes stand
// for kinds of vertices, its edges say how many of one kind each vertex of another has.
//
//   node   root (1: a subsystem begins here), type, basename, size, unit, subsystem
//   edge   e_subsystem, relation; gen_method, and with it
//          MULTIPLY              multi_scale new vertices below each; ids by id_scope (0: below one
//                                parent; k: below one ancestor k levels up; < 0: no ids), id_start,
//                                id_stride (not with scope 0)
//          ASSOCIATE_IN          all vertices of the type that were made before
//          ASSOCIATE_BY_PATH_IN  those of them whose ancestor as_tgt_uplvl levels up, in
//                                as_tgt_subsystem, is that of the source as_src_uplvl levels up
//
// Vertices come in the order in which Fluxion makes them: along the edges of a depth-first search
// of the recipe, in the order of the text. An edge to a kind that was reached before makes nothing.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string_view>

#include "graph/resource_graph.hpp"
#include "runtime/error.hpp"
#include "runtime/limits.hpp"

namespace hactor {

struct grug_options {
  /// Vertices of type node get ranks 0, 1, ... in the order in which they are made, and what is
  /// below them has theirs. False: no ranks, as Fluxion has it.
  bool number_nodes = false;
  size_t vertices_max = limits::graph_vertices_max;
};

/// All subsystems of the recipe; resource_graph::check() is the caller's. Errors, starting with
/// "grug": ec::bad_argument (what is wrong in the text: a line, a node or an edge; a cycle; two
/// parents in containment), ec::too_big (text, vertices, edges). O(vertices + edges).
caf::expected<resource_graph> read_grug(std::string_view text, const grug_options& options = {});

} // namespace hactor
