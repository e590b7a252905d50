// R with the graph of what is in it (scheduling.graph), as sub-instances and readers of graphs want
// it. Caller: tools ('hactor graph encode').
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "graph/resource_graph.hpp"
#include "runtime/error.hpp"

namespace hactor {

/// The same R with a graph of its nodes, cores and GPUs, all exclusive, in place of what
/// "scheduling" said. Errors: those of read_rv1 and parse_json.
caf::expected<std::string> encode_graph(std::string_view r);

/// R, and the graph, of all that a graph has. "" when it has no node with cores or GPUs.
std::string encode_all(const resource_graph& graph);

} // namespace hactor
