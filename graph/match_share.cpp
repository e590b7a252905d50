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

/// Forgets slots that were put together for a choice that is made anew.
void forget_put_together(const candidates& from) {
  for (auto& c : from.list) {
    if (c.slot == candidate::no_slot || c.found->slot_ends.size() == c.found->slots_made)
      continue;
    c.found->slot_ends.resize(c.found->slots_made);
    c.found->slots.resize(c.found->slot_ends.empty() ? 0 : c.found->slot_ends.back());
  }
}

/// Calls f with the vertex of a candidate, or the parts of a slot, until it returns false.
template <class F>
bool each_part(const candidate& c, F f) {
  if (c.slot == candidate::no_slot)
    return f(c.at);
  for (auto i = c.slot == 0 ? 0 : c.found->slot_ends[c.slot - 1]; i < c.found->slot_ends[c.slot];
       ++i)
    if (!f(c.found->slots[i].at))
      return false;
  return true;
}

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
    for (auto& f : found)
      forget_put_together(f);
    for (auto i : order)
      if (!take_for(level, i, found[i], wanted[i], apart, t, chosen[i]))
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

/// Whether it, or what contains it or is in it, was taken.
bool match_walk::is_taken(vertex v, const taken& t) const {
  if (t.above.count(v) != 0)
    return true;
  for (auto up = v; up != no_vertex; up = graph_.parent(up))
    if (t.vertices.count(up) != 0)
      return true;
  return false;
}

/// Appends a slot to `to`, made of the best parts that nobody has taken.
bool match_walk::put_together(uint16_t parts, uint16_t slot, const std::vector<candidates>& from,
                              const taken& t, finding& to) const {
  auto begin = to.slots.size();
  for (size_t i = 0; i < siblings(slot); ++i) {
    auto& part = node(slot, i);
    if (part.elsewhere)
      continue;
    auto place = i;
    if (parts != slot) // of a choice: the parts of all kinds are together, each type once
      for (place = 0; node(parts, place).name != part.name;)
        ++place;
    auto is_free = [&](vertex v) {
      return !is_taken(v, t)
             && std::none_of(to.slots.begin() + static_cast<ptrdiff_t>(begin), to.slots.end(),
                             [v](const slot_part& own) { return own.at == v; });
    };
    auto wanted = largest_within(part.count, from[place].qualified).value_or(part.least);
    uint64_t free = 0;
    for (auto& c : from[place].list)
      free += is_free(c.at) ? c.count : 0;
    wanted = free < wanted ? part.least : wanted;
    for (auto& c : from[place].list) {
      if (wanted == 0)
        break;
      if (!is_free(c.at))
        continue;
      to.slots.push_back({c.at, static_cast<uint16_t>(place), c.count, c.found});
      wanted -= std::min(wanted, c.count);
    }
    if (wanted > 0) {
      to.slots.resize(begin);
      return false;
    }
  }
  to.slot_ends.push_back(static_cast<uint32_t>(to.slots.size()));
  return true;
}

/// Makes another slot where this one was made, of what nobody has taken. False when there is none.
bool match_walk::put_together(uint16_t level, size_t sibling, const taken& t, candidate& c) const {
  auto& f = *c.found;
  if (!f.slot_parts)
    return false;
  for (auto& [of, parts] : *f.slot_parts) {
    if (of != sibling)
      continue;
    auto choice = node(level, sibling).option ? request_->choice_at(level) : nullptr;
    auto kinds = choice != nullptr ? choice->kinds.size() : 1;
    for (size_t k = 0; k < kinds; ++k) {
      auto kind = (c.kind + k) % kinds; // its own first
      auto which = choice != nullptr ? choice->kinds[kind].sibling : sibling;
      auto own = node(level, which).level;
      if (!put_together(choice != nullptr ? choice->parts : own, own, parts, t, f))
        continue;
      c.slot = static_cast<uint32_t>(f.slot_ends.size() - 1);
      c.kind = static_cast<uint16_t>(kind);
      return true;
    }
  }
  return false;
}

/// Takes a candidate unless it has no room to be charged.
bool match_walk::take(uint16_t level, size_t sibling, const candidate& c, taken& t,
                      candidates& out) const {
  std::vector<charge> charges;
  gather_charges(c, level, sibling, charges);
  auto before = t.charged;
  auto has_room = true;
  for (auto& x : charges) {
    auto& sum = t.charged[x.at];
    has_room = has_room && x.units <= room(x.at) - sum;
    sum += has_room ? x.units : 0;
  }
  if (!has_room) {
    t.charged = std::move(before);
    return false;
  }
  each_part(c, [&](vertex v) {
    t.vertices.insert(v);
    for (auto up = graph_.parent(v); up != no_vertex && t.above.insert(up).second;
         up = graph_.parent(up)) {
    }
    return true;
  });
  out.add(c);
  return true;
}

/// Takes the best candidates for one sibling that are still to be had. Slots of which others have
/// taken a part are put together anew when those that are whole are too few.
bool match_walk::take_for(uint16_t level, size_t sibling, const candidates& from, uint64_t wanted,
                          bool apart, taken& t, candidates& out) const {
  out.wanted = wanted;
  for (auto& c : from.list) {
    if (out.qualified >= wanted)
      return true;
    if (!apart || each_part(c, [&](vertex v) { return !is_taken(v, t); }))
      take(level, sibling, c, t, out);
  }
  if (apart && !options_.levels_as_fluxion)
    for (auto c : from.list) {
      if (out.qualified >= wanted)
        break;
      if (c.slot != candidate::no_slot && put_together(level, sibling, t, c))
        take(level, sibling, c, t, out);
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
