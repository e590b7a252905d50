// How well matches at and below a vertex can score at best, whoever holds what and whatever is
// down: what the walk looks at first, and need not look at when it has found better. Worked out by
// type when it is first asked for, again when the graph has changed. Scores are as keys here:
// larger is better, whatever the order.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "graph/match_policy.hpp"
#include "graph/resource_graph.hpp"

namespace hactor {

class score_bounds {
public:
  static constexpr int64_t nothing = INT64_MIN;

  score_bounds(const resource_graph& graph, const match_policy& policy)
      : graph_{graph}, policy_{policy} {}

  static int64_t key_of(int64_t score, score_order order) {
    return order == score_order::low ? -score : score;
  }

  /// What a vertex adds to the scores of what is found below it: a node, where the policy wants it
  /// to decide.
  int64_t factor(vertex u);

  /// All that is known of one type in one order.
  struct table {
    type_id type;
    score_order order;
    uint64_t version = 0;
    int64_t most_units = 0;    ///< Of one vertex of the type.
    std::vector<int64_t> best; ///< By vertex that contains something; else `nothing`.
  };

  /// Stays where it is; what is in it changes with the graph. O(vertices) when that has changed.
  const table& of_type(type_id type, score_order order);

private:
  void fill(table& t);

  const resource_graph& graph_;
  const match_policy& policy_;
  std::vector<vertex> inner_; // all that contain something, parents first
  uint64_t shape_version_ = 0;
  type_id node_type_ = no_type;
  std::deque<table> tables_;
};

} // namespace hactor
