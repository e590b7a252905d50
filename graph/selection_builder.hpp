// Puts single vertices of a graph into the order of a selection, with all that is above them.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "graph/resource_graph.hpp"
#include "graph/selection.hpp"

namespace hactor {

class selection_builder {
public:
  /// The graph must outlive it.
  explicit selection_builder(const resource_graph& graph) : graph_(graph) {}

  /// False when the vertex was added before. Shared ones have all units of the pool.
  bool add_exclusive(vertex v, int64_t units) { return add(v, {units, true, true}); }
  bool add_shared(vertex v) { return add(v, {graph_.units(v), false, true}); }

  /// Adds all below v that was not added, exclusively and whole.
  void add_all_below(vertex v);

  /// An amount in another subsystem; the same vertex may come again.
  void charge_units(vertex v, int64_t units) { charges_[v] += units; }

  bool has(vertex v) const { return chosen_.contains(v); }
  bool is_exclusive(vertex v) const;

  /// Takes what was added.
  selection finish(int64_t at, int64_t duration);

private:
  struct choice {
    int64_t units = 0;
    bool exclusive = false;
    bool asked = false; // added, not only above something that was
  };

  bool add(vertex v, choice c);

  const resource_graph& graph_;
  std::unordered_map<vertex, choice> chosen_;
  std::unordered_map<vertex, int64_t> charges_;
};

} // namespace hactor
