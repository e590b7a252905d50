// Choosing where what is taken for one sibling may be what another one needs: siblings of one type,
// several slots, amounts charged on the way up in another subsystem. Part of match_walk.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <limits>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

#include "graph/match_walk.hpp"

namespace hactor {

namespace {

/// More siblings than this are tried in one order only.
constexpr size_t permuted_max = 5;

/// What was taken so far for one level.
struct taken {
  std::unordered_set<vertex> vertices; // of candidates
  std::unordered_set<vertex> above;    // all that contains one of them
  std::unordered_map<vertex, int64_t> charged;
};

} // namespace

/// Gathers what a candidate would be charged for.
void match_walk::gather_charges(const candidate& c, uint16_t level, size_t sibling,
                                std::vector<charge>& out) const {
  auto inner = [&](const finding* found, uint16_t at, size_t which) {
    auto own = found == nullptr ? nullptr : found->as(static_cast<uint16_t>(which));
    if (own == nullptr)
      return;
    out.insert(out.end(), own->charges.begin(), own->charges.end());
    auto& n = node(at, which);
    for (size_t i = 0; i < own->chosen.size(); ++i)
      for (auto& below : own->chosen[i].list)
        gather_charges(below, n.level, i, out);
  };
  if (c.slot == candidate::no_slot) {
    inner(c.found, level, sibling);
    return;
  }
  auto choice = node(level, sibling).option ? request_->choice_at(level) : nullptr;
  auto& slot = node(level, choice != nullptr ? choice->kinds[c.kind].sibling : sibling);
  auto begin = c.slot == 0 ? 0 : c.found->slot_ends[c.slot - 1];
  for (auto i = begin; i < c.found->slot_ends[c.slot]; ++i)
    inner(c.found->slots[i].found, choice != nullptr ? choice->parts : slot.level,
          c.found->slots[i].sibling);
  for (size_t i = 0; i < siblings(slot.level); ++i)
    if (node(slot.level, i).elsewhere && !charge_above(c.at, node(slot.level, i), out))
      out.push_back({c.at, std::numeric_limits<int64_t>::max()}); // cannot be had
}

bool match_walk::choose_sharing(uint16_t level, lists& found, const std::vector<uint64_t>& wanted) {
  constexpr auto all = std::numeric_limits<uint64_t>::max();
  for (auto& f : found)
    keep_best(f, all, order_at(level), options_.ties_as_fluxion);
  // Those with the least to spare first; then every other order.
  std::vector<size_t> order(found.size());
  std::iota(order.begin(), order.end(), 0);
  auto spare = [&](size_t i) {
    return found[i].qualified - std::min(found[i].qualified, wanted[i]);
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return spare(a) < spare(b); });
  auto apart = request_->is_ambiguous(level);
  lists chosen;
  auto attempt = [&] {
    taken t;
    chosen.assign(found.size(), {});
    for (auto i : order)
      if (!take_for(level, i, found[i], wanted[i], apart, t.vertices, t.above, t.charged,
                    chosen[i]))
        return false;
    return true;
  };
  if (attempt()) {
    found = std::move(chosen);
    return true;
  }
  if (!apart || order.size() > permuted_max)
    return false;
  std::sort(order.begin(), order.end());
  do
    if (attempt()) {
      found = std::move(chosen);
      return true;
    }
  while (std::next_permutation(order.begin(), order.end()));
  return false;
}

/// Takes the best candidates for one sibling that are still to be had.
bool match_walk::take_for(uint16_t level, size_t sibling, const candidates& from, uint64_t wanted,
                          bool apart, std::unordered_set<vertex>& used,
                          std::unordered_set<vertex>& above,
                          std::unordered_map<vertex, int64_t>& charged, candidates& out) const {
  out.wanted = wanted;
  std::vector<vertex> mine;
  std::vector<charge> charges;
  for (auto& c : from.list) {
    if (out.qualified >= wanted)
      break;
    mine.clear();
    if (c.slot == candidate::no_slot) {
      mine.push_back(c.at);
    } else {
      auto begin = c.slot == 0 ? 0 : c.found->slot_ends[c.slot - 1];
      for (auto i = begin; i < c.found->slot_ends[c.slot]; ++i)
        mine.push_back(c.found->slots[i].at);
    }
    auto is_used = [&](vertex v) {
      if (above.count(v) != 0)
        return true;
      for (auto up = v; up != no_vertex; up = graph_.parent(up))
        if (used.count(up) != 0)
          return true;
      return false;
    };
    if (apart && std::any_of(mine.begin(), mine.end(), is_used))
      continue;
    charges.clear();
    gather_charges(c, level, sibling, charges);
    auto before = charged;
    auto has_room = true;
    for (auto& x : charges) {
      auto& sum = charged[x.at];
      has_room = has_room && x.units <= room(x.at) - sum;
      sum += has_room ? x.units : 0;
    }
    if (!has_room) {
      charged = std::move(before);
      continue;
    }
    for (auto v : mine) {
      used.insert(v);
      for (auto up = graph_.parent(v); up != no_vertex && above.insert(up).second;
           up = graph_.parent(up)) {
      }
    }
    out.add(c);
  }
  return out.qualified >= wanted;
}

/// What may still be charged at a vertex.
int64_t match_walk::room(vertex v) const {
  auto& w = table_->window;
  if (!is_up(v))
    return 0;
  if (w.how == match_window::mode::ever)
    return graph_.units(v);
  return held_.available(v, w.at, w.how == match_window::mode::current ? w.at + 1 : w.end);
}

/// The way up from a vertex in another subsystem: every vertex of the type on it is charged, all
/// must be up and have room. One that is not in the subsystem itself goes up from what contains it.
bool match_walk::charge_above(vertex u, const request_node& n, std::vector<charge>& out) const {
  auto in_subsystem = [&](vertex v) {
    return !graph_.above(v, n.subsystem).empty() || !graph_.below(v, n.subsystem).empty();
  };
  while (u != no_vertex && !in_subsystem(u))
    u = graph_.parent(u);
  std::vector<vertex> way;
  if (u == no_vertex) // nothing that contains it is in the subsystem: its root is for all
    u = graph_.root(n.subsystem);
  if (u == no_vertex)
    return false;
  way.push_back(u);
  for (size_t i = 0; i < way.size(); ++i)
    for (auto up : graph_.above(way[i], n.subsystem))
      if (std::find(way.begin(), way.end(), up) == way.end())
        way.push_back(up);
  int64_t least_room = std::numeric_limits<int64_t>::max();
  auto is_here = false;
  for (auto v : way) {
    if (!is_up(v))
      return false;
    if (graph_.type(v) != n.type)
      continue;
    is_here = true;
    least_room = std::min(least_room, room(v));
  }
  if (!is_here || least_room <= 0)
    return false;
  auto units = largest_within(n.count, static_cast<uint64_t>(least_room));
  if (!units || *units == 0)
    return false;
  for (auto v : way)
    if (graph_.type(v) == n.type)
      out.push_back({v, static_cast<int64_t>(*units)});
  return true;
}

} // namespace hactor
