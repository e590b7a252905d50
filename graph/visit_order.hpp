// The order in which children are looked at when what fits first is taken: those that were never
// used come first, then those with most left; among equals the highest uniq_id. So work is spread.
// Kept from match to match; what is released is noticed at the next use.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <set>
#include <unordered_map>
#include <vector>

#include "graph/resource_graph.hpp"

namespace hactor {

class visit_order {
public:
  explicit visit_order(const resource_graph& g) : graph_{g} {}

  /// More of the child is held; `left` is what it has left.
  void touched(vertex child, int64_t left);

  /// Where each() would begin, when that can be told at once; else no_vertex.
  vertex first_of(vertex parent) const;

  /// Tells the processor that touched() will be told of the vertex soon.
  void prefetch(vertex v) const {
    if (v < left_.size())
      __builtin_prefetch(&left_[v], 1);
  }

  /// For who does not care what comes next.
  struct no_hint {
    void operator()(vertex) const {}
  };

  /// Calls f(place) until it returns false. `soon` is told before what may come next.
  template <class F, class Soon = no_hint>
  void each(vertex parent, F f, Soon soon = {}) {
    follow_shape();
    auto n = static_cast<uint32_t>(graph_.below(parent).size());
    auto linked = static_cast<uint32_t>(graph_.linked(parent).size());
    if (!has_used_[parent] && linked == 0 && graph_.is_ascending(parent)) {
      auto children = graph_.below(parent);
      for (; n > 0; --n) {
        if (n > 1)
          soon(children[n - 2]);
        if (!f(n - 1))
          return;
      }
      return;
    }
    auto order = by_uniq_id(parent);
    auto& used = used_[parent];
    for (auto i = skip_used(used, order); i < n; ++i)
      if (auto c = order.at(i); !is_used_[c]) {
        if (i + 1 < n && !is_used_[order.at(i + 1)])
          soon(order.at(i + 1));
        if (!f(graph_.place(c)))
          return;
      }
    for (uint32_t i = 0; i < linked; ++i)
      if (!f(n + i))
        return;
    if (!has_used_[parent])
      return;
    sort_used(used, order);
    for (auto i = used.sorted.begin(); i != used.sorted.end();) {
      auto c = i->at;
      if (++i != used.sorted.end())
        soon(i->at);
      if (!f(graph_.place(c)))
        return;
    }
  }

private:
  struct used_child {
    int64_t left;
    int64_t uniq_id;
    vertex at;
    bool operator<(const used_child& o) const { // the largest first
      return left != o.left ? left > o.left : uniq_id > o.uniq_id;
    }
  };

  /// What is known of a parent that was visited after some child had been used.
  struct used_children {
    std::set<used_child> sorted; // those that were used, once somebody had to ask for them
    bool is_sorted = false;
    uint32_t first = 0; // so many with the highest uniq_id have all been used
  };

  /// A vertex that is used, as it was then.
  struct seen {
    vertex at;
    vertex parent;
    int64_t uniq_id;
  };

  /// The children, the highest uniq_id first: mostly those of the graph from behind.
  struct order_view {
    std::span<const vertex> children;
    bool backwards;
    vertex at(size_t i) const { return children[backwards ? children.size() - 1 - i : i]; }
  };

  uint32_t skip_used(used_children& used, const order_view& order) const;
  void sort_used(used_children& used, const order_view& order) const;
  order_view by_uniq_id(vertex parent);
  void follow_shape();

  const resource_graph& graph_;
  uint64_t shape_version_ = 0;
  std::vector<bool> is_used_;  // by vertex; bits, which fit into a cache where left_ does not
  std::vector<int64_t> left_;  // by vertex: what it has left, if it is used
  std::vector<seen> seen_;     // those that are used
  std::vector<bool> has_used_; // by vertex: it contains one of them
  std::unordered_map<vertex, used_children> used_;         // by parent
  std::unordered_map<vertex, std::vector<vertex>> sorted_; // by parent whose children are shuffled
};

} // namespace hactor
