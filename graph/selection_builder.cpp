// See selection_builder.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/selection_builder.hpp"

#include <algorithm>
#include <utility>

namespace hactor {

bool selection_builder::add(vertex v, choice c) {
  auto& have = chosen_[v];
  if (std::exchange(have.asked, true))
    return false;
  have = c;
  for (auto up = graph_.parent(v); up != no_vertex; up = graph_.parent(up))
    if (!chosen_.try_emplace(up, choice{graph_.units(up), false, false}).second)
      break;
  return true;
}

void selection_builder::add_all_below(vertex v) {
  std::vector<vertex> open(graph_.below(v).begin(), graph_.below(v).end());
  while (!open.empty()) {
    auto next = open.back();
    open.pop_back();
    if (auto& have = chosen_[next]; !have.asked)
      have = {graph_.units(next), true, true};
    open.insert(open.end(), graph_.below(next).begin(), graph_.below(next).end());
  }
}

bool selection_builder::is_exclusive(vertex v) const {
  auto i = chosen_.find(v);
  return i != chosen_.end() && i->second.exclusive;
}

selection selection_builder::finish(int64_t at, int64_t duration) {
  selection result;
  result.at = at;
  result.duration = duration;
  std::unordered_map<vertex, std::vector<vertex>> below;
  vertex root = no_vertex;
  for (auto& [v, c] : chosen_) {
    if (auto up = graph_.parent(v); up != no_vertex)
      below[up].push_back(v);
    else
      root = v;
  }
  for (auto& [up, children] : below)
    std::sort(children.begin(), children.end(),
              [&](vertex a, vertex b) { return graph_.place(a) < graph_.place(b); });

  // Parents before children, siblings from the last to the first; turned round in the end.
  std::vector<std::pair<vertex, uint16_t>> open;
  if (root != no_vertex)
    open.emplace_back(root, 0);
  while (!open.empty()) {
    auto [v, depth] = open.back();
    open.pop_back();
    auto& c = chosen_[v];
    result.picks.push_back({v, depth, c.exclusive, 0, c.units});
    if (auto children = below.find(v); children != below.end())
      for (auto child : children->second)
        open.emplace_back(child, static_cast<uint16_t>(depth + 1));
  }
  std::reverse(result.picks.begin(), result.picks.end());

  for (auto& [v, units] : charges_)
    result.charges.push_back({v, units});
  std::sort(result.charges.begin(), result.charges.end(),
            [](const charge& a, const charge& b) { return a.at < b.at; });
  chosen_.clear();
  charges_.clear();
  return result;
}

} // namespace hactor
