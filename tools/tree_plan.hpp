// The tree of 'hactor tree': which instances it has, what each has of its parent's nodes, cores,
// GPUs and jobs, and by which policies it schedules. Pure; rules of flux-tree, but that siblings
// always fit side by side, and that a topology which does not fit is refused.
// Caller: cmd_tree.cpp, tree_run.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/error.hpp"

namespace hactor::tools {

/// What one instance of the tree has.
struct tree_share {
  std::string id = "tree"; ///< Of its child number 2: "tree.2".
  uint32_t nodes = 1;
  uint32_t cores = 1; ///< Of each node.
  uint32_t gpus = 0;  ///< Of each node.
  uint64_t first = 0; ///< Number of its first job among all of the tree, from 0.
  uint64_t jobs = 1;

  friend bool operator==(const tree_share&, const tree_share&) = default;
};

/// One level below the top.
struct tree_level {
  uint32_t width = 1; ///< Children of each instance above.
  // As they were given, "" for those that say nothing of this level.
  std::string policy, params, match;

  friend bool operator==(const tree_level&, const tree_level&) = default;
};

inline constexpr uint32_t tree_width_max = 16'384;
inline constexpr size_t tree_depth_max = 8;
inline constexpr uint64_t tree_jobs_max = 1'000'000'000;

/// Reads "4x2", and for each level, separated by ':', a policy ("fcfs:easy"), its parameters
/// ("queue-depth=5,reservation-depth=2:queue-depth=9") and a match policy. Policies may be
/// separated by ',' too, and stand where parameters do. "default" and missing ones say nothing.
/// Errors: ec::bad_argument (no topology, more policies than levels, unknown parameters, policies
/// in both places).
caf::expected<std::vector<tree_level>> read_levels(std::string_view topology,
                                                   std::string_view policies,
                                                   std::string_view params,
                                                   std::string_view matches);

/// The levels from `skip` on as read_levels reads them, in the order of its parameters.
struct level_texts {
  std::string topology, policies, params, matches;
};
level_texts texts_of(const std::vector<tree_level>& levels, size_t skip);

/// The attributes, NAME=VALUE, of the instances of a level.
std::vector<std::string> settings_of(const tree_level& level);

/// What `width` children have of `whole`: nodes are dealt whole as long as there is one for each
/// child, else each is cut in parts that together have all of its cores. Shares of jobs differ by
/// at most one; who has none is there all the same. Requires: judge_tree was content.
std::vector<tree_share> split(const tree_share& whole, uint32_t width);

/// Errors: ec::bad_argument, when some instance of the tree would have no core, or no GPU where
/// nodes have some.
caf::error judge_tree(const tree_share& whole, const std::vector<tree_level>& levels);

/// Instances of the last level. Requires: judge_tree was content.
uint64_t leaves_of(const std::vector<tree_level>& levels);

/// `text` with {seq}, {seq1} (the job's number among all, from 0 and 1), {index} (among those of
/// its leaf, from 1) and {treeid} replaced, numbers by what counts from {cc}, which is the index.
std::string fill_tree_fields(std::string_view text, const tree_share& leaf);

} // namespace hactor::tools
