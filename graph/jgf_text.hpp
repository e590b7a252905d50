// Pieces of JGF as the writers of selections and of graphs write them. Values that readers take for
// granted are left out. Called by jgf_writer.cpp and graph_writer.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>

#include "graph/resource_graph.hpp"

namespace hactor {

/// The paths of vertices in all subsystems that they are part of. Siblings follow each other, so
/// their parent's path is kept.
class jgf_paths {
public:
  explicit jgf_paths(const resource_graph& graph) : graph_(graph) {}

  /// Appends {"containment": "/a0/b1", ...}.
  void append(std::string& out, vertex v);

private:
  const resource_graph& graph_;
  vertex last_ = no_vertex;
  std::string last_path_;
};

/// Appends a vertex up to its last metadata; the caller may add more, and closes two braces.
void append_jgf_vertex(std::string& out, const resource_graph& graph, vertex v, int64_t units,
                       bool exclusive, jgf_paths& paths);

/// Appends an edge without metadata; the caller may add some, and closes the brace.
void append_jgf_edge(std::string& out, const resource_graph& graph, vertex from, vertex to);

/// Appends `"name": ` as the next key of an object.
void append_jgf_key(std::string& out, std::string_view name);

/// Appends `"name": "value"` as the next entry of an object.
void append_jgf_text(std::string& out, std::string_view name, std::string_view value);

} // namespace hactor
