// The walk of one match: depth first from the root, with what a level of the request asks for. A
// vertex is passed by when it is down, excluded by the constraint, held by others, or has too
// little below. What is found goes up until a vertex that was asked for itself chooses the best.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "graph/ledger.hpp"
#include "graph/match_table.hpp"
#include "graph/matcher.hpp"
#include "graph/score_bounds.hpp"
#include "graph/visit_order.hpp"

namespace hactor {

/// What was taken so far for one level.
struct taken {
  std::unordered_set<vertex> vertices; // of candidates
  std::unordered_set<vertex> above;    // all that contains one of them
  std::unordered_map<vertex, int64_t> charged;
};

class match_walk {
public:
  match_walk(const resource_graph& graph, const ledger& held, const match_policy& policy,
             const matcher_options& options);

  /// Looks for the table's request; what it finds is in the table. `top`: by sibling of level 0,
  /// what was chosen. False when there is not enough.
  bool run(match_table& table, std::vector<candidates>& top);

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
    bool pristine;       ///< Nothing above was asked for: levels may be left out.
    bool exclusive;      ///< Something above is exclusive.
    int64_t factor;      ///< What the nodes above add to scores.
    uint64_t shares = 1; ///< So many times what the level asks for may be chosen: parts of slots.
    bool all_taken = false; ///< All below comes with what is above: how much there is will do.
    bool all = false; ///< All that would do is listed, not just the best or the first of it.
  };

  const request_node& node(uint16_t level, size_t sibling) const {
    return request_->node(level, sibling);
  }
  size_t siblings(uint16_t level) const { return request_->levels[level].count; }
  score_order order_at(uint16_t level) const {
    return level == 0 ? policy_.order : policy_.order_within;
  }

  bool is_up(vertex u) const;
  bool meets_constraint(vertex u) const;
  uint64_t available(vertex u) const;
  bool untouched(vertex u) const;
  bool has_below(vertex u, const type_amounts& wanted);
  bool leads_to_links(vertex u);
  bool fits(vertex u, const request_node& n, bool exclusive);
  bool contains(vertex u, type_id type) const;
  const finding::slot_place& slot_at(finding& f, uint16_t node);
  bool has_near(const finding& f, const request_node& slot) const;
  bool may_have_near(const finding& f, const request_node& slot);
  bool put_near(const finding& f, const request_node& slot, lists& parts) const;

  void search(finding& f, const visit& how);
  bool match_own(finding& f, const visit& how, size_t sibling);
  bool choose(uint16_t level, lists& found);
  bool choose_sharing(uint16_t level, lists& found, const std::vector<uint64_t>& wanted);
  bool take_for(uint16_t level, size_t sibling, const candidates& from, uint64_t wanted, bool apart,
                taken& t, candidates& out) const;
  bool is_taken(vertex v, const taken& t) const;
  bool take(uint16_t level, size_t sibling, const candidate& c, taken& t, candidates& out) const;
  bool put_together(uint16_t level, size_t sibling, const taken& t, candidate& c) const;
  bool put_together(uint16_t parts, uint16_t slot, const std::vector<candidates>& from,
                    const taken& t, finding& to) const;
  void gather_charges(const candidate& c, uint16_t level, size_t sibling,
                      std::vector<charge>& out) const;
  int64_t room(vertex v) const;
  void make_all_slots(finding& f, const visit& how, lists& out);
  void make_slots(finding& f, const visit& how, size_t sibling, candidates& out);
  void make_chosen_slots(finding& f, const visit& how, const slot_choice& choice, candidates& out);
  lists parts_of(finding& f, const visit& how, const request_node& slot, bool all);
  uint64_t slots_of(const request_node& slot, const lists& parts,
                    std::vector<uint64_t>& wanted) const;
  void pack_slots(finding& f, const request_node& slot, const lists& parts, candidates& out);

  /// What is below a vertex by place: what it contains, then what is linked to it.
  uint32_t places(vertex u) const {
    return static_cast<uint32_t>(graph_.below(u).size() + graph_.linked(u).size());
  }
  vertex child(vertex u, uint32_t place) const {
    auto contained = graph_.below(u);
    return place < contained.size() ? contained[place] : graph_.linked(u)[place - contained.size()];
  }
  bool is_first_visit(vertex u, bool passing = false);

  /// The most units that may be chosen for a sibling.
  uint64_t most(const visit& how, size_t sibling) const;
  bool may_skip(bool pristine) const { return pristine || !options_.levels_as_fluxion; }

  void explore(finding& f, const visit& how, lists& out);
  int64_t bound_of(vertex u, const visit& how);
  bool explore_kept(finding& f, const visit& how, lists& out);
  void explore_first(finding& f, const visit& how, lists& out);
  bool explore_one(finding& f, const visit& how, lists& out);
  static candidate candidate_of(finding& f, size_t i);
  void expect(vertex v, bool in_next_match);
  void look(finding& f, const visit& how, uint32_t place, lists& out);
  void look_at_leaf(vertex u, const visit& how, lists& out);
  uint64_t leaf_units(vertex u, const request_node& n, bool exclusive);
  void add_leaf(vertex u, uint64_t units, bool exclusive, const visit& how, candidates& out) const;
  bool takes_all(vertex u, const request_node& n, bool exclusive) const;
  void trim(const visit& how, lists& found) const;
  bool charge_above(vertex u, const request_node& n, std::vector<charge>& out) const;

  const resource_graph& graph_;
  const ledger& held_;
  const match_policy& policy_;
  const matcher_options& options_;
  visit_order order_;
  score_bounds bounds_;
  match_table* table_ = nullptr;
  const match_request* request_ = nullptr;
  type_id node_type_ = no_type, storage_node_type_ = no_type;
  bool keep_all_ = false;         ///< What is chosen at one place may exclude what is at another.
  bool take_first_ = false;       ///< The policy's stop_at_first, where that can be.
  std::vector<uint64_t> visited_; ///< In a graph with links, by vertex: the last run that came by.
  uint64_t runs_ = 0;
  std::vector<bool> above_links_; ///< By vertex: something at or below it is linked to others.
  uint64_t above_links_version_ = 0;
  vertex soon_first_ = 0, soon_last_ = 0; ///< What the next match will come by, if any.
  uint64_t preorder_ = 0, postorder_ = 0;
  std::vector<charge> top_charges_;
};

} // namespace hactor
