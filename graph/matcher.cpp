// See matcher.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/matcher.hpp"

#include <algorithm>
#include <vector>

#include "graph/match_mark.hpp"
#include "graph/match_table.hpp"
#include "graph/match_walk.hpp"

namespace hactor {

namespace {

/// Findings kept in all, about 300 bytes each; of more the tables that were used longest ago go.
constexpr size_t findings_kept = 1'500'000;

constexpr size_t finding_bytes = 300; // about, with its lists

using mode = match_window::mode;

} // namespace

class matcher::state {
public:
  state(const resource_graph& graph, const ledger& held, std::shared_ptr<const match_policy> policy,
        matcher_options options)
      : graph_{graph}, held_{held}, policy_{std::move(policy)}, options_{options},
        walk_{graph, held, *policy_, options_}, marker_{graph, *policy_} {}

  match_result match(const std::shared_ptr<const match_request>& request, match_op op,
                     int64_t now) {
    preorder = postorder = 0;
    contradiction_ = false;
    request_ = request;
    length_ =
        request->duration > 0 ? request->duration : options_.horizon_end - options_.horizon_begin;
    follow_order(now);
    match_result result;
    // More nodes than are up are not looked for, says Fluxion, and never calls it impossible then.
    auto too_many = options_.satisfiable_at_horizon && request->least_nodes > nodes_up();
    bool reserving = op == match_op::allocate_or_reserve || op == match_op::reserve;
    if (too_many && (op == match_op::allocate || reserving))
      return result;
    if (op != match_op::satisfiable && !too_many) {
      auto how = held_.reservations() == 0 ? mode::current : mode::now;
      if (op != match_op::reserve && root_has(window(how, now))
          && look(window(how, now), &result.what))
        return matched(std::move(result), now);
      if (reserving && reserve(now, result))
        return result;
    }
    if (!contradiction_ && op != match_op::allocate) {
      auto possible = satisfiable();
      result.verdict = !possible                     ? match_verdict::unsatisfiable
                       : op == match_op::satisfiable ? match_verdict::matched
                                                     : match_verdict::busy;
    }
    if (contradiction_)
      result.verdict = match_verdict::invalid;
    return result;
  }

  size_t bytes() const {
    size_t findings = 0;
    for (auto& t : tables_)
      findings += t->findings.size();
    return findings * finding_bytes;
  }

  uint64_t preorder = 0, postorder = 0;

private:
  match_window window(mode how, int64_t at) const {
    return {how, at, std::max(at + 1, std::min(at + length_, options_.horizon_end))};
  }

  match_result matched(match_result result, int64_t now) const {
    result.verdict = match_verdict::matched;
    result.reserved = result.what.at > now;
    return result;
  }

  uint64_t nodes_up() {
    if (nodes_up_version_ == graph_.version())
      return nodes_up_;
    nodes_up_version_ = graph_.version();
    auto node = graph_.find_type("node");
    nodes_up_ = 0;
    for (vertex v = 0; v < graph_.limit(); ++v)
      nodes_up_ +=
          graph_.exists(v) && graph_.type(v) == node && graph_.status(v) == vertex_status::up;
    return nodes_up_;
  }

  bool satisfiable() {
    if (!options_.satisfiable_at_horizon)
      return look(window(mode::ever, options_.horizon_begin), nullptr);
    auto at = options_.horizon_end - length_ - 1;
    return look(window(mode::at_horizon, at), nullptr);
  }

  /// Whether the root has enough of all types that it counts; what it has not need not be walked
  /// for. The look-alike walks, since it tells how many vertices it has visited.
  bool root_has(const match_window& w) const {
    if (options_.satisfiable_at_horizon || graph_.root() == no_vertex)
      return true;
    auto end = w.how == mode::current ? w.at + 1 : w.end;
    for (auto& counted : held_.below(graph_.root()))
      for (auto& [type, n] : request_->total)
        if (type == counted.type && counted.plan.available(held_.pool(), w.at, end) < n)
          return false;
    return true;
  }

  /// Tries the times at which something begins or ends, as far as the root has enough of all types
  /// that it counts.
  bool reserve(int64_t now, match_result& result) {
    auto root = graph_.root();
    if (root == no_vertex)
      return false;
    auto next = held_.next_change(root, now);
    while (next && *next < options_.horizon_end) {
      auto t = *next;
      for (auto& counted : held_.below(root)) {
        int64_t amount = 0;
        for (auto& [type, n] : request_->total)
          amount = type == counted.type ? n : amount;
        if (amount == 0)
          continue;
        auto first = counted.plan.earliest(held_.pool(), t, length_, amount);
        if (!first)
          return false;
        t = std::max(t, *first);
      }
      if (t > *next) {
        next = held_.next_change(root, t - 1);
        continue;
      }
      if (look(window(mode::later, t), &result.what)) {
        result = matched(std::move(result), now);
        return true;
      }
      if (contradiction_)
        return false;
      next = held_.next_change(root, t);
    }
    return false;
  }

  bool look(const match_window& w, selection* out) {
    if (request_->variants.empty())
      return look_for(request_, w, out);
    return std::any_of(request_->variants.begin(), request_->variants.end(),
                       [&](auto& variant) { return look_for(variant, w, out); });
  }

