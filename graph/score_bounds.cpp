// See score_bounds.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/score_bounds.hpp"

#include <algorithm>
#include <cstdlib>

namespace hactor {

namespace {

/// A node's share of the scores below it, where it decides before what is in it.
constexpr int64_t node_weight = 10'000;

} // namespace

int64_t score_bounds::factor(vertex u) {
  if (!policy_.node_centric)
    return 0;
  if (node_type_ == no_type)
    node_type_ = graph_.find_type("node");
  if (graph_.type(u) != node_type_)
    return 0;
  return (policy_.score(graph_, u) + 1) * node_weight
         + std::abs(graph_.uniq_id(u) % node_weight - 1);
}

const score_bounds::table& score_bounds::of_type(type_id type, score_order order) {
  auto t = std::find_if(tables_.begin(), tables_.end(),
                        [&](auto& x) { return x.type == type && x.order == order; });
  if (t == tables_.end())
    t = tables_.insert(tables_.end(), {type, order, 0, 0, {}});
  if (t->version != graph_.facts_version())
    fill(*t);
  return *t;
}

void score_bounds::fill(table& t) {
  if (shape_version_ != graph_.shape_version()) {
    inner_.clear();
    if (auto root = graph_.root(); root != no_vertex)
      inner_.push_back(root);
    for (size_t i = 0; i < inner_.size(); ++i)
      for (auto c : graph_.below(inner_[i]))
        if (graph_.has_below(c))
          inner_.push_back(c);
    shape_version_ = graph_.shape_version();
  }
  t.version = graph_.facts_version();
  t.most_units = 0;
  t.best.assign(graph_.limit(), nothing);
  auto own = [&](vertex v) {
    if (graph_.type(v) != t.type)
      return nothing;
    t.most_units = std::max(t.most_units, graph_.units(v));
    return key_of(policy_.score(graph_, v), t.order);
  };
  for (auto i = inner_.rbegin(); i != inner_.rend(); ++i) {
    auto best = nothing;
    for (auto c : graph_.below(*i))
      best = std::max(best, graph_.has_below(c) ? t.best[c] : own(c));
    if (best != nothing)
      best += key_of(factor(*i), t.order);
    t.best[*i] = std::max(best, own(*i));
  }
}

} // namespace hactor
