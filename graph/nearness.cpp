// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/nearness.hpp"

#include <algorithm>
#include <tuple>

#include "graph/affinity.hpp"

namespace hactor {

namespace {

/// The cores in an order in which those of a group, and in it those of each smaller one, stand
/// together; else by id.
std::vector<uint32_t> by_group(const idset& cores, std::span<const near_group> groups) {
  std::vector<const near_group*> largest_first;
  for (auto& g : groups)
    if (g.cores.intersects(cores))
      largest_first.push_back(&g);
  std::stable_sort(largest_first.begin(), largest_first.end(),
                   [](auto* a, auto* b) { return a->cores.size() > b->cores.size(); });
  struct place {
    std::vector<uint32_t> way; // the first core of each group that it is in, then itself
    uint32_t core;
  };
  std::vector<place> places;
  for (auto core : cores.expand()) {
    places.push_back({{}, core});
    for (auto* g : largest_first)
      if (g->cores.contains(core))
        places.back().way.push_back(g->cores.first());
    places.back().way.push_back(core);
  }
  std::stable_sort(places.begin(), places.end(),
                   [](const place& a, const place& b) { return a.way < b.way; });
  std::vector<uint32_t> order;
  for (auto& p : places)
    order.push_back(p.core);
  return order;
}

/// How many more each of `takers` may have, when `amount` are given to them evenly: so many, and
/// some of them one more.
class quota {
public:
  quota(uint64_t amount, uint64_t takers)
      : left_(takers, amount / takers), has_extra_(takers, false), extras_{amount % takers} {}

  bool may_take(size_t taker) const {
    return left_[taker] > 0 || (extras_ > 0 && !has_extra_[taker]);
  }
  void take(size_t taker) {
    if (left_[taker] > 0) {
      --left_[taker];
      return;
    }
    has_extra_[taker] = true;
    --extras_;
  }

private:
  std::vector<uint64_t> left_;
  std::vector<bool> has_extra_;
  uint64_t extras_;
};

/// Gives GPUs to tasks, the nearest pairs first.
void deal_gpus(const idset& gpus, std::span<const near_group> groups,
               std::vector<task_parts>& dealt) {
  auto ids = gpus.expand();
  std::vector<std::tuple<uint64_t, size_t, size_t>> pairs; // how near; task, GPU by position
  for (size_t t = 0; t < dealt.size(); ++t) {
    std::vector<uint64_t> near;
    for (auto& g : groups)
      near.push_back(g.cores.intersect(dealt[t].cores).size());
    for (size_t i = 0; i < ids.size(); ++i) {
      uint64_t sum = 0;
      for (size_t k = 0; k < groups.size(); ++k)
        sum += groups[k].gpus.contains(ids[i]) ? near[k] : 0;
      pairs.emplace_back(sum, t, i);
    }
  }
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](auto& a, auto& b) { return std::get<0>(a) > std::get<0>(b); });
  auto shared = ids.size() < dealt.size();
  quota tasks{shared ? dealt.size() : ids.size(), dealt.size()};
  quota cards{shared ? dealt.size() : ids.size(), ids.size()};
  for (auto& [sum, t, i] : pairs) {
    if (!tasks.may_take(t) || !cards.may_take(i))
      continue;
    tasks.take(t);
    cards.take(i);
    dealt[t].gpus.add(ids[i]);
  }
}

} // namespace

std::vector<task_parts> deal_near(const idset& cores, const idset& gpus,
                                  std::span<const near_group> groups, uint32_t count) {
  std::vector<task_parts> dealt(count);
  auto order = by_group(cores, groups);
  for (uint32_t i = 0; i < count; ++i) {
    // Positions are dealt as ids are.
    auto some = order.empty() ? idset{}
                              : task_part(idset::range(0, static_cast<uint32_t>(order.size()) - 1),
                                          i, count);
    for (auto place : some.expand())
      dealt[i].cores.add(order[place]);
    if (groups.empty())
      dealt[i].gpus = task_part(gpus, i, count);
  }
  if (!groups.empty() && !gpus.empty() && count > 0)
    deal_gpus(gpus, groups, dealt);
  return dealt;
}

} // namespace hactor
