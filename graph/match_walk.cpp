// See match_walk.hpp. What is visited, passed by, scored and chosen is what Fluxion's traverser
// visits, passes by, scores and chooses, save that it does not know two siblings of one type.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/match_walk.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace hactor {

namespace {

/// What a match scores whatever the policy says.
constexpr int64_t met = 1;

/// Fewer children are all looked at.
constexpr size_t kept_children_min = 8;

/// Vertices that are worth fetching before they are looked at.
constexpr vertex fetched_max = 128;

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

  /// What was found since; what came from below one vertex is one bundle, or each is one.
  void add(const candidates& found, uint64_t before, size_t& listed, bool as_one) {
    if (as_one)
      add(found.qualified - before);
    else
      for (; listed < found.list.size(); ++listed)
        add(found.list[listed].count);
  }
};

} // namespace

// -- one vertex ----------------------------------------------------------------------------------

match_walk::match_walk(const resource_graph& graph, const ledger& held, const match_policy& policy,
                       const matcher_options& options)
    : graph_{graph}, held_{held}, policy_{policy}, options_{options}, order_{graph}, bounds_{
                                                                                         graph,
                                                                                         policy} {}

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

/// The ledger counts what a vertex contains, not what is linked to something in it.
bool match_walk::leads_to_links(vertex u) {
  if (!graph_.has_links())
    return false;
  if (std::exchange(above_links_version_, graph_.shape_version()) != graph_.shape_version()) {
    above_links_.assign(graph_.limit(), false);
    for (vertex v = 0; v < graph_.limit(); ++v)
      for (auto up = graph_.linked(v).empty() ? no_vertex : v; up != no_vertex && !above_links_[up];
           up = graph_.parent(up))
        above_links_[up] = true;
  }
  return above_links_[u];
}

bool match_walk::has_below(vertex u, const type_amounts& wanted) {
  if (wanted.empty() || (request_->charge && u != graph_.root() && leads_to_links(u)))
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
    table_->contradiction = true;
    return false;
  }
  return (!exclusive || untouched(u)) && has_below(u, n.below);
}

/// Whether anything of the type is below.
bool match_walk::contains(vertex u, type_id type) const {
  auto n = places(u);
  for (uint32_t place = 0; place < n; ++place)
    if (auto c = child(u, place); graph_.type(c) == type || contains(c, type))
      return true;
  return false;
}

/// Whether a slot may be made here: all that it is made of is directly below, or, in a node, below
/// at any depth. Does not change while the graph keeps its shape.
const finding::slot_place& match_walk::slot_at(finding& f, uint16_t node) {
  for (auto& known : f.slot_places)
    if (known.node == node)
      return known;
  auto& slot = request_->nodes[node];
  auto deep = !options_.levels_as_fluxion && graph_.rank(f.at) >= 0;
  auto here = true;
  auto n = places(f.at);
  for (size_t i = 0; here && i < siblings(slot.level); ++i) {
    auto& part = this->node(slot.level, i);
    here = part.elsewhere || (deep && contains(f.at, part.type));
    for (uint32_t place = 0; !here && place < n; ++place)
      here = graph_.type(child(f.at, place)) == part.type;
  }
  return f.slot_places.emplace_back(
      finding::slot_place{node, here, here && has_near(f, slot)});
}

/// Whether this run has not been here: what is found at one place must not be found at another one
/// that leads there as well. `passing`: nothing is looked for here but below; Fluxion counts that.
bool match_walk::is_first_visit(vertex u, bool passing) {
  if (!graph_.has_links() || (passing && !options_.ties_as_fluxion))
    return true;
  visited_.resize(graph_.limit());
  return std::exchange(visited_[u], runs_) != runs_;
}

