// See ledger.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/ledger.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

namespace hactor {

namespace {

/// Changes kept for whoever keeps results, at least and at most; between them as many as there are
/// vertices: beyond that it is cheaper to look at all vertices again. Of more than twice as many
/// the older ones are dropped.
constexpr size_t changes_kept_min = size_t{1} << 12, changes_kept_max = size_t{1} << 20;

void add_amount(type_amounts& to, type_id type, int64_t units) {
  for (auto& [t, sum] : to)
    if (t == type) {
      sum += units;
      return;
    }
  to.emplace_back(type, units);
}

int64_t amount_of(const type_amounts& of, type_id type) {
  for (auto& [t, sum] : of)
    if (t == type)
      return sum;
  return 0;
}

} // namespace

ledger::ledger(const resource_graph& graph, pruning_filter filter)
    : graph_{graph}, filter_{std::move(filter)} {
  grown();
}

// -- a graph that changes ------------------------------------------------------------------------

/// The types that vertices of this type are to count.
std::vector<type_id> ledger::types_at(std::string_view type, bool root) const {
  std::vector<type_id> result;
  auto add = [&](const std::set<std::string>& names) {
    for (auto& name : names)
      if (auto t = graph_.find_type(name); t != no_type)
        result.push_back(t);
  };
  add(filter_.everywhere);
  if (auto i = filter_.at_anchor.find(type); i != filter_.at_anchor.end())
    add(i->second);
  if (root)
    result.insert(result.end(), leaf_types_.begin(), leaf_types_.end());
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

void ledger::grown() {
  auto limit = graph_.limit();
  spots_.reserve(limit);
  spots_.resize(limit);
  known_.resize(limit);
  std::vector<vertex> fresh, older; // older: above something fresh
  for (vertex v = 0; v < limit; ++v)
    if (graph_.exists(v) && !known_[v])
      fresh.push_back(v);
  for (auto v : fresh) {
    auto leaf = !graph_.has_below(v);
    auto type = graph_.type(v);
    if (leaf && std::find(leaf_types_.begin(), leaf_types_.end(), type) == leaf_types_.end())
      leaf_types_.push_back(type);
    for (auto up = graph_.parent(v); up != no_vertex && known_[up]; up = graph_.parent(up))
      older.push_back(up);
  }
  std::sort(older.begin(), older.end());
  older.erase(std::unique(older.begin(), older.end()), older.end());
  counted_.resize(graph_.types().size());
  // Holdings hold amounts by what is counted, and that may change: also a leaf may be none any
  // more.
  for (auto& [job, h] : holdings_)
    unbook(h);
  for (auto v : older)
    cover(v, types_at(graph_.type_name(v), v == graph_.root()));
  std::vector<std::optional<std::vector<type_id>>> by_type(graph_.types().size());
  for (auto v : fresh) {
    note(v, false);
    if (!graph_.has_below(v))
      continue;
    auto& types = by_type[graph_.type(v)];
    if (v == graph_.root() || !types)
      types = types_at(graph_.type_name(v), v == graph_.root());
    cover(v, *types);
    if (v == graph_.root())
      types.reset();
  }
  for (auto& [job, h] : holdings_)
    book(h);
  for (auto v : fresh)
    known_[v] = true;
  for (auto v : fresh)
    for (auto up = graph_.parent(v); up != no_vertex; up = graph_.parent(up))
      count_below(up, graph_.type(v), graph_.units(v));
}

/// Gives the vertex planners for the types that it does not count yet. Requires: nothing is held.
void ledger::cover(vertex v, const std::vector<type_id>& types) {
  auto first = spots_[v].counts;
  if (first != 0 && tracked_[first].behind == types.size())
    return;
  auto now = static_cast<uint32_t>(tracked_.size());
  tracked_.push_back({no_type, static_cast<uint32_t>(types.size()), planner{}});
  for (auto t : types) {
    counted_[t] = true;
    auto old = tracked_at(v);
    auto before =
        std::find_if(old.begin(), old.end(), [&](const tracked& x) { return x.type == t; });
    auto plan = before == old.end() ? planner{known_below(v, t)} : before->plan;
    tracked_.push_back({t, 0, plan});
  }
  spots_[v].counts = now;
}

/// Units of the type below a vertex, without those that are fresh.
int64_t ledger::known_below(vertex v, type_id type) const {
  int64_t sum = 0;
  std::vector<vertex> open;
  if (known_[v])
    open.push_back(v);
  while (!open.empty()) {
    auto at = open.back();
    open.pop_back();
    for (auto c : graph_.below(at)) {
      if (!known_[c])
        continue;
      sum += graph_.type(c) == type ? graph_.units(c) : 0;
      open.push_back(c);
    }
  }
  return sum;
}

void ledger::count_below(vertex v, type_id type, int64_t units) {
  for (auto& t : tracked_at(v))
    if (t.type == type)
      t.plan.set_total(t.plan.total() + units);
}

std::vector<uint64_t> ledger::shrinking(vertex top) {
  std::vector<vertex> gone{top};
  for (size_t i = 0; i < gone.size(); ++i)
    for (auto c : graph_.below(gone[i]))
      gone.push_back(c);
  std::vector<uint64_t> jobs;
  if (!jobs_at(top).unused())
    for (auto& [job, h] : holdings_)
      if (std::any_of(h.what.picks.begin(), h.what.picks.end(),
                      [&](const pick& p) { return p.at == top; }))
        jobs.push_back(job);
  for (auto job : jobs)
    release_vertices(job, std::span{&top, 1});
  for (auto v : gone) {
    drop_charges(v);
    HACTOR_CHECK(spots_[v].own.unused() && jobs_at(v).unused() && spots_[v].in_use == 0);
    for (auto up = graph_.parent(top); up != no_vertex; up = graph_.parent(up))
      count_below(up, graph_.type(v), -graph_.units(v));
    spots_[v] = {};
    known_[v] = false;
  }
  note(top, false);
  std::sort(jobs.begin(), jobs.end());
  return jobs;
}

/// What jobs were charged at the vertex.
void ledger::drop_charges(vertex v) {
  if (spots_[v].own.unused())
    return;
  for (auto& [job, h] : holdings_) {
    auto& what = h.what;
    std::erase_if(what.charges, [&](const charge& c) {
      if (c.at == v)
        spots_[v].own.remove(pool_, what.at, what.end(), c.units);
      return c.at == v;
    });
  }
}

// -- booking -------------------------------------------------------------------------------------

void ledger::note_pick(vertex v, bool held) {
  if (spots_[v].counts != 0) // a leaf changes what is above it, which is in every selection
    note(v, held);
}

void ledger::note(vertex v, bool held) {
  auto keep = std::clamp(spots_.size(), changes_kept_min, changes_kept_max);
  if (changes_.size() >= 2 * keep) {
    changes_first_ += changes_.size() - keep;
    changes_.erase(changes_.begin(), changes_.end() - static_cast<ptrdiff_t>(keep));
  }
  changes_.push_back({v, held});
}

/// The first pick that somebody else holds at that time.
std::optional<vertex> ledger::conflict(const selection& what, hold_kind kind) const {
  for (auto& p : what.picks) {
    if (available(p.at, what.at, what.end()) < (p.exclusive ? p.units : 1))
      return p.at;
    if (p.exclusive && !untouched(p.at, what.at, what.end()))
      return p.at;
    if (kind == hold_kind::allocated && (p.exclusive ? in_use(p.at) : allocated(p.at)))
      return p.at;
  }
  for (auto& c : what.charges)
    if (available(c.at, what.at, what.end()) < c.units)
      return c.at;
  return {};
}

void ledger::book(holding& h) {
  auto begin = h.what.at, end = h.what.end();
  h.below.clear();
  // Sums of the picks below the next pick of each depth: a parent follows its children.
  auto& sums = sums_;
  for (auto& p : h.what.picks) {
    if (sums.size() < p.depth + 2u)
      sums.resize(p.depth + 2u);
    auto& below = sums[p.depth + 1u];
    auto& here = sums[p.depth];
    spots_[p.at].in_use += h.kind == hold_kind::allocated;
    if (p.exclusive) {
      spots_[p.at].own.add(pool_, begin, end, p.units);
      spots_[p.at].allocated += h.kind == hold_kind::allocated;
    }
    for (auto& t : tracked_at(p.at)) {
      auto amount = t.type == no_type ? 1 : amount_of(below, t.type);
      h.below.push_back(amount);
      if (amount > 0)
        t.plan.add(pool_, begin, end, amount);
    }
    for (auto& [type, amount] : below)
      add_amount(here, type, amount);
    below.clear();
    if (p.exclusive && counts(graph_.type(p.at)))
      add_amount(here, graph_.type(p.at), graph_.units(p.at));
    note_pick(p.at, true);
  }
  for (auto& s : sums)
    s.clear();
  for (auto& c : h.what.charges) {
    spots_[c.at].own.add(pool_, begin, end, c.units);
    note(c.at, true);
  }
}

void ledger::unbook(const holding& h) {
  auto begin = h.what.at, end = h.what.end();
  auto amount = h.below.begin();
  for (auto& p : h.what.picks) {
    spots_[p.at].in_use -= h.kind == hold_kind::allocated;
    if (p.exclusive) {
      spots_[p.at].own.remove(pool_, begin, end, p.units);
      spots_[p.at].allocated -= h.kind == hold_kind::allocated;
    }
    for (auto& t : tracked_at(p.at))
      if (auto n = *amount++; n > 0)
        t.plan.remove(pool_, begin, end, n);
    note_pick(p.at, false);
  }
  for (auto& c : h.what.charges) {
    spots_[c.at].own.remove(pool_, begin, end, c.units);
    note(c.at, false);
  }
}

/// Takes out the picks that go, and makes others shared; what is above them counts less.
void ledger::unbook_part(holding& h, const std::vector<char>& goes,
                         const std::vector<char>& shared) {
  auto begin = h.what.at, end = h.what.end();
  std::vector<pick> rest;
  std::vector<int64_t> rest_below;
  auto& sums = sums_; // of what was taken out
  size_t amount = 0;
  for (size_t k = 0; k < h.what.picks.size(); ++k) {
    auto p = h.what.picks[k];
    if (sums.size() < p.depth + 2u)
      sums.resize(p.depth + 2u);
    auto& below = sums[p.depth + 1u];
    auto gone = p.exclusive && (goes[k] || shared[k]);
    if (goes[k])
      spots_[p.at].in_use -= h.kind == hold_kind::allocated;
    if (gone) {
      spots_[p.at].own.remove(pool_, begin, end, p.units);
      spots_[p.at].allocated -= h.kind == hold_kind::allocated;
    }
    for (auto& t : tracked_at(p.at)) {
      auto old = h.below[amount++];
      auto less = t.type == no_type ? 0 : amount_of(below, t.type);
      auto now = goes[k] ? 0 : old - less;
      if (now == 0 && old > 0)
        t.plan.remove(pool_, begin, end, old);
      else if (now != old)
        t.plan.adjust(pool_, begin, end, now - old);
      if (!goes[k])
        rest_below.push_back(now);
    }
    for (auto& [type, n] : below)
      add_amount(sums[p.depth], type, n);
    if (goes[k] || !below.empty())
      note_pick(p.at, false);
    below.clear();
    if (gone && counts(graph_.type(p.at)))
      add_amount(sums[p.depth], graph_.type(p.at), graph_.units(p.at));
    if (goes[k])
      continue;
    p.exclusive = p.exclusive && !gone;
    rest.push_back(p);
  }
  for (auto& s : sums)
    s.clear();
  std::erase_if(h.what.charges, [&](const charge& c) {
    auto gone = std::find_if(h.what.picks.begin(), h.what.picks.end(),
                             [&](const pick& p) { return p.at == c.at; });
    if (gone == h.what.picks.end() || !goes[static_cast<size_t>(gone - h.what.picks.begin())])
      return false;
    spots_[c.at].own.remove(pool_, begin, end, c.units);
    note(c.at, false);
    return true;
  });
  h.what.picks = std::move(rest);
  h.below = std::move(rest_below);
}

caf::error ledger::hold(uint64_t job, selection what, hold_kind kind) {
  HACTOR_CHECK(what.duration > 0 && holdings_.count(job) == 0);
  if (auto v = conflict(what, kind))
    return make_error(ec::busy, fmt::format("{} is held by another job", graph_.path(*v)));
  auto& h = holdings_[job] = {kind, std::move(what), {}};
  book(h);
  reservations_ += kind == hold_kind::reserved;
  return {};
}

bool ledger::release(uint64_t job) {
  auto i = holdings_.find(job);
  if (i == holdings_.end())
    return false;
  unbook(i->second);
  reservations_ -= i->second.kind == hold_kind::reserved;
  holdings_.erase(i);
  return true;
}

bool ledger::release_ranks(uint64_t job, const idset& ranks) {
  auto i = holdings_.find(job);
  if (i == holdings_.end())
    return false;
  auto has = [&](vertex v) {
    return graph_.rank(v) >= 0 && ranks.contains(static_cast<uint32_t>(graph_.rank(v)));
  };
  std::vector<char> goes(i->second.what.picks.size());
  for (size_t k = 0; k < goes.size(); ++k)
    goes[k] = has(i->second.what.picks[k].at);
  return release_picks(i, goes);
}

bool ledger::release_vertices(uint64_t job, std::span<const vertex> tops) {
  auto i = holdings_.find(job);
  if (i == holdings_.end())
    return false;
  auto& picks = i->second.what.picks;
  std::vector<char> goes(picks.size());
  // What is below a pick stands before it, without a gap.
  for (size_t k = picks.size(); k-- > 0;)
    if (std::find(tops.begin(), tops.end(), picks[k].at) != tops.end()) {
      goes[k] = true;
      for (size_t below = k; below-- > 0 && picks[below].depth > picks[k].depth;)
        goes[below] = true;
    }
  return release_picks(i, goes);
}

bool ledger::release_picks(holdings_map::iterator i, std::vector<char>& goes) {
  if (std::find(goes.begin(), goes.end(), true) == goes.end())
    return false;
  // What has lost all that was below it goes too, and what has lost a part of it is shared.
  auto& picks = i->second.what.picks;
  std::vector<char> shared(picks.size());
  std::vector<char> lost, kept; // by depth: of the picks below the next one of that depth
  bool exclusive_left = false;
  for (size_t k = 0; k < picks.size(); ++k) {
    auto depth = picks[k].depth;
    if (lost.size() < depth + 2u) {
      lost.resize(depth + 2u);
      kept.resize(depth + 2u);
    }
    auto lost_below = std::exchange(lost[depth + 1u], false);
    auto kept_below = std::exchange(kept[depth + 1u], false);
    goes[k] = goes[k] || (lost_below && !kept_below);
    shared[k] = lost_below && !goes[k];
    lost[depth] = static_cast<char>(lost[depth] || goes[k] || lost_below);
    kept[depth] = static_cast<char>(kept[depth] || !goes[k]);
    exclusive_left = exclusive_left || (picks[k].exclusive && !goes[k] && !shared[k]);
  }
  if (!exclusive_left)
    return release(i->first);
  unbook_part(i->second, goes, shared);
  return true;
}

caf::error ledger::extend(uint64_t job, int64_t end) {
  auto i = holdings_.find(job);
  if (i == holdings_.end())
    return make_error(ec::unknown_job, fmt::format("job {} holds nothing", job));
  auto& h = i->second;
  if (end <= h.what.at)
    return make_error(ec::bad_argument, "a job cannot end before it begins");
  unbook(h);
  auto before = std::exchange(h.what.duration, end - h.what.at);
  auto v = conflict(h.what, h.kind);
  if (v)
    h.what.duration = before;
  book(h);
  if (v)
    return make_error(ec::busy, fmt::format("{} is held by another job then", graph_.path(*v)));
  return {};
}

const ledger::holding* ledger::find(uint64_t job) const {
  auto i = holdings_.find(job);
  return i == holdings_.end() ? nullptr : &i->second;
}

// -- auditing ------------------------------------------------------------------------------------

/// Counts the same as the other, nothing is held.
ledger::ledger(const ledger& other, nothing_held)
    : graph_{other.graph_}, filter_{other.filter_},
      spots_(other.spots_.size()), counted_{other.counted_}, known_{other.known_},
      leaf_types_{other.leaf_types_} {
  tracked_.clear();
  for (auto& t : other.tracked_)
    tracked_.push_back({t.type, t.behind, planner{}});
  for (vertex v = 0; v < spots_.size(); ++v)
    spots_[v].counts = other.spots_[v].counts;
  for (vertex v = 0; v < spots_.size(); ++v)
    for (auto up = known_[v] ? graph_.parent(v) : no_vertex; up != no_vertex;
         up = graph_.parent(up))
      count_below(up, graph_.type(v), graph_.units(v));
}

caf::error ledger::audit() const {
  ledger twin{*this, nothing_held{}};
  for (auto& [job, h] : holdings_) {
    auto& copy = twin.holdings_[job] = h;
    twin.book(copy);
  }
  constexpr auto unlimited = std::numeric_limits<int64_t>::max();
  auto differ = [&](const planned_use& a, const planned_use& b, int64_t total) {
    if (a.unused() && b.unused())
      return false;
    constexpr auto begin = std::numeric_limits<int64_t>::min() / 2;
    auto t = begin;
    for (;;) {
      auto used = a.used(pool_, t, t + 1);
      if (used > total || used != b.used(twin.pool_, t, t + 1))
        return true;
      auto x = a.next_change(pool_, t), y = b.next_change(twin.pool_, t);
      if (x != y)
        return true;
      if (!x)
        return false;
      t = *x;
    }
  };
  for (vertex v = 0; v < graph_.limit(); ++v) {
    if (graph_.exists(v) != known_[v])
      return make_error(ec::bad_argument, fmt::format("vertex {}: the ledger was not told", v));
    if (!known_[v])
      continue;
    auto mine = below(v), theirs = twin.below(v);
    auto wrong = differ(spots_[v].own, twin.spots_[v].own, graph_.units(v))
                 || differ(jobs_at(v), twin.jobs_at(v), unlimited)
                 || spots_[v].allocated != twin.spots_[v].allocated
                 || spots_[v].in_use != twin.spots_[v].in_use || mine.size() != theirs.size();
    for (size_t i = 0; !wrong && i < mine.size(); ++i)
      wrong = mine[i].type != theirs[i].type || mine[i].plan.total() != theirs[i].plan.total()
              || differ(mine[i].plan, theirs[i].plan, mine[i].plan.total());
    if (wrong)
      return make_error(ec::bad_argument,
                        fmt::format("{}: the ledger does not count what is held", graph_.path(v)));
  }
  return {};
}

void ledger::prefetch(vertex first, vertex last) const {
  for (size_t v = first; v < std::min<size_t>(last, spots_.size()); v += 64 / sizeof(spot))
    __builtin_prefetch(&spots_[v]);
}

void ledger::prefetch_counts(vertex v) const {
  auto counts = v < spots_.size() ? spots_[v].counts : 0;
  if (counts == 0)
    return;
  __builtin_prefetch(&tracked_[counts]);
  __builtin_prefetch(&tracked_[std::min<size_t>(counts + 2, tracked_.size() - 1)]);
}

size_t ledger::bytes() const {
  auto total = pool_.bytes() + spots_.capacity() * sizeof(spot)
               + tracked_.capacity() * sizeof(tracked) + changes_.capacity() * sizeof(change);
  for (auto& [job, h] : holdings_)
    total += sizeof(h) + 40 + h.what.picks.capacity() * sizeof(pick);
  return total;
}

} // namespace hactor
