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
  if (left_[child] == left)
    return;
  has_used_[parent] = true;
  auto& all = used_[parent].touched;
  touched_child now{left, graph_.uniq_id(child), child};
  if (left_[child] == never) {
    all.insert(now);
  } else {
    auto known = all.extract({left_[child], now.uniq_id, child});
    known.value() = now;
    all.insert(std::move(known));
  }
  left_[child] = left;
}

/// Forgets what the graph has lost.
void visit_order::follow_shape() {
  if (shape_version_ == graph_.shape_version())
    return;
  shape_version_ = graph_.shape_version();
  sorted_.clear();
  left_.resize(graph_.limit(), never);
  has_used_.resize(graph_.limit());
  for (auto& [parent, used] : used_) {
    used.first = 0;
    std::erase_if(used.touched, [&, parent = parent](const touched_child& c) {
      auto gone = !graph_.exists(c.at) || graph_.parent(c.at) != parent
                  || graph_.uniq_id(c.at) != c.uniq_id;
      if (gone)
        left_[c.at] = never;
      return gone;
    });
  }
}

uint32_t visit_order::skip_used(used_children& used, const order_view& order) const {
  while (used.first < order.children.size() && left_[order.at(used.first)] != never)
    ++used.first;
  return used.first;
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