  bool look_for(const std::shared_ptr<const match_request>& request, const match_window& w,
                selection* out) {
    auto& table = table_for(request, w);
    auto found = walk_.run(table, top_);
    contradiction_ |= table.contradiction;
    preorder += walk_.preorder();
    postorder += walk_.postorder();
    if (!found || out == nullptr)
      return found;
    *out = marker_.make(*request, top_, walk_.top_charges());
    out->at = w.at;
    out->duration = w.end - w.at;
    return !out->picks.empty();
  }

  // -- tables -----------------------------------------------------------------------------------

  /// The table of the request, brought up to date. What is current needs no time: what is held is
  /// held until it is released.
  match_table& table_for(const std::shared_ptr<const match_request>& request,
                         const match_window& w) {
    auto i = std::find_if(tables_.begin(), tables_.end(), [&](auto& t) {
      return t->request == request
             && (t->window == w || (w.how == mode::current && t->window.how == w.how)
                 || (w.how == mode::ever && t->window.how == w.how));
    });
    if (i == tables_.end()) {
      make_room();
      tables_.push_back(std::make_unique<match_table>());
      i = tables_.end() - 1;
      (*i)->request = request;
      (*i)->seen = held_.changes_end();
      (*i)->shape_version = graph_.shape_version();
    }
    auto& table = **i;
    table.window = w;
    table.used = ++uses_;
    // What is found below two vertices belongs to the first that was looked at: with links the
    // whole walk depends on each change.
    auto all_changed = graph_.has_links() && table.seen < held_.changes_end();
    if (table.shape_version != graph_.shape_version() || table.seen < held_.changes_begin()
        || all_changed) {
      table.findings.clear();
      table.root = nullptr;
    } else {
      for (; table.seen < held_.changes_end(); ++table.seen)
        make_stale(table, held_.changed(table.seen).at);
    }
    table.shape_version = graph_.shape_version();
    table.seen = held_.changes_end();
    return table;
  }

  void make_room() {
    size_t findings = 0;
    for (auto& t : tables_)
      findings += t->findings.size();
    while (findings > findings_kept) {
      auto oldest = std::min_element(tables_.begin(), tables_.end(),
                                     [](auto& a, auto& b) { return a->used < b->used; });
      findings -= (*oldest)->findings.size();
      tables_.erase(oldest);
    }
  }

  /// What was found at the vertex and above it is to be looked for again.
  void make_stale(match_table& table, vertex v) {
    way_.clear();
    for (; v != no_vertex; v = graph_.parent(v))
      way_.push_back(v);
    if (table.root != nullptr && way_.back() == graph_.root())
      make_stale(*table.root, way_.size() - 1);
  }

  void make_stale(finding& f, size_t depth) {
    f.known = false;
    if (depth == 0)
      return;
    auto place = graph_.place(way_[depth - 1]);
    for (auto& b : f.branches) {
      if (place >= b.below.size() || b.below[place] == nullptr)
        continue;
      if (!b.best.empty() && b.below[place]->known)
        b.stale.push_back(place);
      make_stale(*b.below[place], depth - 1);
    }
  }

  /// The order of visits follows what was held since.
  void follow_order(int64_t now) {
    if (!policy_->stop_at_first)
      return;
    if (order_seen_ < held_.changes_begin())
      order_seen_ = held_.changes_begin();
    for (; order_seen_ < held_.changes_end(); ++order_seen_) {
      auto change = held_.changed(order_seen_);
      if (!change.held || !graph_.exists(change.at))
        continue;
      auto counted = held_.below(change.at);
      if (!counted.empty())
        walk_.order().touched(
            change.at,
            std::max<int64_t>(counted.back().plan.available(held_.pool(), now, now + 1), 0));
    }
  }

  const resource_graph& graph_;
  const ledger& held_;
  std::shared_ptr<const match_policy> policy_;
  matcher_options options_;
  match_walk walk_;
  match_marker marker_;
  std::shared_ptr<const match_request> request_;
  int64_t length_ = 0;
  std::vector<candidates> top_;
  bool contradiction_ = false; // of this match: a walk saw one
  std::vector<std::unique_ptr<match_table>> tables_;
  uint64_t uses_ = 0;
  std::vector<vertex> way_; // from a vertex up to the root
  uint64_t order_seen_ = 0;
  uint64_t nodes_up_ = 0;
  uint64_t nodes_up_version_ = 0;
};

matcher::matcher(const resource_graph& graph, const ledger& held,
                 std::shared_ptr<const match_policy> policy, matcher_options options)
    : state_{std::make_unique<state>(graph, held, std::move(policy), options)} {}

matcher::~matcher() = default;

match_result matcher::match(const std::shared_ptr<const match_request>& request, match_op op,
                            int64_t now) {
  return state_->match(request, op, now);
}

uint64_t matcher::preorder_count() const { return state_->preorder; }
uint64_t matcher::postorder_count() const { return state_->postorder; }
size_t matcher::bytes() const { return state_->bytes(); }

} // namespace hactor
