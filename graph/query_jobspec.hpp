// Jobspecs as Fluxion's own tools take them: what is matched are the resources, so the rest is read
// with indulgence. Callers: whoever answers in Fluxion's place (tools/graph_session, reapi).
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include "graph/jobspec.hpp"
#include "graph/resource_graph.hpp"

namespace hactor {

/// Reads tasks as Fluxion's tools find them: a bare word as a command, a slot that is not there or
/// no slot at all. So they get a slot of their own, which is gone afterwards. Labels need not
/// differ. Errors: those of parse_document and read_jobspec.
caf::expected<jobspec> read_query_jobspec(const std::string& text);

/// The first type that neither the graph nor Fluxion knows, or "".
std::string unknown_type(const resource_graph& graph, const std::vector<resource_vertex>& wanted);

} // namespace hactor
