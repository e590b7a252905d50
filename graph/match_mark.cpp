// See match_mark.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/match_mark.hpp"

#include <algorithm>

namespace hactor {

namespace {

constexpr uint32_t no_mark = UINT32_MAX;

} // namespace

/// Marks the vertex and all above it; those that were not yet, as shared.
uint32_t match_marker::mark_vertex(vertex v) {
  if (mark_of_[v] != 0)
    return mark_of_[v] - 1;
  auto up = graph_.parent(v);
  auto above = up == no_vertex ? no_mark : mark_vertex(up);
  marks_.push_back({v, above, graph_.units(v), false, 0});
  mark_of_[v] = static_cast<uint32_t>(marks_.size());
  return mark_of_[v] - 1;
}

void match_marker::choose(vertex v, int64_t units, bool exclusive, uint8_t slot) {
  auto& m = marks_[mark_vertex(v)];
  m.units = units;
  m.exclusive = exclusive;
  m.slot = slot;
}

void match_marker::take_own(const finding* found, uint16_t level, size_t sibling) {
  auto own = found == nullptr ? nullptr : found->as(static_cast<uint16_t>(sibling));
  if (own == nullptr)
    return;
  for (size_t i = 0; i < own->chosen.size(); ++i)
    take_all(own->chosen[i], node(level, sibling).level, i);
  result_.charges.insert(result_.charges.end(), own->charges.begin(), own->charges.end());
}

void match_marker::take_all(const candidates& chosen, uint16_t level, size_t sibling) {
  auto wanted = chosen.wanted;
  for (auto& c : chosen.list) {
    take(c, level, sibling, wanted);
    wanted -= std::min(wanted, c.count);
  }
}

void match_marker::take(const candidate& c, uint16_t level, size_t sibling, uint64_t wanted) {
  if (c.slot == candidate::no_slot) {
    choose(c.at, static_cast<int64_t>(c.count), c.exclusive, 0);
    // A part of a shared pool is taken as an amount: the next job may have the rest.
    if (request_->charge && !c.exclusive && graph_.below(c.at).empty())
      result_.charges.push_back({c.at, static_cast<int64_t>(std::min(wanted, c.count))});
    take_own(c.found, level, sibling);
    return;
  }
  auto& slot = node(level, sibling);
  auto begin = c.slot == 0 ? 0 : c.found->slot_ends[c.slot - 1];
  for (auto i = begin; i < c.found->slot_ends[c.slot]; ++i) {
    auto& part = c.found->slots[i];
    choose(part.at, static_cast<int64_t>(part.count), true, i == begin ? slot.slot_number : 0);
    take_own(part.found, slot.level, part.sibling);
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

/// Appends the vertex behind all below it. Returns how many of them are exclusive or charged; a
/// shared one without any of those below is left out.
size_t match_marker::emit(vertex v, uint32_t mark, uint16_t depth, bool whole, bool exclusive,
                          int64_t units) {
  whole = whole || is_whole(v, mark);
  exclusive = exclusive || whole;
  size_t count = exclusive;
  auto down = static_cast<uint16_t>(depth + 1);
  if (whole) {
    for (auto c : graph_.below(v))
      count += emit(c, mark_of_[c] - 1, down, true, true, graph_.units(c));
  } else if (mark != no_mark) {
    auto [begin, end] = below_[mark];
    for (auto i = begin; i < end; ++i) {
      auto& m = marks_[sorted_[i]];
      count += emit(m.at, sorted_[i], down, false, m.exclusive, m.units);
    }
    if (!result_.charges.empty())
      count += static_cast<size_t>(std::any_of(result_.charges.begin(), result_.charges.end(),
                                               [v](const charge& c) { return c.at == v; }));
  }
  if (count > 0)
    result_.picks.push_back(
        {v, depth, exclusive, mark == no_mark ? uint8_t{0} : marks_[mark].slot, units});
  return count;
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
  auto before = [&](uint32_t a, uint32_t b) {
    return graph_.place(marks_[a].at) < graph_.place(marks_[b].at);
  };
  for (auto [first, last] : below_)
    if (!std::is_sorted(sorted_.begin() + first, sorted_.begin() + last, before))
      std::sort(sorted_.begin() + first, sorted_.begin() + last, before);
}

selection match_marker::make(const match_request& request, const std::vector<candidates>& top,
                             const std::vector<charge>& top_charges) {
  request_ = &request;
  node_type_ = graph_.find_type("node");
  mark_of_.resize(graph_.limit());
  marks_.clear();
  result_ = {};
  mark_vertex(graph_.root());
  for (size_t i = 0; i < top.size(); ++i)
    take_all(top[i], 0, i);
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
  auto& root = marks_[0];
  emit(root.at, 0, 0, false, root.exclusive, root.units);
  for (auto& m : marks_)
    mark_of_[m.at] = 0;
  return std::move(result_);
}

} // namespace hactor
