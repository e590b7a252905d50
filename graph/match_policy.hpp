// Which of several matches is the best: a policy gives every vertex a score, and the highest or the
// lowest wins. Policies have names; a person may combine their parts, or load one from a shared
// library (hactor/policy.h has the entry point, examples/match-policy a policy).
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "graph/resource_graph.hpp"
#include "runtime/error.hpp"

namespace hactor {

/// What wins. runs: of runs of consecutive scores the highest, whole runs before parts of one.
enum class score_order : uint8_t { low, high, runs };

class match_policy {
public:
  virtual ~match_policy() = default;

  /// The score of a vertex, >= 0. A slot's is the sum over its vertices. Must depend on nothing but
  /// the vertex's own facts.
  virtual int64_t score(const resource_graph& graph, vertex v) const = 0;

  std::string name;
  score_order order = score_order::high;          ///< At the root.
  score_order order_within = score_order::high;   ///< Below a vertex that was asked for.
  score_order order_of_slots = score_order::high; ///< Which vertices make up the first slot.
  bool node_centric = false;                      ///< The node decides before what is in it.
  bool node_exclusive = false;                    ///< Whole nodes, with all that is in them.
  bool stop_at_first = false; ///< Take what fits first; what was used last is looked at first.
};

/// By name (first, firstnodex, high, low, hinode, lonode, hinodex, lonodex, locality, variation),
/// or by parts: "policy=high|low [node_centric=true] [node_exclusive=true]
/// [stop_on_1_matches=true]". Errors: ec::bad_argument, naming what was asked and the names that
/// there are.
caf::expected<std::shared_ptr<const match_policy>> make_match_policy(std::string_view text);

} // namespace hactor
