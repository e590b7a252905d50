// A jobspec's resources as the matcher walks them: a tree of requests with the types as numbers of
// one graph, the least amounts below each worked out. Compiled once for all jobs of one jobspec.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "graph/constraint.hpp"
#include "graph/count.hpp"
#include "graph/jobspec.hpp"
#include "graph/resource_graph.hpp"

namespace hactor {

struct request_node {
  type_id type = no_type; ///< no_type: a slot, or a type that the graph does not have.
  bool slot = false;
  uint8_t slot_number = 0; ///< Of a slot: its place in slot_labels and 1.
  bool elsewhere = false; ///< Not contained: an amount on the way up in another subsystem.
  subsystem_id subsystem = containment;
  std::string name; ///< The type as written.
  std::string label;
  count_spec count = uint64_t{1};
  uint64_t least = 1;
  uint64_t most = 1; ///< The largest acceptable number; UINT32_MAX: no bound.
  std::optional<bool> exclusive;
  uint16_t level = 0; ///< In match_request::levels: what it must contain.
  type_amounts below; ///< The least that one of it contains, by type, it not included.
};

/// Siblings: positions in match_request::nodes.
struct request_level {
  uint16_t first = 0;
  uint16_t count = 0;
};

struct match_request {
  std::vector<request_node> nodes;
  std::vector<request_level>
      levels;               ///< levels[0]: what stands at the top. A leaf has an empty one.
  type_amounts total;       ///< The least amounts of the whole request.
  uint64_t least_nodes = 0; ///< Vertices of type node that it needs.
  std::vector<bool> exclusive_types; ///< By type: exclusive, also by a slot; so with all below.
  constraint where;
  int64_t duration = 0;   ///< Seconds, rounded up; 0: as long as the graph lasts.
  bool charge = false;    ///< Amounts that are shared are charged.
  bool charges = false;   ///< Some node is `elsewhere`.
  bool ambiguous = false; ///< Some level has two siblings of one type, or two slots.

  /// Whether this level has two siblings of one type, or two slots.
  bool is_ambiguous(uint16_t level) const;
};

/// Compiles. `charge`: amounts of types that only other subsystems have are charged there; else
/// they are looked for in containment, and not found. Errors: ec::bad_jobspec (too many vertices
/// or slots, a constraint that is none), ec::bad_argument (a duration that is negative, no number
/// or longer than 100 years), starting with the key's path.
caf::expected<match_request> compile_match(const jobspec& spec, const resource_graph& graph,
                                           bool charge);

} // namespace hactor
