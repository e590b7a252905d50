// What a walk of the matcher found, by vertex, for one request: kept from match to match, and
// looked for again only at and above what has changed since.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <algorithm>
#include <bit>
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
  uint64_t count = 0;       ///< Units of the vertex; 1 for a slot.
  finding* found = nullptr; ///< Of the vertex; null for a leaf.
  vertex at = no_vertex;    ///< The vertex; of a slot the one that contains its parts.
  uint32_t slot = no_slot;  ///< In `found`.
  bool exclusive = false;
  uint16_t kind = 0; ///< Of a slot that was chosen among options: its place in their choice.
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
/// of what there is. Scores are keys: larger is better. Of a list that nobody has looked at yet
/// only a bound is known: nothing in it is better. Changing one list costs O(log lists), taking the
/// best k O(k log lists).
class best_of_lists {
public:
  static constexpr int64_t nothing = INT64_MIN;

  bool empty() const { return nodes_.empty(); }
  /// `bound`: by place. O(lists).
  template <class Bound>
  void resize(size_t lists, Bound bound);
  /// What is in a list, now that it was looked at: `qualified` is 0 when it is nothing.
  void set(size_t place, int64_t best, uint64_t qualified);
  void set_bound(size_t place, int64_t bound) { set(place, bound, 0); }
  /// Of the lists that were looked at.
  uint64_t qualified() const { return nodes_[1].qualified; }

  /// Calls take(place) for lists in the order of what they offer next, best first, among equals by
  /// place: it takes that, and returns what the list offers then, or nothing; `more` ends it. Calls
  /// open(place), which must set the list, before it takes of one of which only a bound is known.
  template <class More, class Open, class Take>
  void each_best(More more, Open open, Take take);

private:
  struct node {
    int64_t key = nothing;
    uint64_t qualified = 0;
  };
  void refresh(size_t at) {
    auto &a = nodes_[2 * at], &b = nodes_[2 * at + 1];
    nodes_[at] = {std::max(a.key, b.key), a.qualified + b.qualified};
  }

  std::vector<node> nodes_; // in heap order from 1; the second half are the lists
};

/// What lies below a vertex, as visited with one level of the request.
struct branch {
  uint16_t level = 0;
  std::vector<finding*> below; ///< By place; null: a leaf, or not visited yet.
  best_of_lists best;          ///< For levels of one request above many vertices.
  std::vector<uint32_t> stale; ///< Places of which only a bound is known again, for `best`.
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
  uint32_t slots_made = 0; ///< Those behind were put together when others had taken parts of them.
  /// By sibling: of what its slots are made, best first, where they compete with others for it.
  std::vector<std::pair<uint16_t, std::vector<candidates>>> slot_parts;
  bool all = false; ///< As it was visited: what goes up is not cut.
  /// A slot of the request here.
  struct slot_place {
    uint16_t node;
    bool here; ///< Its parts are.
    bool near; ///< And some are nearer to each other than to others.
  };
  std::vector<slot_place> slot_places;

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

template <class Bound>
void best_of_lists::resize(size_t lists, Bound bound) {
  auto half = std::bit_ceil(std::max<size_t>(lists, 1));
  nodes_.assign(2 * half, {});
  for (size_t i = 0; i < lists; ++i)
    nodes_[half + i].key = bound(i);
  for (auto at = half; --at > 0;)
    refresh(at);
}

template <class More, class Open, class Take>
void best_of_lists::each_best(More more, Open open, Take take) {
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
  std::vector<entry> heap{{nodes_[1].key, 1, false, 0}};
  auto add = [&](const entry& e) {
    heap.push_back(e);
    std::push_heap(heap.begin(), heap.end(), worse);
  };
  while (!heap.empty() && more()) {
    std::pop_heap(heap.begin(), heap.end(), worse);
    auto e = heap.back();
    heap.pop_back();
    if (e.key == nothing)
      return;
    if (e.at < lists) {
      for (auto child : {2 * e.at, 2 * e.at + 1})
        add({nodes_[child].key, child, false, first_list(child)});
    } else if (!e.begun && nodes_[e.at].qualified == 0) {
      open(e.place);
      if (auto& known = nodes_[e.at]; known.qualified > 0)
        add({known.key, e.at, false, e.place});
    } else if (std::optional<int64_t> next = take(e.place)) {
      add({*next, e.at, true, e.place});
    }
  }
}

/// Which candidate is better.
bool better(const candidate& a, const candidate& b, score_order order);

/// Sorts the list, best first, and cuts it behind the first candidates that have `units` together.
/// `all`: as Fluxion sorts, else equals stay in their order.
void keep_best(candidates& c, uint64_t units, score_order order, bool as_fluxion);

} // namespace hactor
