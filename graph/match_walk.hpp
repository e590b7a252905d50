// The walk of one match: depth first from the root, with what a level of the request asks for. A
// vertex is passed by when it is down, excluded by the constraint, held by others, or has too
// little below. What is found goes up until a vertex that was asked for itself chooses the best.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "graph/ledger.hpp"
#include "graph/match_table.hpp"
#include "graph/matcher.hpp"

namespace hactor {

/// The order in which children are looked at when what fits first is taken: those that were never
/// used come first, then those with most left; among equals the highest uniq_id. So work is spread.
/// Kept from match to match; what is released is noticed at the next use.
class visit_order {
public:
  explicit visit_order(const resource_graph& g) : graph_{g} {}

  /// More of the child is held; `left` is what it has left.
  void touched(vertex child, int64_t left);

  /// Calls f(place) until it returns false.
  template <class F>
  void each(vertex parent, F f) {
    follow_shape();
    auto& all = by_uniq_id(parent);
    while (all.used < all.children.size() && left_[all.children[all.used]] != never)
      ++all.used;
    for (auto i = all.used; i < all.children.size(); ++i)
      if (auto c = all.children[i]; left_[c] == never && !f(graph_.place(c)))
        return;
    if (auto i = touched_.find(parent); i != touched_.end())
      for (auto& c : i->second)
        if (!f(graph_.place(c.at)))
          return;
  }

private:
  static constexpr int64_t never = -1;

  struct touched_child {
    int64_t left;
    int64_t uniq_id;
    vertex at;
    bool operator<(const touched_child& o) const { // the largest first
      return left != o.left ? left > o.left : uniq_id > o.uniq_id;
    }
  };

  void follow_shape();
  struct sorted_children {
    std::vector<vertex> children; // the highest uniq_id first
    size_t used = 0;              // so many from the front have been used
  };
  sorted_children& by_uniq_id(vertex parent);

  const resource_graph& graph_;
  uint64_t shape_version_ = 0;
  std::unordered_map<vertex, sorted_children> sorted_;          // by parent
  std::vector<int64_t> left_;                                   // by vertex, or never
  std::unordered_map<vertex, std::set<touched_child>> touched_; // by parent
};

class match_walk {
public:
  match_walk(const resource_graph& graph, const ledger& held, const match_policy& policy,
             const matcher_options& options);

  /// Looks for the table's request; what it finds is in the table. `top`: by sibling of level 0,
  /// what was chosen. False when there is not enough.
  bool run(match_table& table, std::vector<candidates>& top);

  /// The request asks for something shared below something exclusive.
  bool contradiction() const { return contradiction_; }
  uint64_t preorder() const { return preorder_; }
  uint64_t postorder() const { return postorder_; }
  visit_order& order() { return order_; }
  /// Charges of requests that stand at the top.
  const std::vector<charge>& top_charges() const { return top_charges_; }

private:
  using lists = std::vector<candidates>;

  /// How a vertex is visited.
  struct visit {
    uint16_t level;
    bool pristine;  ///< Nothing above was asked for: levels may be left out.
    bool exclusive; ///< Something above is exclusive.
    int64_t factor; ///< What the nodes above add to scores.
    uint64_t shares = 1; ///< So many times what the level asks for may be chosen: parts of slots.
  };

  const request_node& node(uint16_t level, size_t sibling) const {
    return request_->nodes[request_->levels[level].first + sibling];
  }
  size_t siblings(uint16_t level) const { return request_->levels[level].count; }
  /// The most units that may be chosen for a sibling.
  uint64_t most(const visit& how, size_t sibling) const;
  bool may_skip(bool pristine) const { return pristine || !options_.levels_as_fluxion; }
  score_order order_at(uint16_t level) const {
    return level == 0 ? policy_.order : policy_.order_within;
  }

  bool is_up(vertex u) const;
  bool meets_constraint(vertex u) const;
  uint64_t available(vertex u) const;
  bool untouched(vertex u) const;
  bool has_below(vertex u, const type_amounts& wanted) const;
  bool fits(vertex u, const request_node& n, bool exclusive);
  bool slot_is_here(finding& f, uint16_t node);
  bool contains(vertex u, type_id type) const;

  void search(finding& f, const visit& how);
  bool match_own(finding& f, const visit& how, size_t sibling);
  bool choose(uint16_t level, lists& found);
  bool choose_sharing(uint16_t level, lists& found, const std::vector<uint64_t>& wanted);
  bool take_for(uint16_t level, size_t sibling, const candidates& from, uint64_t wanted, bool apart,
                std::unordered_set<vertex>& used, std::unordered_set<vertex>& above,
                std::unordered_map<vertex, int64_t>& charged, candidates& out) const;
  void gather_charges(const candidate& c, uint16_t level, size_t sibling,
                      std::vector<charge>& out) const;
  int64_t room(vertex v) const;
  void make_slots(finding& f, const visit& how, const request_node& slot, candidates& out);
  void pack_slots(finding& f, const request_node& slot, lists& parts, candidates& out);

  void explore(finding& f, const visit& how, lists& out);
  bool explore_kept(finding& f, const visit& how, lists& out);
  void explore_first(finding& f, const visit& how, lists& out);
  static candidate candidate_of(const finding& f, size_t i);
  void look(finding& f, const visit& how, uint32_t place, lists& out);
  void look_at_leaf(vertex u, const visit& how, lists& out);
  void trim(const visit& how, lists& found) const;
  bool charge_above(vertex u, const request_node& n, std::vector<charge>& out) const;

  int64_t factor_of(vertex u) const;

  const resource_graph& graph_;
  const ledger& held_;
  const match_policy& policy_;
  const matcher_options& options_;
  visit_order order_;
  match_table* table_ = nullptr;
  const match_request* request_ = nullptr;
  type_id node_type_ = no_type, storage_node_type_ = no_type;
  bool keep_all_ = false;   ///< What is chosen at one place may exclude what is at another.
  bool take_first_ = false; ///< The policy's stop_at_first, where that can be.
  bool contradiction_ = false;
  uint64_t preorder_ = 0, postorder_ = 0;
  std::vector<charge> top_charges_;
};

} // namespace hactor
