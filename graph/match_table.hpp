// What a walk of the matcher found, by vertex, for one request: kept from match to match, and
// looked for again only at and above what has changed since.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
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

/// What lies below a vertex, as visited with one level of the request.
struct branch {
  uint16_t level = 0;
  std::vector<finding*> below; ///< By place; null: a leaf, or not visited yet.
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
    return branches.emplace_back(branch{level, {}});
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

  finding* make(vertex v) {
    auto& f = findings.emplace_back();
    f.at = v;
    return &f;
  }
};

/// Which candidate is better.
bool better(const candidate& a, const candidate& b, score_order order);

/// Sorts the list, best first, and cuts it behind the first candidates that have `units` together.
/// `all`: as Fluxion sorts, else equals stay in their order.
void keep_best(candidates& c, uint64_t units, score_order order, bool as_fluxion);

} // namespace hactor
