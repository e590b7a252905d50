// Of which parts of a node each slot is made: of those below one socket, numanode, ... where a
// whole slot fits there. Part of match_walk.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>

#include "graph/match_walk.hpp"

namespace hactor {

namespace {

/// The parts of a node by what they lie below, and their order when slots are made one after the
/// other.
class slot_places {
public:
  slot_places(const resource_graph& graph, vertex top, const std::vector<candidates>& parts,
              std::vector<size_t> wanted)
      : graph_{graph}, wanted_{std::move(wanted)}, order_(parts.size()) {
    places_.push_back({top, 0, 0, std::vector<waiting>(parts.size())});
    for (size_t i = 0; i < parts.size(); ++i)
      for (size_t k = 0; wanted_[i] > 0 && k < parts[i].list.size(); ++k)
        add(i, k, graph.parent(parts[i].list[k].at));
  }

  /// Takes the parts of the next slot. False when they do not lie below one place.
  bool next() {
    auto need = wanted_;
    auto is_near = true;
    for (auto first = true;; first = false) {
      auto missing = std::any_of(need.begin(), need.end(), [](size_t n) { return n > 0; });
      if (!missing)
        return is_near;
      is_near = is_near && first;
      take(best(need), need);
    }
  }

  /// By part: which were taken, in this order.
  const std::vector<std::vector<size_t>>& order() const { return order_; }

private:
  /// Those directly below a place, by position in their list, and how many are left there and in
  /// all below it.
  struct waiting {
    std::vector<size_t> positions;
    size_t next = 0;
    size_t left = 0;
  };
  struct place {
    vertex at;
    size_t above; // the root's is itself
    size_t depth;
    std::vector<waiting> parts;
  };

  void add(size_t part, size_t position, vertex at) {
    auto p = place_of(at);
    places_[p].parts[part].positions.push_back(position);
    each_above(p, [&](place& x) { ++x.parts[part].left; });
  }

  size_t place_of(vertex at) {
    if (last_ < places_.size() && places_[last_].at == at)
      return last_;
    auto i = std::find_if(places_.begin(), places_.end(), [at](auto& p) { return p.at == at; });
    last_ = static_cast<size_t>(i - places_.begin());
    if (i == places_.end()) {
      auto above = place_of(graph_.parent(at));
      last_ = places_.size();
      places_.push_back(
          {at, above, places_[above].depth + 1, std::vector<waiting>(wanted_.size())});
    }
    return last_;
  }

  /// Calls f with the place and all above it.
  template <class F>
  void each_above(size_t p, F f) {
    for (;; p = places_[p].above) {
      f(places_[p]);
      if (p == 0)
        return;
    }
  }

  bool is_within(size_t p, size_t outer) const {
    while (places_[p].depth > places_[outer].depth)
      p = places_[p].above;
    return p == outer;
  }

  /// Where most of what is needed is to be had, then what is smallest, then where least is left,
  /// then the first. What lies directly below something above a place is as near as what is in it.
  size_t best(const std::vector<size_t>& need) {
    size_t found = 0, most = 0, least_left = 0;
    for (size_t p = 1; p < places_.size(); ++p) {
      size_t own = 0, all = 0, left = 0;
      for (size_t i = 0; i < need.size(); ++i) {
        auto here = places_[p].parts[i].left, beside = size_t{0};
        if (need[i] == 0)
          continue;
        each_above(places_[p].above, [&](place& x) {
          beside += x.parts[i].positions.size() - x.parts[i].next;
        });
        own += std::min(need[i], here);
        all += std::min(need[i], here + beside);
        left += here;
      }
      auto is_better = all != most ? all > most
                       : places_[p].depth != places_[found].depth
                           ? places_[p].depth > places_[found].depth
                           : left < least_left;
      if (own > 0 && is_better) {
        found = p;
        most = all;
        least_left = left;
      }
    }
    return found;
  }

  /// Takes of what is needed what is in a place, then what lies directly below what is above it.
  void take(size_t p, std::vector<size_t>& need) {
    for (size_t i = 0; i < need.size(); ++i) {
      for (; need[i] > 0 && places_[p].parts[i].left > 0; --need[i])
        take_one(first_within(p, i), i);
      for (auto up = p; need[i] > 0 && up != 0;) {
        up = places_[up].above;
        for (auto& w = places_[up].parts[i]; need[i] > 0 && w.next < w.positions.size(); --need[i])
          take_one(up, i);
      }
    }
  }

