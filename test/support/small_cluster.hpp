// A resource graph for tests: clusters of racks of nodes of sockets of cores, as deep as is wanted.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "graph/resource_graph.hpp"

namespace hactor::test {

/// A level: a type, how many of it are in each vertex above, and its units. Ids are local to the
/// node for what is below a node, and count through the whole graph above.
struct level {
  std::string type;
  int count = 1;
  int64_t units = 1;
  std::string unit = {};
};

/// Adds `levels` below `in`; every node gets the next rank.
class cluster_builder {
public:
  explicit cluster_builder(resource_graph& g) : g_{g} {}

  vertex add(std::string_view type, int64_t id, vertex in, int64_t units = 1,
             std::string_view unit = {}) {
    vertex_facts f;
    f.type = type;
    f.id = id;
    f.size = units;
    f.unit = unit;
    f.rank = type == "node" ? ranks_++ : in == no_vertex ? -1 : g_.rank(in);
    auto v = g_.add_vertex(f);
    HACTOR_CHECK(v);
    if (in != no_vertex)
      HACTOR_CHECK(!g_.add_edge(in, *v, containment, "contains"));
    return *v;
  }

  void fill(vertex in, const std::vector<level>& levels, size_t depth = 0) {
    if (depth == levels.size())
      return;
    auto& l = levels[depth];
    for (int i = 0; i < l.count; ++i) {
      if (l.type == "node")
        next_.clear();
      fill(add(l.type, next(l.type), in, l.units, l.unit), levels, depth + 1);
    }
  }

private:
  int64_t next(const std::string& type) {
    if (type == "node")
      return nodes_++;
    if (type == "rack")
      return racks_++;
    for (auto& [t, n] : next_)
      if (t == type)
        return n++;
    next_.emplace_back(type, 1);
    return 0;
  }

  resource_graph& g_;
  int32_t ranks_ = 0;
  int64_t nodes_ = 0, racks_ = 0;
  std::vector<std::pair<std::string, int64_t>> next_; // of the node under way
};

inline resource_graph make_cluster(const std::vector<level>& levels) {
  resource_graph g;
  size_t vertices = 1, here = 1;
  for (auto& l : levels)
    vertices += here *= static_cast<size_t>(l.count);
  g.reserve(vertices);
  cluster_builder b{g};
  b.fill(b.add("cluster", 0, no_vertex), levels);
  return g;
}

} // namespace hactor::test
