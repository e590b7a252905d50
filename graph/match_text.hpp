// Parts of match_writer, one a format. Called by match_writer.cpp only.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include "graph/match_writer.hpp"

namespace hactor::match_text {

/// Lines with three dashes for each level, children first; `pretty`: parents first, modes as words.
std::string tree(const resource_graph& graph, const selection& what, bool pretty);

/// R as JSON has it: ranks with equal children share an entry.
struct r_parts {
  std::string lite;       ///< The list of R_lite; "" when it is empty.
  std::string nodelist;   ///< A list of one hostlist.
  std::string properties; ///< An object; "" when no node has any.
};
r_parts resources(const resource_graph& graph, const selection& what);

/// {"graph": ...} with all picks, or without those below a pick that is exclusive.
std::string graph_text(const resource_graph& graph, const selection& what, bool shorthand,
                       const aggregate_notes* aggregates);

/// ["7", "12"]: uniq_ids of the picks without those below a pick that is exclusive.
std::string vertex_numbers(const resource_graph& graph, const selection& what);

} // namespace hactor::match_text
