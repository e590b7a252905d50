// A resource graph in JSON (JGF with RFC 40's metadata) as it stands in the text: vertices and
// edges in its order, defaults filled in, ids resolved, nothing said about whether it makes sense.
// Takes the metadata of today and of old files (edges with "name": {subsystem: relation}).
//
// The graph is found at "graph", or in an R at "scheduling.graph".
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "graph/resource_graph.hpp"
#include "runtime/error.hpp"
#include "runtime/idset.hpp"
#include "runtime/limits.hpp"

namespace hactor {

struct jgf_vertex {
  std::string_view key; ///< "id" of the node, unique in the document.
  std::string_view type;
  std::string_view basename; ///< "": the type.
  std::string_view name;     ///< "": of basename and id.
  std::string_view unit;
  int64_t id = -1;      ///< Default: uniq_id; of a node the last digits of its name.
  int64_t uniq_id = -1; ///< Default: the key, if that is a number.
  int64_t size = 1;
  int32_t rank = -1;
  bool exclusive = false;
  vertex_status status = vertex_status::up;
  uint32_t first_path = 0; ///< In jgf_document::paths.
  uint32_t path_count = 0;
  uint32_t properties = 0; ///< In jgf_document::properties.
};

struct jgf_edge {
  uint32_t source = 0; ///< Positions in jgf_document::vertices.
  uint32_t target = 0;
  std::string_view subsystem;
  std::string_view relation;
};

/// Its views point into memory that it owns.
struct jgf_document {
  std::vector<jgf_vertex> vertices;
  std::vector<jgf_edge> edges;
  std::vector<std::pair<std::string_view, std::string_view>> paths; ///< Subsystem, path.
  std::vector<vertex_properties> properties{1};                     ///< The first is empty.
  std::optional<idset> free_ranks; ///< Ranks of an allocation that were released already.
  std::shared_ptr<const void> memory;

  /// The path in that subsystem, "" when none is given.
  std::string_view path(const jgf_vertex& v, std::string_view subsystem) const;
};

/// Errors, starting with "jgf" and the key's path or the line: ec::too_big (limits
/// graph_text_bytes_max; vertices), ec::bad_json (syntax), ec::bad_argument (no graph; wrong types,
/// values out of range, ids that occur twice, edges to ids that do not occur). One pass over the
/// text, whose size again is taken in memory.
caf::expected<jgf_document> parse_jgf(std::string_view text,
                                      size_t vertices_max = limits::graph_vertices_max);

/// Whether the text is an R that has a graph at "scheduling.graph".
bool has_jgf(std::string_view text);

} // namespace hactor
