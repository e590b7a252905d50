// What the fuzzers share. A fuzzer hands any bytes to a reader; it must answer with a value that
// keeps its promises, or an error that says something. Whatever else happens is a finding.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "graph/graph_reader.hpp"

namespace hactor {

/// Reads with a bound on vertices that keeps a fuzzer fast.
inline void fuzz_graph(graph_format format, std::string_view text,
                       std::string_view subsystems = "") {
  graph_options options;
  options.vertices_max = 4'096;
  options.subsystems = *parse_subsystems(subsystems);
  auto graph = read_graph(format, text, options);
  HACTOR_CHECK(graph || !context_of(graph.error()).empty());
  if (!graph)
    return;
  HACTOR_CHECK(!graph->check());
  HACTOR_CHECK(graph->size() > 0 && graph->size() <= options.vertices_max);
  for (vertex v = 0; v < graph->limit(); ++v)
    HACTOR_CHECK(graph->units(v) >= 0 && !graph->name(v).empty());
}

} // namespace hactor
