// The children of an instance that keeps no work itself (sched.policy=hierarchy): how many there
// are, what share of the instance each gets, and the jobs that they are. Caller: distributor.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "graph/rset.hpp"
#include "runtime/config.hpp"
#include "runtime/error.hpp"

namespace hactor {

/// What sched.policy=hierarchy and the attributes beside it say.
struct hierarchy_settings {
  std::vector<uint32_t>
      tree; // children of this instance, of each of them, ...; empty: by the nodes
  std::vector<std::pair<std::string, std::string>> of_children; // attributes that they are given
};

/// None for another policy. Errors: ec::bad_argument (sched.tree, sched.leaf_policy), naming it.
caf::expected<std::optional<hierarchy_settings>> read_hierarchy(const config& attributes);

/// "2x4": what attribute sched.tree says. Errors: ec::bad_argument.
caf::expected<std::vector<uint32_t>> parse_tree(const std::string& text);

/// What one child gets: so many whole nodes; or, with none, so much of one node.
struct child_share {
  uint32_t nodes = 0;
  uint32_t cores = 0; // 0, too: there is nothing for it
  uint32_t gpus = 0;

  bool empty() const { return nodes == 0 && cores == 0; }
  friend bool operator==(const child_share&, const child_share&) = default;
};

/// Even shares for `wanted` children, or as many as there are cores; 0: one a node, and 2 when
/// there is one node.
std::vector<child_share> plan_children(const rset& all, uint32_t wanted);

/// As much of a share as can be had of `rest`, which is what others have left of `all`.
child_share fit_share(const child_share& wanted, const rset& all, const rset& rest);

/// The jobspec of a child. `program`: the path of hactor; `place`: its number among the children.
std::string child_jobspec(const hierarchy_settings& settings, const child_share& share,
                          const std::string& program, size_t place);

} // namespace hactor
