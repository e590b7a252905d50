// What of a resource graph somebody wants to see: subsystems, by the sets that have names (RFC 4's
// matchers, as Fluxion's tools spell them), and types; and a graph with the others left out.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/resource_graph.hpp"
#include "runtime/error.hpp"

namespace hactor {

struct subsystem_choice {
  std::vector<std::string> names; ///< The first is the one that is matched depth first. Empty: all.
  bool if_there = false;          ///< Those after the first need not exist.
};

/// Reads a set's name, in capitals or not (CA, IBA, IBBA, PFS1BA, PA, VA, C+IBA, C+IBBA, C+PFS1BA,
/// C+PA, IB+IBBA, C+P+IBA, V+PFS1BA), or names of subsystems with commas between. "" and ALL: all
/// that there are, also those whose names nobody knows. Errors: ec::bad_argument.
caf::expected<subsystem_choice> parse_subsystems(std::string_view text);

/// Leaves out the edges of other subsystems, and the vertices that are in none of those wanted.
/// Vertices keep their order and uniq_id. The first one wanted becomes subsystem 0.
/// Errors: ec::bad_argument: one wanted is not there; the first is no tree.
caf::expected<resource_graph> keep_subsystems(resource_graph graph, const subsystem_choice& wanted);

/// Reads types with commas between. "": none. Errors: ec::bad_argument: a name that is empty, has a
/// blank in it or is there twice.
caf::expected<std::vector<std::string>> parse_allowlist(std::string_view text);

/// Leaves out the vertices of other types, save the root of containment. What such a one contained
/// is contained in what contained it. No types: all of them stay. Errors: ec::bad_argument: what is
/// left does not hang together (two names alike in one vertex, parts of another subsystem).
caf::expected<resource_graph> keep_types(resource_graph graph,
                                         const std::vector<std::string>& types);

/// Lets requests nest things in vertices of another subsystem ("edge_switch > node"): its root and
/// what nothing contains are contained from then on where the subsystem has them, below the root of
/// containment; what something contains is linked there, and stays where it is.
/// Errors: ec::bad_argument: there is no such subsystem, or its edges contradict containment.
caf::error nest_subsystem(resource_graph& graph, std::string_view name);

/// The same for what has come since to subsystems that were nested.
caf::error nest_what_is_new(resource_graph& graph);

} // namespace hactor
