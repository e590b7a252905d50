// From what a walk has chosen to a selection: every vertex that was chosen, all that is above it,
// and all that is in what was asked for as a whole; in depth-first order.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "graph/match_policy.hpp"
#include "graph/match_table.hpp"
#include "graph/selection.hpp"

namespace hactor {

class match_marker {
public:
  match_marker(const resource_graph& graph, const match_policy& policy)
      : graph_{graph}, policy_{policy} {}

  /// `top`: by sibling of level 0, what was chosen.
  selection make(const match_request& request, const std::vector<candidates>& top,
                 const std::vector<charge>& top_charges);

private:
  struct mark {
    vertex at;
    uint32_t above; // in marks_
    int64_t units;
    bool exclusive;
    uint8_t slot;
  };

  uint32_t mark_vertex(vertex v, vertex within = no_vertex);
  uint32_t choose(vertex v, vertex within, int64_t units, bool exclusive, uint8_t slot);
  void take(const candidate& c, uint16_t level, size_t sibling, uint64_t wanted, vertex within);
  void take_own(const finding* found, const request_node& n, size_t sibling, uint32_t mark);
  void take_all(const candidates& chosen, uint16_t level, size_t sibling, vertex within);
  void label(vertex v, const request_node& n);
  size_t place_of(const mark& m) const;
  bool is_whole(vertex v, uint32_t mark) const;
  void sort_by_place();
  void emit_below(vertex v, uint16_t depth);
  bool emit(vertex v, uint32_t mark, uint16_t depth, bool exclusive, int64_t units);

  const resource_graph& graph_;
  const match_policy& policy_;
  const match_request* request_ = nullptr;
  type_id node_type_ = no_type;
  std::vector<uint32_t> mark_of_; // by vertex: its place in marks_ and 1; 0: none
  std::vector<mark> marks_;
  std::vector<uint32_t> sorted_;                     // marks by parent and place
  std::vector<std::pair<uint32_t, uint32_t>> below_; // by mark: its part of sorted_
  selection result_;
  size_t picks_before_ = 0;
};

} // namespace hactor
