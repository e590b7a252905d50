// See match_walk.hpp. What is visited, passed by, scored and chosen is what Fluxion's traverser
// visits, passes by, scores and chooses, save that it does not know two siblings of one type.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/match_walk.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace hactor {

namespace {

/// What a match scores whatever the policy says.
constexpr int64_t met = 1;

/// Fewer children are all looked at.
constexpr size_t kept_children_min = 8;

/// A node's share of the scores below it, where it decides before what is in it.
constexpr int64_t node_weight = 10'000;

int64_t amount_of(const type_amounts& of, type_id type) {
  for (auto& [t, n] : of)
    if (t == type)
      return n;
  return 0;
}

/// Progress towards shares of so many units each, from bundles that are not divided.
struct share_tally {
  uint64_t units; // of a share
  uint64_t shares = 0;
  uint64_t begun = 0;

  void add(uint64_t bundle) {
    begun += bundle;
    if (units > 0 && begun >= units) {
      ++shares;
      begun = 0;
    }
  }
};

} // namespace

// -- the order of visits -------------------------------------------------------------------------

void visit_order::touched(vertex child, int64_t left) {
  auto parent = graph_.parent(child);
  if (parent == no_vertex)
    return;
  follow_shape();
  auto& all = touched_[parent];
  touched_child now{left, graph_.uniq_id(child), child};
  if (left_[child] == never) {
    all.insert(now);
  } else if (left_[child] != left) {
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
  for (auto& [parent, children] : touched_)
    std::erase_if(children, [&](const touched_child& c) {
      auto gone = !graph_.exists(c.at) || graph_.parent(c.at) != parent
                  || graph_.uniq_id(c.at) != c.uniq_id;
      if (gone)
        left_[c.at] = never;
      return gone;
    });
}

visit_order::sorted_children& visit_order::by_uniq_id(vertex parent) {
  auto [i, is_new] = sorted_.try_emplace(parent);
  auto& sorted = i->second.children;
  if (is_new) {
    auto children = graph_.below(parent);
    sorted.assign(children.begin(), children.end());
    std::sort(sorted.begin(), sorted.end(),
              [&](vertex a, vertex b) { return graph_.uniq_id(a) > graph_.uniq_id(b); });
  }
  return i->second;
}

// -- one vertex ----------------------------------------------------------------------------------

match_walk::match_walk(const resource_graph& graph, const ledger& held, const match_policy& policy,
                       const matcher_options& options)
    : graph_{graph}, held_{held}, policy_{policy}, options_{options}, order_{graph} {}

bool match_walk::is_up(vertex u) const {
  auto how = table_->window.how;
  return graph_.status(u) == vertex_status::up || how == match_window::mode::ever
         || how == match_window::mode::at_horizon;
}

bool match_walk::meets_constraint(vertex u) const {
  auto type = graph_.type(u);
  if (request_->where.trivial() || (type != node_type_ && type != storage_node_type_))
    return true;
  auto& properties = graph_.properties(u);
  return request_->where.matches_if(
      static_cast<rank_t>(graph_.rank(u)), graph_.name(u),
      [&](const std::string& name) { return properties.count(name) != 0; });
}

uint64_t match_walk::available(vertex u) const {
  auto& w = table_->window;
  if (w.how == match_window::mode::ever || held_.whole(u))
    return static_cast<uint64_t>(graph_.units(u));
  auto present = w.how == match_window::mode::current || w.how == match_window::mode::now;
  if (present && held_.allocated(u))
    return 0;
  auto end = w.how == match_window::mode::current ? w.at + 1 : w.end;
  return static_cast<uint64_t>(std::max<int64_t>(held_.available(u, w.at, end), 0));
}

bool match_walk::untouched(vertex u) const {
  auto& w = table_->window;
  if (w.how == match_window::mode::ever || held_.idle(u))
    return true;
  if (w.how == match_window::mode::current)
    return false;
  if (w.how == match_window::mode::now && held_.in_use(u))
    return false;
  return held_.untouched(u, w.at, w.end);
}

bool match_walk::has_below(vertex u, const type_amounts& wanted) const {
  if (wanted.empty())
    return true;
  auto& w = table_->window;
  for (auto& t : held_.below(u)) {
    auto n = amount_of(wanted, t.type);
    if (n == 0)
      continue;
    auto free = w.how == match_window::mode::ever ? t.plan.total()
                : w.how == match_window::mode::current
                    ? t.plan.available(held_.pool(), w.at, w.at + 1)
                    : t.plan.available(held_.pool(), w.at, w.end);
    if (free < n)
      return false;
  }
  return true;
}

/// Whether a vertex of the right type is free enough.
bool match_walk::fits(vertex u, const request_node& n, bool exclusive) {
  if (exclusive && n.exclusive == false) {
    contradiction_ = true;
    return false;
  }
  return (!exclusive || untouched(u)) && has_below(u, n.below);
}

/// Whether anything of the type is below.
bool match_walk::contains(vertex u, type_id type) const {
  auto children = graph_.below(u);
  return std::any_of(children.begin(), children.end(),
                     [&](vertex c) { return graph_.type(c) == type || contains(c, type); });
}

/// Whether a slot may be made here: all that it is made of is directly below, or, in a node, below
/// at any depth. Does not change while the graph keeps its shape.
bool match_walk::slot_is_here(finding& f, uint16_t node) {
  for (auto& [n, here] : f.slot_fits)
    if (n == node)
      return here;
  auto& slot = request_->nodes[node];
  auto children = graph_.below(f.at);
  auto deep = !options_.levels_as_fluxion && graph_.rank(f.at) >= 0;
  auto here = true;
  for (size_t i = 0; here && i < siblings(slot.level); ++i) {
    auto& part = this->node(slot.level, i);
    here = part.elsewhere || (deep && contains(f.at, part.type))
           || std::any_of(children.begin(), children.end(),
                          [&](vertex c) { return graph_.type(c) == part.type; });
  }
  f.slot_fits.emplace_back(node, here);
  return here;
}

int64_t match_walk::factor_of(vertex u) const {
  if (!policy_.node_centric || graph_.type(u) != node_type_)
    return 0;
  return (policy_.score(graph_, u) + 1) * node_weight
         + std::abs(graph_.uniq_id(u) % node_weight - 1);
}

void match_walk::search(finding& f, const visit& how) {
  ++preorder_;
  auto u = f.at;
  f.known = true;
  f.ok = false;
  f.own.clear();
  f.up.clear();
  f.slots.clear();
  f.slot_ends.clear();
  auto first = request_->levels[how.level].first;
  bool is_wanted = false, slot_wanted = false, slot_here = false, slot_fits = false;
  bool others = false; // besides slots
  bool deeper = false; // slots
  auto exclusive = how.exclusive;
  for (size_t i = 0; i < siblings(how.level); ++i) {
    auto& n = node(how.level, i);
    if (n.slot) {
      slot_wanted = true;
      auto here = slot_is_here(f, static_cast<uint16_t>(first + i));
      slot_here |= here;
      deeper |= !here && !options_.levels_as_fluxion;
      continue;
    }
    others |= !n.elsewhere && !options_.levels_as_fluxion;
    if (n.type == graph_.type(u) && !n.elsewhere) {
      is_wanted = true;
      exclusive |= n.exclusive == true;
    }
  }
  if (!is_wanted && !slot_here && !how.pristine)
    return;
  f.available = available(u);
  if (!is_up(u) || f.available == 0 || !meets_constraint(u))
    return;
  for (size_t i = 0; i < siblings(how.level); ++i)
    if (auto& n = node(how.level, i); n.slot)
      slot_fits |= has_below(u, n.below);
  if (slot_wanted && !slot_fits && !is_wanted && !others)
    return;
  if (is_wanted) {
    for (size_t i = 0; i < siblings(how.level); ++i) {
      auto& n = node(how.level, i);
      if (!n.slot && n.type == graph_.type(u) && !n.elsewhere && fits(u, n, exclusive))
        f.ok |= match_own(f, {how.level, false, exclusive, how.factor}, i);
    }
  } else {
    f.ok = true;
    f.up.resize(siblings(how.level));
    visit inner{how.level, may_skip(how.pristine && !slot_here), exclusive,
                how.factor + factor_of(u), how.shares};
    if (!slot_here || others || deeper)
      explore(f, inner, f.up);
    for (size_t i = 0; slot_here && i < siblings(how.level); ++i)
      if (auto& n = node(how.level, i); n.slot && slot_is_here(f, static_cast<uint16_t>(first + i)))
        make_slots(f, inner, n, f.up[i]);
    trim(how, f.up);
  }
  postorder_ += f.ok;
}

/// Looks for what the sibling must contain, and chooses of it. `how`: of the vertex itself.
bool match_walk::match_own(finding& f, const visit& how, size_t sibling) {
  auto& n = node(how.level, sibling);
  auto first = request_->levels[n.level].first;
  own_match own;
  own.sibling = static_cast<uint16_t>(sibling);
  own.exclusive = how.exclusive;
  own.chosen.resize(siblings(n.level));
  visit inner{n.level, may_skip(false), how.exclusive, how.factor + factor_of(f.at)};
  bool slot_here = false, others = false;
  for (size_t i = 0; i < siblings(n.level); ++i) {
    auto here = node(n.level, i).slot && slot_is_here(f, static_cast<uint16_t>(first + i));
    slot_here |= here;
    others |=
        node(n.level, i).slot ? !here && !options_.levels_as_fluxion : !node(n.level, i).elsewhere;
  }
  if (siblings(n.level) > 0 && (!slot_here || others))
    explore(f, inner, own.chosen);
  for (size_t i = 0; slot_here && i < siblings(n.level); ++i) {
    auto& slot = node(n.level, i);
    if (!slot.slot)
      continue;
    if (slot_is_here(f, static_cast<uint16_t>(first + i)))
      make_slots(f, inner, slot, own.chosen[i]);
    else if (options_.levels_as_fluxion)
      own.chosen[i] = {};
  }
  if (!choose(n.level, own.chosen))
    return false;
  for (size_t i = 0; i < siblings(n.level); ++i)
    if (node(n.level, i).elsewhere && !charge_above(f.at, node(n.level, i), own.charges))
      return false;
  own.score = met + how.factor + policy_.score(graph_, f.at);
  f.own.push_back(std::move(own));
  return true;
}

// -- slots ---------------------------------------------------------------------------------------

/// Makes as many slots as can be made of what is below.
void match_walk::make_slots(finding& f, const visit& how, const request_node& slot,
                            candidates& out) {
  out = {};
  lists parts(siblings(slot.level));
  explore(f, {slot.level, may_skip(false), true, how.factor, slot.most}, parts);
  for (auto& p : parts)
    keep_best(p, std::numeric_limits<uint64_t>::max(), policy_.order_of_slots, true);
  pack_slots(f, slot, parts, out);
}

void match_walk::pack_slots(finding& f, const request_node& slot, lists& parts, candidates& out) {
  auto n = siblings(slot.level);
  std::vector<uint64_t> wanted(n);
  auto slots = keep_all_ ? std::numeric_limits<uint64_t>::max() : slot.most;
  for (size_t i = 0; i < n; ++i) {
    auto& part = node(slot.level, i);
    if (part.elsewhere)
      continue;
    share_tally tally{largest_within(part.count, parts[i].qualified).value_or(0)};
    wanted[i] = tally.units;
    for (auto& c : parts[i].list)
      tally.add(c.count);
    slots = std::min(slots, tally.shares);
  }
  std::vector<size_t> next(n);
  for (uint64_t k = 0; k < slots; ++k) {
    candidate made{met, 1, &f, f.at, static_cast<uint32_t>(f.slot_ends.size()), true};
    for (size_t i = 0; i < n; ++i)
      for (uint64_t have = 0; have < wanted[i];) {
        auto& c = parts[i].list[next[i]++];
        f.slots.push_back({c.at, static_cast<uint16_t>(i), c.count, c.found});
        made.score += c.score;
        have += c.count;
      }
    f.slot_ends.push_back(static_cast<uint32_t>(f.slots.size()));
    out.add(made);
  }
}

// -- what is below -------------------------------------------------------------------------------

uint64_t match_walk::most(const visit& how, size_t sibling) const {
  auto each = node(how.level, sibling).most;
  return each > std::numeric_limits<uint64_t>::max() / how.shares
             ? std::numeric_limits<uint64_t>::max()
             : each * how.shares;
}

void match_walk::explore(finding& f, const visit& how, lists& out) {
  if (take_first_) {
    explore_first(f, how, out);
    return;
  }
  if (explore_kept(f, how, out))
    return;
  auto n = static_cast<uint32_t>(graph_.below(f.at).size());
  for (uint32_t place = 0; place < n; ++place)
    look(f, how, place, out);
}

/// Of many vertices only those that changed since the last time are visited, and only the best
/// candidates taken. False when that is not for this level.
bool match_walk::explore_kept(finding& f, const visit& how, lists& out) {
  auto children = graph_.below(f.at);
  if (keep_all_ || children.size() < kept_children_min || siblings(how.level) != 1
      || graph_.below(children[0]).empty())
    return false;
  auto order = order_at(how.level);
  auto& b = f.at_level(how.level);
  lists one(1);
  auto offer = [&](uint32_t place) {
    one[0].qualified = 0;
    one[0].list.clear();
    look(f, how, place, one);
    auto& list = one[0].list;
    b.best.set(place, list.empty() ? std::nullopt : std::optional{list[0].score}, one[0].qualified,
               order);
  };
  if (b.best.empty()) {
    b.best.resize(children.size());
    for (uint32_t place = 0; place < children.size(); ++place)
      offer(place);
  } else {
    for (auto place : b.stale)
      offer(place);
  }
  b.stale.clear();
  auto& result = out[0];
  auto wanted = most(how, 0);
  uint64_t have = 0;
  std::vector<std::pair<uint32_t, size_t>> taken; // by place: how many
  b.best.each_best(
      order, [&] { return have < wanted; },
      [&](uint32_t place) -> std::optional<int64_t> {
        auto& below = *b.below[place];
        auto t = std::find_if(taken.rbegin(), taken.rend(),
                              [place](auto& x) { return x.first == place; });
        auto i = t == taken.rend() ? taken.emplace_back(place, 0).second++ : t->second++;
        auto c = candidate_of(below, i);
        result.list.push_back(c);
        have += c.count;
        auto offers = below.own.empty() ? below.up[0].list.size() : 1;
        return i + 1 < offers ? std::optional{candidate_of(below, i + 1).score} : std::nullopt;
      });
  result.qualified = b.best.qualified();
  return true;
}

/// What a vertex offers to a level of one request: itself, or what goes up from below it.
candidate match_walk::candidate_of(const finding& f, size_t i) {
  if (f.own.empty())
    return f.up[0].list[i];
  auto& o = f.own[0];
  return {o.score, f.available, &f, f.at, candidate::no_slot, o.exclusive};
}

/// Until there is enough of everything.
void match_walk::explore_first(finding& f, const visit& how, lists& out) {
  std::vector<share_tally> tallies;
  for (size_t i = 0; i < siblings(how.level); ++i)
    tallies.push_back({node(how.level, i).most});
  std::vector<uint64_t> seen(tallies.size());
  std::vector<size_t> listed(tallies.size());
  auto enough = [&](size_t i) {
    return node(how.level, i).elsewhere || tallies[i].shares >= how.shares;
  };
  auto children = graph_.below(f.at);
  order_.each(f.at, [&](uint32_t place) {
    auto type = graph_.type(children[place]);
    for (size_t i = 0; i < tallies.size(); ++i)
      if (node(how.level, i).type == type && enough(i))
        return true;
    look(f, how, place, out);
    auto all = true, found = false;
    for (size_t i = 0; i < tallies.size(); ++i) {
      if (out[i].qualified > seen[i]) {
        if (options_.levels_as_fluxion)
          tallies[i].add(out[i].qualified - seen[i]);
        else
          for (; listed[i] < out[i].list.size(); ++listed[i])
            tallies[i].add(out[i].list[listed[i]].count);
        seen[i] = out[i].qualified;
        found = true;
      }
      all = all && enough(i);
    }
    return !(found && all);
  });
}

void match_walk::look(finding& f, const visit& how, uint32_t place, lists& out) {
  auto c = graph_.below(f.at)[place];
  if (graph_.below(c).empty()) {
    look_at_leaf(c, how, out);
    return;
  }
  auto& b = f.at_level(how.level);
  if (b.below.size() <= place)
    b.below.resize(graph_.below(f.at).size());
  auto& below = b.below[place];
  if (below == nullptr)
    below = table_->make(c);
  if (!below->known)
    search(*below, how);
  for (auto& o : below->own)
    out[o.sibling].add({o.score, below->available, below, c, candidate::no_slot, o.exclusive});
  for (size_t i = 0; i < below->up.size(); ++i) {
    auto& up = below->up[i];
    out[i].qualified += up.qualified;
    out[i].list.insert(out[i].list.end(), up.list.begin(), up.list.end());
  }
}

void match_walk::look_at_leaf(vertex u, const visit& how, lists& out) {
  ++preorder_;
  auto type = graph_.type(u);
  auto exclusive = how.exclusive;
  auto is_wanted = false;
  for (size_t i = 0; i < siblings(how.level); ++i) {
    auto& n = node(how.level, i);
    if (n.type != type || n.slot || n.elsewhere)
      continue;
    is_wanted = true;
    exclusive |= n.exclusive == true;
  }
  if (!is_wanted || !is_up(u) || !meets_constraint(u))
    return;
  auto units = available(u);
  if (units == 0)
    return;
  for (size_t i = 0; i < siblings(how.level); ++i) {
    auto& n = node(how.level, i);
    if (n.type != type || n.slot || n.elsewhere || siblings(n.level) > 0 || !fits(u, n, exclusive))
      continue;
    ++postorder_;
    out[i].add({met + how.factor + policy_.score(graph_, u), units, nullptr, u, candidate::no_slot,
                exclusive});
  }
}

/// Cuts what goes up to what can be chosen of it.
void match_walk::trim(const visit& how, lists& found) const {
  if (keep_all_)
    return;
  for (size_t i = 0; i < found.size(); ++i)
    keep_best(found[i], most(how, i), order_at(how.level), false);
}

// -- choosing ------------------------------------------------------------------------------------

/// Leaves in each list what is chosen for its sibling. False when there is not enough of one.
bool match_walk::choose(uint16_t level, lists& found) {
  std::vector<uint64_t> wanted(found.size());
  for (size_t i = 0; i < found.size(); ++i) {
    auto& n = node(level, i);
    if (n.elsewhere)
      continue;
    auto count = largest_within(n.count, found[i].qualified);
    if (!count || *count == 0)
      return false;
    wanted[i] = *count;
  }
  if (request_->charges || request_->is_ambiguous(level))
    return choose_sharing(level, found, wanted);
  for (size_t i = 0; i < found.size(); ++i) {
    found[i].wanted = wanted[i];
    keep_best(found[i], wanted[i], order_at(level), options_.ties_as_fluxion);
  }
  return true;
}

bool match_walk::run(match_table& table, std::vector<candidates>& top) {
  table_ = &table;
  request_ = table.request.get();
  node_type_ = graph_.find_type("node");
  storage_node_type_ = graph_.find_type("storage_node");
  keep_all_ = options_.ties_as_fluxion || request_->ambiguous || request_->charges;
  take_first_ = policy_.stop_at_first && !request_->ambiguous && !request_->charges;
  contradiction_ = false;
  preorder_ = postorder_ = 0;
  top_charges_.clear();
  auto root = graph_.root();
  top.assign(siblings(0), {});
  if (root == no_vertex)
    return false;
  if (table.root == nullptr)
    table.root = table.make(root);
  auto& f = *table.root;
  if (!f.known)
    search(f, {0, true, false, 0});
  if (!f.ok)
    return false;
  for (size_t i = 0; i < f.up.size(); ++i)
    top[i] = f.up[i];
  for (auto& o : f.own)
    top[o.sibling].add({o.score, f.available, &f, root, candidate::no_slot, o.exclusive});
  if (!choose(0, top))
    return false;
  for (size_t i = 0; i < siblings(0); ++i)
    if (node(0, i).elsewhere && !charge_above(root, node(0, i), top_charges_))
      return false;
  return true;
}

} // namespace hactor