  /// The place at or below `outer` that has the part that stands first.
  size_t first_within(size_t outer, size_t part) const {
    auto found = places_.size();
    auto position = SIZE_MAX;
    for (size_t p = outer; p < places_.size(); ++p) {
      auto& w = places_[p].parts[part];
      if (w.next < w.positions.size() && w.positions[w.next] < position && is_within(p, outer)) {
        found = p;
        position = w.positions[w.next];
      }
    }
    return found;
  }

  void take_one(size_t p, size_t part) {
    auto& w = places_[p].parts[part];
    order_[part].push_back(w.positions[w.next++]);
    each_above(p, [part](place& x) { --x.parts[part].left; });
  }

  const resource_graph& graph_;
  std::vector<size_t> wanted_; // candidates that a slot takes, by part
  std::vector<place> places_;  // outer ones before what is in them; the first is the node
  size_t last_ = 0;
  std::vector<std::vector<size_t>> order_;
};

/// Puts those first that were taken.
void put_first(candidates& c, const std::vector<size_t>& taken) {
  auto in_place = true;
  for (size_t k = 0; k < taken.size() && in_place; ++k)
    in_place = taken[k] == k;
  if (in_place)
    return;
  std::vector<candidate> list;
  std::vector<bool> is_taken(c.list.size(), false);
  list.reserve(c.list.size());
  for (auto k : taken) {
    list.push_back(c.list[k]);
    is_taken[k] = true;
  }
  for (size_t k = 0; k < c.list.size(); ++k)
    if (!is_taken[k])
      list.push_back(c.list[k]);
  c.list = std::move(list);
}

} // namespace

/// Whether it makes a difference of which parts of the vertex a slot is made: it takes more than
/// one, and something between the vertex and them holds some of them together.
bool match_walk::has_near(const finding& f, const request_node& slot) const {
  if (options_.levels_as_fluxion || graph_.rank(f.at) < 0 || graph_.has_links())
    return false;
  uint64_t taken = 0;
  for (size_t i = 0; i < siblings(slot.level); ++i)
    taken += node(slot.level, i).elsewhere ? 0 : node(slot.level, i).least;
  if (taken <= 1)
    return false;
  auto below = graph_.below(f.at);
  return std::any_of(below.begin(), below.end(), [&](vertex c) {
    for (size_t i = 0; graph_.has_below(c) && i < siblings(slot.level); ++i)
      if (auto& part = node(slot.level, i);
          !part.elsewhere && graph_.type(c) != part.type && contains(c, part.type))
        return true;
    return false;
  });
}

/// Whether something directly below the vertex may have room for a whole slot.
bool match_walk::may_have_near(const finding& f, const request_node& slot) {
  auto below = graph_.below(f.at);
  return std::any_of(below.begin(), below.end(), [&](vertex c) {
    return graph_.has_below(c) && is_up(c) && has_below(c, slot.below);
  });
}

/// Orders the parts so that each slot gets parts that lie near each other. False when some slot
/// does not.
bool match_walk::put_near(const finding& f, const request_node& slot, lists& parts) const {
  std::vector<uint64_t> wanted;
  auto slots = slots_of(slot, parts, wanted);
  std::vector<size_t> each(parts.size());
  auto together = graph_.parent(parts.front().list.empty() ? f.at : parts.front().list.front().at);
  auto is_together = slots == 1 && together != f.at;
  for (size_t i = 0; i < parts.size() && slots > 0; ++i) {
    auto& list = parts[i].list;
    if (wanted[i] == 0)
      continue;
    auto units = list.front().count;
    // Bundles of different sizes make as many slots in one order only.
    if (!std::all_of(list.begin(), list.end(), [units](auto& c) { return c.count == units; }))
      return true;
    each[i] = (wanted[i] + units - 1) / units;
    is_together = is_together && list.size() == each[i]
                  && std::all_of(list.begin(), list.end(), [&](auto& c) {
                       return graph_.parent(c.at) == together;
                     });
  }
  if (slots == 0 || is_together)
    return true;
  slot_places places{graph_, f.at, parts, std::move(each)};
  auto all_near = true;
  for (uint64_t k = 0; k < slots; ++k)
    all_near = places.next() && all_near;
  for (size_t i = 0; i < parts.size(); ++i)
    put_first(parts[i], places.order()[i]);
  return all_near;
}

} // namespace hactor
