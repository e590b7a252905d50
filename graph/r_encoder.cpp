// See r_encoder.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/r_encoder.hpp"

#include "graph/match_writer.hpp"
#include "graph/rv1_reader.hpp"
#include "graph/selection_builder.hpp"
#include "runtime/json.hpp"

namespace hactor {

namespace {

selection all_of(const resource_graph& graph) {
  selection_builder all{graph};
  auto root = graph.root();
  all.add_exclusive(root, graph.units(root));
  all.add_all_below(root);
  return all.finish(0, 1);
}

} // namespace

caf::expected<std::string> encode_graph(std::string_view r) {
  auto graph = read_rv1(r);
  if (!graph)
    return std::move(graph.error());
  auto result = parse_json(r);
  if (!result)
    return std::move(result.error());
  auto written = parse_json(write_match(*graph, all_of(*graph), match_format::jgf));
  HACTOR_CHECK(written);
  (*result)["scheduling"] = std::move(*written);
  return result->dump() + "\n";
}

std::string encode_all(const resource_graph& graph) {
  return write_match(graph, all_of(graph), match_format::rv1);
}

} // namespace hactor
