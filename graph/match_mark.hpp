// From what a walk has chosen to a selection: every vertex that was chosen, all that is above it,
// and all that is in what was asked for as a whole; in depth-first order.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "graph/match_policy.hpp"
#include "graph/match_table.hpp"
#include "graph/selection.hpp"

namespace hactor {

/// Numbers by vertex, few of many: what a match marks fits into a cache where an array by vertex of
/// a large machine does not.
class vertex_numbers {
public:
  static constexpr uint32_t none = UINT32_MAX;

  /// none when it has no number.
  uint32_t find(vertex v) const { return entries_[place_of(v)].number; }
  /// Requires: it has none yet.
  void add(vertex v, uint32_t number) {
    if (2 * ++count_ > entries_.size())
      grow();
    entries_[place_of(v)] = {v, number};
  }
  void clear() {
    // After a large match its size is not kept: each small one would have all of it to clear.
    if (entries_.size() > places_min && 8 * count_ < entries_.size()) {
      entries_.assign(places_min, {});
      shift_ = shift_max;
    } else if (count_ > 0) {
      std::fill(entries_.begin(), entries_.end(), entry{});
    }
    count_ = 0;
  }

private:
  struct entry {
    vertex at = no_vertex;
    uint32_t number = none;
  };

  /// Where it is, or would be. A power of two places, half of them empty.
  size_t place_of(vertex v) const {
    auto i = (v * 0x9e3779b1u) >> shift_;
    while (entries_[i].at != v && entries_[i].at != no_vertex)
      i = (i + 1) & (entries_.size() - 1);
    return i;
  }
  void grow();

  static constexpr size_t places_min = 64;
  static constexpr uint32_t shift_max = 26; // 2^32 hashes over places_min

  uint32_t shift_ = shift_max;
  std::vector<entry> entries_ = std::vector<entry>(places_min);
  size_t count_ = 0;
};

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

  bool is_nested(vertex above, vertex v) const;
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
  vertex_numbers mark_of_; // places in marks_
  std::vector<mark> marks_;
  std::vector<uint32_t> sorted_;                     // marks by parent and place
  std::vector<std::pair<uint32_t, uint32_t>> below_; // by mark: its part of sorted_
  selection result_;
  size_t picks_before_ = 0;
};

} // namespace hactor
