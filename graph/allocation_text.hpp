// What a job has, as the text that says so: a graph (jgf, jgf_shorthand) or R (rv1exec). Callers:
// whoever is told of allocations from outside (tools/graph_session, reapi).
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>

#include "graph/ledger.hpp"
#include "graph/resource_graph.hpp"
#include "graph/selection.hpp"

namespace hactor {

/// Reads what a job has ("jgf", "jgf_shorthand" or "rv1exec") of the graph. Errors: those of the
/// reader; ec::bad_argument when the graph lacks a part of it.
caf::expected<selection> read_allocation(const resource_graph& graph, const std::string& format,
                                         const std::string& text, int64_t at, int64_t duration);

/// Releases the part of what a job has that the text names: its ranks, or its vertices. False when
/// the job held nothing of it. Requires: the job has something. Errors: those of the readers;
/// ec::bad_argument: the job has nothing on a rank.
caf::expected<bool> release_part(ledger& held, uint64_t job, const std::string& format,
                                 const std::string& text);

} // namespace hactor
