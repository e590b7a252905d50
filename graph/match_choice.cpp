// Slots that may stand for each other: which kinds are made of what is directly below a vertex, so
// that there are as many slots as can be. Part of match_walk.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <limits>
#include <map>
#include <span>

#include "graph/match_walk.hpp"

namespace hactor {

namespace {

/// What is left is compared in so many ways at most, and so many slots one after the other: beyond
/// that the first kind that fits is as good as any.
constexpr size_t ways_max = 100'000;
constexpr size_t depth_max = 2'000;

/// Finds the kinds of the most slots, one after the other; among equals the kind that stands first.
class slot_planner {
public:
  /// `wanted`: by kind and by part, the units that one slot takes; `units`: by part, what there is.
  slot_planner(std::span<const std::vector<uint64_t>> wanted, std::vector<uint64_t> units)
      : wanted_{wanted}, units_{std::move(units)} {}

  /// Calls f(kind) for each slot until it returns false.
  template <class F>
  void each(F f) {
    while (true) {
      auto next = best(units_, 0);
      if (next.kind == no_kind || !f(next.kind))
        return;
      units_ = without(units_, next.kind);
    }
  }

private:
  static constexpr size_t no_kind = std::numeric_limits<size_t>::max();

  struct plan {
    uint64_t slots = 0;
    size_t kind = no_kind;
  };

  bool fits(const std::vector<uint64_t>& units, size_t kind) const {
    auto any = false;
    for (size_t i = 0; i < units.size(); ++i) {
      if (wanted_[kind][i] > units[i])
        return false;
      any = any || wanted_[kind][i] > 0;
    }
    return any;
  }

  std::vector<uint64_t> without(std::vector<uint64_t> units, size_t kind) const {
    for (size_t i = 0; i < units.size(); ++i)
      units[i] -= wanted_[kind][i];
    return units;
  }

  plan best(const std::vector<uint64_t>& units, size_t depth) {
    if (auto known = plans_.find(units); known != plans_.end())
      return known->second;
    plan result;
    for (size_t kind = 0; kind < wanted_.size(); ++kind) {
      if (!fits(units, kind))
        continue;
      if (depth >= depth_max || plans_.size() >= ways_max)
        return {1, kind};
      auto slots = best(without(units, kind), depth + 1).slots + 1;
      if (slots > result.slots)
        result = {slots, kind};
    }
    plans_.emplace(units, result);
    return result;
  }

  std::span<const std::vector<uint64_t>> wanted_;
  std::vector<uint64_t> units_;
  std::map<std::vector<uint64_t>, plan> plans_; // by what is left
};

} // namespace

void match_walk::make_chosen_slots(finding& f, const visit& how, const slot_choice& choice,
                                   candidates& out) {
  auto first = request_->levels[choice.level].first;
  auto is_here = [&](size_t kind) {
    return options_.levels_as_fluxion
           || slot_at(f, static_cast<uint16_t>(first + choice.kinds[kind].sibling)).here;
  };
  // What can be made here is not also made deeper, of the same things.
  std::erase_if(out.list, [&](const candidate& c) { return is_here(c.kind); });
  out.qualified = out.list.size();
  auto n = siblings(choice.parts);
  lists parts(n);
  explore(f, {choice.parts, may_skip(false), true, how.factor, node(how.level, choice.holder).most},
          parts);
  std::vector<uint64_t> units;
  for (auto& p : parts) {
    units.push_back(p.qualified);
    keep_best(p, std::numeric_limits<uint64_t>::max(), policy_.order_of_slots, true);
  }
  // A kind that cannot be made of all that there is wants more of something than there ever is.
  std::vector<std::vector<uint64_t>> wanted;
  for (auto& kind : choice.kinds) {
    auto& row = wanted.emplace_back(n, 0);
    if (!is_here(wanted.size() - 1)) {
      std::fill(row.begin(), row.end(), std::numeric_limits<uint64_t>::max());
      continue;
    }
    auto level = node(choice.level, kind.sibling).level;
    for (size_t i = 0; i < kind.parts.size(); ++i)
      if (auto& part = node(level, i); !part.elsewhere)
        row[kind.parts[i]] += largest_within(part.count, units[kind.parts[i]])
                                  .value_or(std::numeric_limits<uint32_t>::max());
  }
  std::vector<size_t> next(n);
  auto make = [&](size_t kind) {
    candidate made{1, 1, &f, f.at, static_cast<uint32_t>(f.slot_ends.size()), true};
    made.kind = static_cast<uint16_t>(kind);
    auto begin = f.slots.size();
    for (size_t i = 0; i < n; ++i)
      for (uint64_t have = 0; have < wanted[kind][i];) {
        if (next[i] == parts[i].list.size()) { // whole vertices: there were fewer than units
          f.slots.resize(begin);
          return false;
        }
        auto& c = parts[i].list[next[i]++];
        f.slots.push_back({c.at, static_cast<uint16_t>(i), c.count, c.found});
        made.score += c.score;
        have += c.count;
      }
    f.slot_ends.push_back(static_cast<uint32_t>(f.slots.size()));
    out.add(made);
    return true;
  };
  if (request_->is_ambiguous(how.level))
    f.slot_parts.emplace_back(choice.holder, parts);
  if (choice.kinds.size() == 1) {
    while (out.list.size() < node(how.level, choice.holder).most && make(0)) {
    }
    return;
  }
  slot_planner{wanted, units}.each(make);
}

} // namespace hactor
