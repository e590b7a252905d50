// What a match chose: the vertices of a job, before and after they are held in the ledger. What
// writers write and what R is made of.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "graph/resource_graph.hpp"

namespace hactor {

/// One vertex of a selection.
struct pick {
  vertex at = no_vertex;
  uint16_t depth = 0;     ///< Edges from the root in containment.
  bool exclusive = false; ///< False: shared, on the way to something exclusive.
  uint8_t slot = 0;       ///< The first vertex of a slot, by place in slot_labels and 1; else 0.
  int64_t units = 0;      ///< Of the pool; all of them when shared.

  friend bool operator==(const pick&, const pick&) = default;
};

/// An amount of a vertex in another subsystem than containment, on the way up from a pick.
struct charge {
  vertex at = no_vertex;
  int64_t units = 0;

  friend bool operator==(const charge&, const charge&) = default;
};

/// In depth-first order, children before their parent, siblings in the order of the graph: the
/// last pick is the root. Every pick's parent is in it.
struct selection {
  int64_t at = 0;       ///< Seconds.
  int64_t duration = 0; ///< Seconds, > 0: it is held during [at, at + duration).
  std::vector<pick> picks;
  std::vector<charge> charges; ///< Sorted by vertex, each once.
  /// Of vertices that the jobspec has a label for.
  std::vector<std::pair<vertex, std::string>> labels{};

  int64_t end() const { return at + duration; }

  friend bool operator==(const selection&, const selection&) = default;
};

} // namespace hactor
