// See visit_order.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/visit_order.hpp"

#include <algorithm>

namespace hactor {

void visit_order::touched(vertex child, int64_t left) {
  auto parent = graph_.parent(child);
  if (parent == no_vertex)
    return;
  follow_shape();
  auto was_used = static_cast<bool>(is_used_[child]);
  auto before = was_used ? left_[child] : 0;
  if (was_used && before == left)
    return;
  is_used_[child] = true;
  left_[child] = left;
  has_used_[parent] = true;
  auto uniq_id = graph_.uniq_id(child);
  if (!was_used)
    seen_.push_back({child, parent, uniq_id});
  auto i = used_.find(parent);
  if (i == used_.end() || !i->second.is_sorted)
    return;
  auto& sorted = i->second.sorted;
  used_child now{left, uniq_id, child};
  if (!was_used) {
    sorted.insert(now);
  } else {
    auto known = sorted.extract({before, uniq_id, child});
    known.value() = now;
    sorted.insert(std::move(known));
  }
}

vertex visit_order::first_of(vertex parent) const {
  auto children = graph_.below(parent);
  if (children.empty() || !graph_.is_ascending(parent) || has_used_.size() <= parent)
    return no_vertex;
  if (!has_used_[parent])
    return children.back();
  auto i = used_.find(parent);
  if (i == used_.end())
    return no_vertex;
  auto& used = i->second;
  constexpr uint32_t tries = 4; // what was used since is mostly the first
  for (uint32_t k = used.first; k < std::min<size_t>(used.first + tries, children.size()); ++k)
    if (auto c = children[children.size() - 1 - k]; !is_used_[c])
      return c;
  return used.sorted.empty() ? no_vertex : used.sorted.begin()->at;
}

/// Forgets what the graph has lost.
void visit_order::follow_shape() {
  if (shape_version_ == graph_.shape_version())
    return;
  shape_version_ = graph_.shape_version();
  sorted_.clear();
  used_.clear();
  is_used_.resize(graph_.limit());
  left_.resize(graph_.limit());
  has_used_.resize(graph_.limit());
  std::erase_if(seen_, [&](const seen& s) {
    auto gone = !graph_.exists(s.at) || graph_.parent(s.at) != s.parent
                || graph_.uniq_id(s.at) != s.uniq_id;
    if (gone)
      is_used_[s.at] = false;
    return gone;
  });
}

uint32_t visit_order::skip_used(used_children& used, const order_view& order) const {
  while (used.first < order.children.size() && is_used_[order.at(used.first)])
    ++used.first;
  return used.first;
}

void visit_order::sort_used(used_children& used, const order_view& order) const {
  if (used.is_sorted)
    return;
  used.is_sorted = true;
  for (auto c : order.children)
    if (is_used_[c])
      used.sorted.insert({left_[c], graph_.uniq_id(c), c});
}

visit_order::order_view visit_order::by_uniq_id(vertex parent) {
  auto children = graph_.below(parent);
  if (graph_.is_ascending(parent))
    return {children, true};
  auto [i, is_new] = sorted_.try_emplace(parent);
  auto& sorted = i->second;
  if (is_new) {
    sorted.assign(children.begin(), children.end());
    std::sort(sorted.begin(), sorted.end(),
              [&](vertex a, vertex b) { return graph_.uniq_id(a) > graph_.uniq_id(b); });
  }
  return {sorted, false};
}

} // namespace hactor