void match_walk::search(finding& f, const visit& how) {
  ++preorder_;
  auto u = f.at;
  f.known = true;
  f.all = how.all;
  f.ok = false;
  f.own.clear();
  f.up.clear();
  f.slots.clear();
  f.slot_ends.clear();
  f.slot_parts.clear();
  auto first = request_->levels[how.level].first;
  bool is_wanted = false, slot_wanted = false, slot_here = false, slot_fits = false;
  bool others = false; // besides slots
  bool deeper = false; // slots
  auto exclusive = how.exclusive;
  for (size_t i = 0; i < siblings(how.level); ++i) {
    auto& n = node(how.level, i);
    if (n.slot) {
      slot_wanted = true;
      auto here = slot_at(f, static_cast<uint16_t>(first + i)).here;
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
  if (!is_wanted && !is_first_visit(u, true))
    return;
  auto is_first = false; // one of several siblings that would do
  if (is_wanted) {
    for (size_t i = 0; i < siblings(how.level); ++i) {
      auto& n = node(how.level, i);
      if (!n.slot && n.type == graph_.type(u) && !n.elsewhere && fits(u, n, exclusive)
          && (is_first || (is_first = is_first_visit(u))))
        f.ok |= match_own(f, {how.level, false, exclusive, how.factor}, i);
    }
  } else {
    f.ok = true;
    f.up.resize(siblings(how.level));
    visit inner{how.level, may_skip(how.pristine && !slot_here), exclusive,
                how.factor + bounds_.factor(u), how.shares, false, how.all};
    if (!slot_here || others || deeper)
      explore(f, inner, f.up);
    if (slot_here)
      make_all_slots(f, inner, f.up);
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
  visit inner{n.level,
              may_skip(false),
              how.exclusive,
              how.factor + bounds_.factor(f.at),
              1,
              takes_all(f.at, n, how.exclusive)};
  bool slot_here = false, others = false;
  for (size_t i = 0; i < siblings(n.level); ++i) {
    auto here = node(n.level, i).slot && slot_at(f, static_cast<uint16_t>(first + i)).here;
    slot_here |= here;
    others |=
        node(n.level, i).slot ? !here && !options_.levels_as_fluxion : !node(n.level, i).elsewhere;
  }
  if (siblings(n.level) > 0 && (!slot_here || others))
    explore(f, inner, own.chosen);
  if (slot_here)
    make_all_slots(f, inner, own.chosen);
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

/// Makes those of a level that can be made here.
void match_walk::make_all_slots(finding& f, const visit& how, lists& out) {
  auto first = request_->levels[how.level].first;
  if (auto choice = request_->choice_at(how.level)) {
    for (auto& kind : choice->kinds)
      if (kind.sibling != choice->holder)
        out[kind.sibling] = {};
    make_chosen_slots(f, how, *choice, out[choice->holder]);
  }
  for (size_t i = 0; i < siblings(how.level); ++i) {
    auto& slot = node(how.level, i);
    if (!slot.slot || slot.option)
      continue;
    if (slot_at(f, static_cast<uint16_t>(first + i)).here)
      make_slots(f, how, i, out[i]);
    else if (options_.levels_as_fluxion)
      out[i] = {};
  }
  f.slots_made = static_cast<uint32_t>(f.slot_ends.size());
}

/// What a slot could be made of, best first.
match_walk::lists match_walk::parts_of(finding& f, const visit& how, const request_node& slot,
                                       bool all) {
  lists parts(siblings(slot.level));
  explore(f, {slot.level, may_skip(false), true, how.factor, slot.most, false, all}, parts);
  for (auto& p : parts)
    keep_best(p, std::numeric_limits<uint64_t>::max(), policy_.order_of_slots, true);
  return parts;
}

/// Makes as many slots as can be made of what is below.
void match_walk::make_slots(finding& f, const visit& how, size_t sibling, candidates& out) {
  auto& slot = node(how.level, sibling);
  auto near =
      slot_at(f, static_cast<uint16_t>(request_->levels[how.level].first + sibling)).near;
  out = {};
  auto parts = parts_of(f, how, slot, near && !take_first_);
  if (near && !put_near(f, slot, parts) && take_first_ && may_have_near(f, slot)) {
    parts = parts_of(f, how, slot, true);
    put_near(f, slot, parts);
  }
  pack_slots(f, slot, parts, out);
  if (request_->is_ambiguous(how.level))
    f.slot_parts.emplace_back(static_cast<uint16_t>(sibling), std::move(parts));
}

/// What one slot takes of each part, and how many there can be.
uint64_t match_walk::slots_of(const request_node& slot, const lists& parts,
                              std::vector<uint64_t>& wanted) const {
  auto slots = keep_all_ ? std::numeric_limits<uint64_t>::max() : slot.most;
  wanted.assign(parts.size(), 0);
  for (size_t i = 0; i < parts.size(); ++i) {
    auto& part = node(slot.level, i);
    if (part.elsewhere)
      continue;
    share_tally tally{largest_within(part.count, parts[i].qualified).value_or(0)};
    wanted[i] = tally.units;
    for (auto& c : parts[i].list)
      tally.add(c.count);
    slots = std::min(slots, tally.shares);
  }
  return slots;
}

void match_walk::pack_slots(finding& f, const request_node& slot, const lists& parts,
                            candidates& out) {
  auto n = siblings(slot.level);
  std::vector<uint64_t> wanted;
  auto slots = slots_of(slot, parts, wanted);
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
  if (explore_one(f, how, out))
    return;
  if (take_first_ && !how.all) {
    explore_first(f, how, out);
    return;
  }
  if (!how.all && explore_kept(f, how, out))
    return;
  auto n = places(f.at);
  for (uint32_t place = 0; place < n; ++place)
    look(f, how, place, out);
}

/// A bound for what is found at and below a vertex that contains something, as a key.
int64_t match_walk::bound_of(vertex u, const visit& how) {
  constexpr auto unbounded = std::numeric_limits<int64_t>::max();
  constexpr auto nothing = score_bounds::nothing;
  auto order = order_at(how.level);
  auto one = [&](const score_bounds::table& t) {
    return t.best[u] == nothing ? nothing
                                : t.best[u] + score_bounds::key_of(met + how.factor, order);
  };
  auto& n = node(how.level, 0);
  if (!n.slot)
    return one(bounds_.of_type(n.type, order));
  // A slot's score is the sum over its parts, so bounded by the fewest or the most there can be.
  auto sum = score_bounds::key_of(met, order);
  for (size_t i = 0; i < siblings(n.level); ++i) {
    auto& part = node(n.level, i);
    if (part.elsewhere)
      continue;
    if (part.slot)
      return unbounded;
    auto& table = bounds_.of_type(part.type, order);
    auto best = one(table);
    if (best == nothing)
      return nothing;
    auto size = static_cast<uint64_t>(std::max<int64_t>(table.most_units, 1));
    auto parts = order == score_order::low ? (part.least + size - 1) / size : part.most;
    int64_t all = 0;
    if (__builtin_mul_overflow(best, static_cast<int64_t>(parts), &all)
        || __builtin_add_overflow(sum, all, &sum))
      return unbounded;
  }
  return sum;
}

/// Of many vertices only the best are looked at, and no more than it takes; those that were and
/// have not changed since are known. False when that is not for this level.
bool match_walk::explore_kept(finding& f, const visit& how, lists& out) {
  auto children = graph_.below(f.at);
  if (keep_all_ || graph_.has_links() || children.size() < kept_children_min
      || siblings(how.level) != 1 || !graph_.has_below(children[0]))
    return false;
  auto order = order_at(how.level);
  auto& b = f.at_level(how.level);
  auto bound = [&](size_t place) {
    auto c = children[place];
    return graph_.has_below(c) ? bound_of(c, how) : std::numeric_limits<int64_t>::max();
  };
  if (b.best.empty())
    b.best.resize(children.size(), bound);
  for (auto place : b.stale)
    b.best.set_bound(place, bound(place));
  b.stale.clear();
  auto& result = out[0];
  auto wanted = most(how, 0);
  uint64_t have = 0;
  std::vector<std::pair<uint32_t, size_t>> taken; // by place: how many
  lists one(1);
  auto offers_of = [&](uint32_t place) -> candidates& {
    one[0].qualified = 0;
    one[0].list.clear();
    look(f, how, place, one);
    return one[0];
  };
  b.best.each_best(
      [&] { return have < wanted; },
      [&](uint32_t place) {
        auto& offers = offers_of(place);
        b.best.set(place,
                   offers.list.empty() ? best_of_lists::nothing
                                       : score_bounds::key_of(offers.list[0].score, order),
                   offers.qualified);
      },
      [&](uint32_t place) -> std::optional<int64_t> {
        auto add = [&](const candidate& c) {
          result.list.push_back(c);
          have += c.count;
        };
        if (!graph_.has_below(children[place])) {
          add(offers_of(place).list[0]);
          return {};
        }
        auto& below = *b.below[place];
        auto t = std::find_if(taken.rbegin(), taken.rend(),
                              [place](auto& x) { return x.first == place; });
        auto i = t == taken.rend() ? taken.emplace_back(place, 0).second++ : t->second++;
        add(candidate_of(below, i));
        auto offers = below.own.empty() ? below.up[0].list.size() : 1;
        return i + 1 < offers
                   ? std::optional{score_bounds::key_of(candidate_of(below, i + 1).score, order)}
                   : std::nullopt;
      });
  result.qualified = b.best.qualified();
  return true;
}

/// What a vertex offers to a level of one request: itself, or what goes up from below it.
candidate match_walk::candidate_of(finding& f, size_t i) {
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
    return node(how.level, i).elsewhere
           || tallies[request_->holder_of(how.level, i)].shares >= how.shares;
  };
  order_.each(f.at, [&](uint32_t place) {
    auto type = graph_.type(child(f.at, place));
    for (size_t i = 0; i < tallies.size(); ++i)
      if (node(how.level, i).type == type && enough(i))
        return true;
    look(f, how, place, out);
    auto all = true, found = false;
    for (size_t i = 0; i < tallies.size(); ++i) {
      if (out[i].qualified > seen[i]) {
        tallies[i].add(out[i], seen[i], listed[i], options_.levels_as_fluxion);
        seen[i] = out[i].qualified;
        found = true;
      }
      all = all && enough(i);
    }
    return !(found && all);
  });
}

/// The walk will come by the vertex soon: what it would wait for there, or in what is looked at
/// first below it, is fetched meanwhile.
void match_walk::expect(vertex v, bool in_next_match) {
  while (v != no_vertex && graph_.has_below(v)) {
    auto up = graph_.parent(v);
    auto siblings = up == no_vertex ? std::span<const vertex>{&v, 1} : graph_.below(up);
    auto next = graph_.place(v) + 1;
    // In most graphs a vertex stands before what it contains, and that before its next sibling.
    auto last = next < siblings.size() ? siblings[next]
                : siblings.size() > 1  ? v + (v - siblings[next - 2])
                                       : no_vertex;
    if (last > v && last - v <= fetched_max) {
      graph_.prefetch(v, last);
      held_.prefetch(v, last);
      if (in_next_match) {
        soon_first_ = v;
        soon_last_ = last;
      }
      return;
    }
    v = order_.first_of(v);
  }
}

void match_walk::look(finding& f, const visit& how, uint32_t place, lists& out) {
  auto c = child(f.at, place);
  if (graph_.is_leaf(c)) {
    look_at_leaf(c, how, out);
    return;
  }
  auto& b = f.at_level(how.level);
  if (b.below.size() <= place)
    b.below.resize(places(f.at));
  auto& below = b.below[place];
  if (below == nullptr)
    below = table_->make(c);
  if (!below->known || (how.all && !below->all))
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
  if ((!is_wanted && !how.pristine) || !is_up(u) || !meets_constraint(u))
    return;
  if (!is_wanted) {
    if (available(u) != 0)
      is_first_visit(u, true);
    return;
  }
  auto is_first = false;
  for (size_t i = 0; i < siblings(how.level); ++i) {
    auto& n = node(how.level, i);
    if (n.type != type || n.slot || n.elsewhere || siblings(n.level) > 0)
      continue;
    if (auto units = leaf_units(u, n, exclusive);
        units > 0 && (is_first || (is_first = is_first_visit(u)))) {
      ++postorder_;
      add_leaf(u, units, exclusive, how, out[i]);
    }
  }
}

/// What a leaf of the right type that is up has for a request; 0 when it does not fit.
uint64_t match_walk::leaf_units(vertex u, const request_node& n, bool exclusive) {
  auto contradicts = exclusive && n.exclusive == false;
  if (held_.whole(u) && (!exclusive || held_.idle(u)) && !contradicts)
    return static_cast<uint64_t>(graph_.units(u));
  auto units = available(u);
  return units > 0 && fits(u, n, exclusive) ? units : 0;
}

void match_walk::add_leaf(vertex u, uint64_t units, bool exclusive, const visit& how,
                          candidates& out) const {
  if (how.all_taken)
    out.qualified += units;
  else
    out.add({met + how.factor + policy_.score(graph_, u), units, nullptr, u, candidate::no_slot,
             exclusive});
}

/// Whether all that is in the vertex comes with it, and nothing is to be said of single ones.
bool match_walk::takes_all(vertex u, const request_node& n, bool exclusive) const {
  return request_->charge && exclusive && n.plain && !keep_all_ && !graph_.has_links()
         && graph_.has_below(u);
}

/// Most levels are one request. False when this is none that is looked for child by child.
bool match_walk::explore_one(finding& f, const visit& how, lists& out) {
  auto& n = node(how.level, 0);
  auto first = take_first_ && !how.all;
  auto children = graph_.below(f.at);
  if (graph_.has_links() || request_->choice_at(how.level) != nullptr || siblings(how.level) != 1
      || n.elsewhere || children.empty() || (!first && graph_.has_below(children[0])))
    return false;
  auto leaves = !n.slot && siblings(n.level) == 0;
  auto exclusive = how.exclusive || n.exclusive == true;
  auto constrained = !request_->where.trivial();
  auto& result = out[0];
  if (leaves && !how.all_taken && !graph_.has_below(children[0]))
    result.list.reserve(first ? std::min<size_t>(most(how, 0), children.size())
                                    : children.size());
  share_tally tally{n.most};
  size_t listed = 0;
  auto step = [&](uint32_t place) {
    auto c = children[place];
    auto before = result.qualified;
    if (graph_.has_below(c)) {
      look(f, how, place, out);
    } else {
      ++preorder_;
      if (!leaves || graph_.type(c) != n.type || !is_up(c) || (constrained && !meets_constraint(c)))
        return true;
      auto units = leaf_units(c, n, exclusive);
      if (units == 0)
        return true;
      ++postorder_;
      add_leaf(c, units, exclusive, how, result);
    }
    if (result.qualified > before)
      tally.add(result, before, listed, options_.levels_as_fluxion || how.all_taken);
    return !first || tally.shares < how.shares;
  };
  auto hint = graph_.has_below(children[0]) && graph_.limit() >= options_.fetch_ahead_min
              && (f.at == graph_.root() || n.most > 1);
  if (first && hint)
    order_.each(f.at, step, [&](vertex v) { expect(v, f.at == graph_.root()); });
  else if (first)
    order_.each(f.at, step);
  else
    for (uint32_t place = 0; place < children.size(); ++place)
      step(place);
  return true;
}

/// Cuts what goes up to what can be chosen of it.
void match_walk::trim(const visit& how, lists& found) const {
  if (keep_all_ || how.all)
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
    auto holder = request_->holder_of(level, i);
    auto count = largest_within(n.count, found[holder].qualified);
    if (!count || *count == 0)
      return false;
    wanted[i] = holder == i ? *count : 0;
    if (holder != i && options_.ties_as_fluxion) // which sorts for each slot; equals change places
      keep_best(found[holder], std::numeric_limits<uint64_t>::max(), order_at(level), true);
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
  ++runs_;
  node_type_ = graph_.find_type("node");
  storage_node_type_ = graph_.find_type("storage_node");
  keep_all_ = options_.ties_as_fluxion || request_->ambiguous || request_->charges;
  take_first_ = policy_.stop_at_first && !request_->ambiguous && !request_->charges;
  preorder_ = postorder_ = 0;
  top_charges_.clear();
  auto root = graph_.root();
  top.assign(siblings(0), {});
  if (root == no_vertex)
    return false;
  if (table.root == nullptr)
    table.root = table.make(root);
  auto& f = *table.root;
  soon_first_ = soon_last_ = 0;
  if (!f.known)
    search(f, {0, true, false, 0});
  for (auto v = soon_first_; v < std::min(soon_last_, graph_.limit()); ++v)
    if (graph_.has_below(v)) {
      graph_.prefetch_below(v);
      held_.prefetch_counts(v);
      order_.prefetch(v);
    }
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
