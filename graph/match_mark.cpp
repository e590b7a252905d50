// See match_mark.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/match_mark.hpp"

#include <algorithm>

namespace hactor {

namespace {

constexpr uint32_t no_mark = vertex_numbers::none;

} // namespace

void vertex_numbers::grow() {
  auto old = std::move(entries_);
  entries_.assign(2 * old.size(), {});
  --shift_;
  for (auto& e : old)
    if (e.at != no_vertex)
      entries_[place_of(e.at)] = e;
}

/// Whether another subsystem leads from one to the other: such links say where to look, not what
/// counts it.
bool match_marker::is_nested(vertex above, vertex v) const {
  for (size_t s = containment + 1; s < graph_.subsystem_count(); ++s) {
    auto up = graph_.above(v, static_cast<subsystem_id>(s));
    if (std::find(up.begin(), up.end(), above) != up.end())
      return true;
  }
  return false;
}

/// Marks the vertex and all above it; those that were not yet, as shared. `within`: what it was
/// found in, which may be linked to it only.
uint32_t match_marker::mark_vertex(vertex v, vertex within) {
  if (auto known = mark_of_.find(v); known != no_mark)
    return known;
  auto up = graph_.parent(v);
  if (within != no_vertex && within != up && !is_nested(within, v)) {
    auto linked = graph_.linked(within);
    if (std::find(linked.begin(), linked.end(), v) != linked.end())
      up = within;
  }
  auto above = up == no_vertex ? no_mark : mark_vertex(up);
  marks_.push_back({v, above, graph_.units(v), false, 0});
  auto mark = static_cast<uint32_t>(marks_.size() - 1);
  mark_of_.add(v, mark);
  return mark;
}

uint32_t match_marker::choose(vertex v, vertex within, int64_t units, bool exclusive,
                              uint8_t slot) {
  auto mark = mark_vertex(v, within);
  auto& m = marks_[mark];
  m.units = units;
  m.exclusive = exclusive;
  m.slot = slot;
  return mark;
}

void match_marker::label(vertex v, const request_node& n) {
  if (!n.label.empty())
    result_.labels.emplace_back(v, n.label);
}

/// Takes what was chosen below a vertex, unless all of it comes with the vertex and nothing is to
/// be said of single ones.
void match_marker::take_own(const finding* found, const request_node& n, size_t sibling,
                            uint32_t mark) {
  if (found == nullptr || (n.plain && marks_[mark].exclusive && is_whole(found->at, mark)))
    return;
  auto own = found->as(static_cast<uint16_t>(sibling));
  if (own == nullptr)
    return;
  for (size_t i = 0; i < own->chosen.size(); ++i)
    take_all(own->chosen[i], n.level, i, found->at);
  result_.charges.insert(result_.charges.end(), own->charges.begin(), own->charges.end());
}

void match_marker::take_all(const candidates& chosen, uint16_t level, size_t sibling,
                            vertex within) {
  auto wanted = chosen.wanted;
  for (auto& c : chosen.list) {
    take(c, level, sibling, wanted, within);
    wanted -= std::min(wanted, c.count);
  }
}

void match_marker::take(const candidate& c, uint16_t level, size_t sibling, uint64_t wanted,
                        vertex within) {
  auto& n = request_->node(level, sibling);
  if (c.slot == candidate::no_slot) {
    auto mark = choose(c.at, within, static_cast<int64_t>(c.count), c.exclusive, 0);
    // A part of a shared pool is taken as an amount: the next job may have the rest.
    if (request_->charge && !c.exclusive && graph_.is_leaf(c.at))
      result_.charges.push_back({c.at, static_cast<int64_t>(std::min(wanted, c.count))});
    label(c.at, n);
    take_own(c.found, n, sibling, mark);
    return;
  }
  auto choice = n.option ? request_->choice_at(level) : nullptr;
  auto parts = choice != nullptr ? choice->parts : n.level;
  auto& slot = choice != nullptr ? request_->node(level, choice->kinds[c.kind].sibling) : n;
  auto begin = c.slot == 0 ? 0 : c.found->slot_ends[c.slot - 1];
  for (auto i = begin; i < c.found->slot_ends[c.slot]; ++i) {
    auto& part = c.found->slots[i];
    auto& of = request_->node(parts, part.sibling);
    auto mark = choose(part.at, c.at, static_cast<int64_t>(part.count), true,
                       i == begin ? slot.slot_number : uint8_t{0});
    label(part.at, of);
    take_own(part.found, of, part.sibling, mark);
  }
}

/// Whether all that is in the vertex comes with it. The look-alike of Fluxion takes everything that
/// is of a type that was asked for exclusively somewhere; else what was chosen exclusively.
bool match_marker::is_whole(vertex v, uint32_t mark) const {
  auto type = graph_.type(v);
  if (policy_.node_exclusive && type == node_type_)
    return true;
  if (request_->charge)
    return mark != no_mark && marks_[mark].exclusive;
  return type < request_->exclusive_types.size() && request_->exclusive_types[type];
}

/// Appends all that is below a vertex that is taken as a whole.
void match_marker::emit_below(vertex v, uint16_t depth) {
  auto down = static_cast<uint16_t>(depth + 1);
  for (auto c : graph_.below(v)) {
    if (graph_.has_below(c))
      emit_below(c, down);
    auto mark = mark_of_.find(c);
    auto slot = mark == no_mark ? uint8_t{0} : marks_[mark].slot;
    result_.picks.push_back({c, down, true, slot, graph_.units(c)});
  }
}

/// Appends the vertex behind all below it. False, and nothing is appended, when it is shared and
/// nothing below it is exclusive or charged.
bool match_marker::emit(vertex v, uint32_t mark, uint16_t depth, bool exclusive, int64_t units) {
  auto wanted = exclusive;
  if (is_whole(v, mark)) {
    wanted = exclusive = true;
    emit_below(v, depth);
  } else if (mark != no_mark) {
    auto [begin, end] = below_[mark];
    for (auto i = begin; i < end; ++i) {
      auto& m = marks_[sorted_[i]];
      wanted |= emit(m.at, sorted_[i], static_cast<uint16_t>(depth + 1), m.exclusive, m.units);
    }
    wanted = wanted
             || std::any_of(result_.charges.begin(), result_.charges.end(),
                            [v](const charge& c) { return c.at == v; });
  }
  if (wanted)
    result_.picks.push_back(
        {v, depth, exclusive, mark == no_mark ? uint8_t{0} : marks_[mark].slot, units});
  return wanted;
}

/// Where it stands below the mark above it: what is linked comes behind what is contained.
size_t match_marker::place_of(const mark& m) const {
  auto above = marks_[m.above].at;
  if (graph_.parent(m.at) == above)
    return graph_.place(m.at);
  auto linked = graph_.linked(above);
  return graph_.below(above).size()
         + static_cast<size_t>(std::find(linked.begin(), linked.end(), m.at) - linked.begin());
}

/// Orders what is below each mark as the graph has it.
void match_marker::sort_by_place() {
  below_.assign(marks_.size(), {0, 0});
  for (size_t i = 1; i < marks_.size(); ++i)
    ++below_[marks_[i].above].second;
  uint32_t end = 0;
  for (auto& [first, last] : below_) {
    first = end;
    end += last;
    last = first;
  }
  sorted_.resize(end);
  for (uint32_t i = 1; i < marks_.size(); ++i)
    sorted_[below_[marks_[i].above].second++] = i;
  auto before = [&](uint32_t a, uint32_t b) { return place_of(marks_[a]) < place_of(marks_[b]); };
  for (auto [first, last] : below_)
    if (!std::is_sorted(sorted_.begin() + first, sorted_.begin() + last, before))
      std::sort(sorted_.begin() + first, sorted_.begin() + last, before);
}

selection match_marker::make(const match_request& request, const std::vector<candidates>& top,
                             const std::vector<charge>& top_charges) {
  request_ = &request;
  node_type_ = graph_.find_type("node");
  marks_.clear();
  result_ = {};
  mark_vertex(graph_.root());
  for (size_t i = 0; i < top.size(); ++i)
    take_all(top[i], 0, i, no_vertex);
  result_.charges.insert(result_.charges.end(), top_charges.begin(), top_charges.end());
  std::sort(result_.charges.begin(), result_.charges.end(),
            [](const charge& a, const charge& b) { return a.at < b.at; });
  std::vector<charge> sums;
  for (auto& c : result_.charges)
    if (!sums.empty() && sums.back().at == c.at)
      sums.back().units += c.units;
    else
      sums.push_back(c);
  result_.charges = std::move(sums);

  sort_by_place();
  result_.picks.reserve(picks_before_); // the next job is mostly like the last
  auto& root = marks_[0];
  emit(root.at, 0, 0, root.exclusive, root.units);
  mark_of_.clear();
  picks_before_ = result_.picks.size();
  return std::move(result_);
}

} // namespace hactor
