// What a walk of the matcher found, by vertex, for one request: kept from match to match, and
// looked for again only at and above what has changed since.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "graph/match_policy.hpp"
#include "graph/match_request.hpp"
#include "graph/selection.hpp"

namespace hactor {

struct finding;

/// A vertex, or a slot made of several, that would do for one request.
struct candidate {
  static constexpr uint32_t no_slot = UINT32_MAX;

  int64_t score = 0;
  uint64_t count = 0;             ///< Units of the vertex; 1 for a slot.
  const finding* found = nullptr; ///< Of the vertex; null for a leaf.
  vertex at = no_vertex;          ///< The vertex; of a slot the one that contains its parts.
  uint32_t slot = no_slot;        ///< In `found`.
  bool exclusive = false;
};

/// Those for one request of a level.
struct candidates {
  uint64_t qualified = 0; ///< Units of all, also of those that need not be listed.
  uint64_t wanted = 0;    ///< Once chosen: so many units of the list.
  std::vector<candidate> list;

  void add(const candidate& c) {
    qualified += c.count;
    list.push_back(c);
  }
};

struct slot_part {
  vertex at;
  uint16_t sibling; ///< In the level of the slot.
  uint64_t count;
  const finding* found;
};

/// The best of many lists, by place: a tree whose inner nodes know the best score below and the sum
/// of what there is. Changing one list costs O(log lists), taking the best k O(k log lists).
class best_of_lists {
public:
  bool empty() const { return nodes_.empty(); }
  void resize(size_t lists);
  void set(size_t place, std::optional<int64_t> best, uint64_t qualified, score_order order);
  uint64_t qualified() const { return nodes_[1].qualified; }

  /// Calls f(place) for lists in the order of what they offer next, best first, among equals by
  /// place: f takes that, and returns what the list offers then, or nothing; `more` ends it.
  template <class More, class F>
  void each_best(score_order order, More more, F f) const;

private:
  struct node {
    int64_t key = INT64_MIN; // larger is better; INT64_MIN: nothing
    uint64_t qualified = 0;
  };
  static int64_t key_of(int64_t score, score_order order) {
    return order == score_order::low ? -score : score;
  }

  std::vector<node> nodes_; // in heap order from 1; the second half are the lists
};

/// What lies below a vertex, as visited with one level of the request.
struct branch {
  uint16_t level = 0;
  std::vector<finding*> below; ///< By place; null: a leaf, or not visited yet.
  best_of_lists best;          ///< For levels of one request above many vertices.
  std::vector<uint32_t> stale; ///< Places that are to be visited again, for `best`.
};

/// The vertex as one of the siblings of the level with which it was visited.
struct own_match {
  uint16_t sibling = 0; ///< In the level.
  bool exclusive = false;
  int64_t score = 0;
  std::vector<candidates> chosen; ///< By sibling of the level below: what was chosen for each.
  std::vector<charge> charges;
};

/// What was found at and below a vertex that is no leaf.
struct finding {
  vertex at = no_vertex;
  bool known = false;
  bool ok = false;
  uint64_t available = 0;
  std::vector<own_match> own;      ///< Mostly one, or none.
  std::vector<candidates> up;      ///< By sibling of the level: for a vertex above to choose from.
  std::vector<branch> branches;    ///< Mostly one.
  std::vector<slot_part> slots;    ///< Slots made here, one behind the other ...
  std::vector<uint32_t> slot_ends; ///< ... each up to here.
  std::vector<std::pair<uint16_t, bool>> slot_fits; ///< Node of the request: its parts are here.

  branch& at_level(uint16_t level) {
    for (auto& b : branches)
      if (b.level == level)
        return b;
    branches.emplace_back().level = level;
    return branches.back();
  }
  const own_match* as(uint16_t sibling) const {
    for (auto& o : own)
      if (o.sibling == sibling)
        return &o;
    return nullptr;
  }
};

/// When a match is to be, and what counts as free.
struct match_window {
  enum class mode : uint8_t {
    current,   ///< Now, and nothing is reserved: what is held is held.
    now,       ///< From now on, beside reservations.
    later,     ///< From a later time on.
    ever,      ///< With all of the graph up and idle.
    at_horizon ///< At the end of the horizon, with all of the graph up.
  };
  mode how = mode::current;
  int64_t at = 0;
  int64_t end = 0;

  friend bool operator==(const match_window&, const match_window&) = default;
};

/// The findings of one request in one window.
struct match_table {
  std::shared_ptr<const match_request> request;
  match_window window;
  uint64_t shape_version = 0;
  uint64_t seen = 0; ///< Changes of the ledger that were taken in.
  uint64_t used = 0; ///< When it was used last.
  std::deque<finding> findings;
  finding* root = nullptr;
  bool contradiction = false; ///< The request asks for something shared below something exclusive.

  finding* make(vertex v) {
    auto& f = findings.emplace_back();
    f.at = v;
    return &f;
  }
};

template <class More, class F>
void best_of_lists::each_best(score_order order, More more, F f) const {
  struct entry {
    int64_t key;
    uint32_t at; // in nodes_; a list's own place once it has been begun
    bool begun;
    uint32_t place;
  };
  // Among equals the one that stands first: nodes on the left of a tree stand before those on the
  // right, and what is left of a list before all behind it.
  auto worse = [](const entry& a, const entry& b) {
    return a.key != b.key ? a.key < b.key : a.place > b.place;
  };
  auto lists = static_cast<uint32_t>(nodes_.size() / 2);
  auto first_list = [&](uint32_t at) {
    while (at < lists)
      at *= 2;
    return at - lists;
  };
  std::vector<entry> open{{nodes_[1].key, 1, false, 0}};
  while (!open.empty() && more()) {
    std::pop_heap(open.begin(), open.end(), worse);
    auto e = open.back();
    open.pop_back();
    if (e.key == INT64_MIN)
      return;
    if (!e.begun && e.at < lists) {
      for (auto child : {2 * e.at, 2 * e.at + 1}) {
        open.push_back({nodes_[child].key, child, false, first_list(child)});
        std::push_heap(open.begin(), open.end(), worse);
      }
      continue;
    }
    if (std::optional<int64_t> next = f(e.place)) {
      open.push_back({key_of(*next, order), e.at, true, e.place});
      std::push_heap(open.begin(), open.end(), worse);
    }
  }
}

/// Which candidate is better.
bool better(const candidate& a, const candidate& b, score_order order);

/// Sorts the list, best first, and cuts it behind the first candidates that have `units` together.
/// `all`: as Fluxion sorts, else equals stay in their order.
void keep_best(candidates& c, uint64_t units, score_order order, bool as_fluxion);

} // namespace hactor
