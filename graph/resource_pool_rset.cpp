// From what a match chose to the R of a grant, and from an R back to what its job holds. See
// resource_pool.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "graph/allocation_text.hpp"
#include "graph/granted_graph.hpp"
#include "graph/jgf_document.hpp"
#include "graph/resource_pool.hpp"
#include "graph/selection_builder.hpp"

namespace hactor {

namespace {

/// Jobs without an end hold what they have until this time; no match looks beyond it.
const int64_t end_of_time = matcher_options{}.horizon_end;

std::optional<vertex> find_id(const std::vector<std::pair<uint32_t, vertex>>& all, uint32_t id) {
  auto i = std::lower_bound(all.begin(), all.end(), std::pair{id, vertex{0}});
  return i != all.end() && i->first == id ? std::optional{i->second} : std::nullopt;
}

uint32_t id_of(const std::vector<std::pair<uint32_t, vertex>>& all, vertex v, int64_t hint) {
  // Nearly always the ids are the graph's own.
  if (hint >= 0)
    if (auto found = find_id(all, static_cast<uint32_t>(hint)); found == v)
      return static_cast<uint32_t>(hint);
  for (auto& [id, at] : all)
    if (at == v)
      return id;
  return 0;
}

/// Of a share what lies below one vertex of the node `top`, where that helps who deals it to tasks:
/// some but not all of it, with cores, and GPUs where it is GPUs that are dealt.
std::vector<near_group> groups_of(const resource_graph& graph, vertex top, const node_share& share,
                                  std::span<const std::pair<uint32_t, vertex>> cores,
                                  std::span<const std::pair<uint32_t, vertex>> gpus,
                                  bool of_cores) {
  std::vector<std::pair<vertex, near_group>> below;
  auto add = [&](const idset& ids, auto& all, idset near_group::*set) {
    size_t last = 0; // neighbours mostly lie below the same vertices
    for (auto id : ids.expand()) {
      auto i = std::lower_bound(all.begin(), all.end(), std::pair{id, vertex{0}});
      if (i == all.end() || i->first != id)
        continue;
      for (auto v = graph.parent(i->second); v != top && v != no_vertex; v = graph.parent(v)) {
        if (last >= below.size() || below[last].first != v)
          last = static_cast<size_t>(std::find_if(below.begin(), below.end(),
                                                  [v](auto& g) { return g.first == v; })
                                     - below.begin());
        if (last == below.size())
          below.emplace_back(v, near_group{});
        (below[last].second.*set).add(id);
      }
    }
  };
  add(share.cores, cores, &near_group::cores);
  add(share.gpus, gpus, &near_group::gpus);
  std::vector<near_group> groups;
  for (auto& [v, g] : below)
    if (!g.cores.empty() && (of_cores || !g.gpus.empty())
        && !(g.cores == share.cores && g.gpus == share.gpus)
        && std::find(groups.begin(), groups.end(), g) == groups.end())
      groups.push_back(std::move(g));
  return groups;
}

/// The mapping with nodes and edges in the text of a JGF.
std::string graph_in(const std::string& jgf) {
  auto begin = jgf.find('{', 1), end = jgf.rfind('}');
  return begin < end ? jgf.substr(begin, end - begin) : std::string{};
}

/// "rank 3 core 4-5, gpu 0".
std::string describe_share(const rset& r) {
  if (r.nodes.empty())
    return "nothing";
  auto& first = r.nodes.front();
  auto text = fmt::format("rank {}", first.rank);
  if (!first.cores.empty())
    text += " core " + first.cores.to_string();
  if (!first.gpus.empty())
    text += " gpu " + first.gpus.to_string();
  return text;
}

} // namespace

void resource_pool::hold(job_id job, selection what, hold_kind kind) {
  auto e = ledger_->hold(job.value, std::move(what), kind);
  HACTOR_CHECK(!e); // a match chooses only what is free
}

bool resource_pool::is_leaf_of_rank(vertex v) const {
  return (graph_->type(v) == core_ || graph_->type(v) == gpu_) && graph_->rank(v) >= 0;
}

/// Adds cores and GPUs at and below what a job has exclusively. Other things below it, which a
/// restart would not know to be taken, make it itself one of the others; what is in a core goes
/// with the core.
void resource_pool::add_below(vertex top, rset_extra& extra,
                              std::map<rank_t, node_share>& shares) const {
  bool other = false;
  std::vector<vertex> open{top};
  while (!open.empty()) {
    auto v = open.back();
    open.pop_back();
    if (!is_leaf_of_rank(v)) {
      auto below = graph_->below(v);
      open.insert(open.end(), below.begin(), below.end());
      other = other || below.empty();
      continue;
    }
    auto rank = static_cast<rank_t>(graph_->rank(v));
    auto& n = nodes_[rank];
    auto& share = shares[rank];
    share.rank = rank;
    if (graph_->type(v) == core_)
      share.cores.add(id_of(n.cores, v, graph_->id(v)));
    else
      share.gpus.add(id_of(n.gpus, v, graph_->id(v)));
  }
  if (other)
    extra.others.push_back({graph_->path(top), graph_->rank(top), graph_->units(top)});
}

rset resource_pool::r_of(const selection& what, const resource_request& request) const {
  rset r;
  rset_extra extra;
  std::map<rank_t, node_share> shares;
  // Parents first: what is below something exclusive goes with it.
  for (size_t i = what.picks.size(); i-- > 0;) {
    auto& p = what.picks[i];
    if (!p.exclusive)
      continue;
    add_below(p.at, extra, shares);
    while (i > 0 && what.picks[i - 1].depth > p.depth)
      --i;
  }
  for (auto& [rank, share] : shares) {
    r.nodes.push_back(std::move(share));
    r.nodelist.push_back(graph_->name(nodes_[rank].top));
  }
  if (!job_properties_.empty()) {
    auto ranks = r.ranks();
    for (const auto& [name, have] : job_properties_)
      if (auto both = have.intersect(ranks); !both.empty())
        r.properties.emplace(name, std::move(both));
  }
  for (auto& c : what.charges) {
    // A pool that is shared is one of the picks, what is drawn in another subsystem is not.
    auto shared = std::any_of(what.picks.begin(), what.picks.end(),
                              [&](const pick& p) { return p.at == c.at; });
    for (subsystem_id s = shared ? 0 : 1; s < graph_->subsystem_count(); ++s)
      if (auto path = graph_->path(c.at, s); !path.empty()) {
        extra.charges.push_back(
            {graph_->subsystem_name(s), std::move(path), c.units, graph_->rank(c.at)});
        break;
      }
  }
  add_near(r, extra);
  add_slots(what, request, r, extra);
  for (auto& of : extra.slots)
    r.nslots += static_cast<uint32_t>(of.ranks.size()) * of.count;
  if (request.plain) {
    r.nslots = request.slots;
    extra.slots.clear();
  }
  std::reverse(extra.others.begin(), extra.others.end());
  if (options_.graph_in_r && !r.nodes.empty()) {
    auto text = write_match(*graph_, what, match_format::jgf);
    if (text.size() <= graph_in_r_bytes_max)
      extra.graph = graph_in(text);
  }
  r.scheduling = to_json(extra);
  return r;
}

/// Says what is near what on each rank. A job with one GPU, or none, needs to know only where ids
/// do not follow the graph.
void resource_pool::add_near(const rset& r, rset_extra& extra) const {
  std::vector<std::pair<std::vector<near_group>, idset>> alike; // ranks mostly are
  for (auto& share : r.nodes) {
    auto& n = nodes_[share.rank];
    if (!n.scattered && share.gpus.size() < 2)
      continue;
    auto groups = groups_of(*graph_, n.top, share, n.cores, n.gpus, n.scattered);
    if (groups.empty())
      continue;
    auto i = std::find_if(alike.begin(), alike.end(), [&](auto& x) { return x.first == groups; });
    if (i == alike.end())
      i = alike.insert(i, {std::move(groups), idset{}});
    i->second.add(share.rank);
  }
  for (auto& [groups, ranks] : alike)
    for (auto& g : groups)
      extra.near.push_back({ranks, std::move(g)});
}

/// Counts the slots that tasks run in by label and the rank that their first vertex belongs to.
void resource_pool::add_slots(const selection& what, const resource_request& request, const rset& r,
                              rset_extra& extra) const {
  if (request.plain || r.nodes.empty())
    return;
  auto& labels = request.slot_labels;
  std::vector<std::map<rank_t, uint32_t>> by_rank(labels.size());
  std::vector<uint32_t> nowhere(labels.size());
  auto& picks = what.picks;
  for (size_t i = 0; i < picks.size(); ++i) {
    if (picks[i].slot == 0)
      continue;
    auto label = request.label_of_slot[picks[i].slot - 1u];
    if (!label)
      continue;
    auto rank = graph_->rank(picks[i].at);
    for (auto k = i; rank < 0 && k-- > 0 && picks[k].depth > picks[i].depth;)
      rank = graph_->rank(picks[k].at);
    if (rank < 0)
      ++nowhere[*label];
    else
      ++by_rank[*label][static_cast<rank_t>(rank)];
  }
  for (size_t label = 0; label < labels.size(); ++label) {
    // A slot that begins outside of all nodes runs where the job has cores.
    for (uint32_t k = 0; k < nowhere[label]; ++k)
      ++by_rank[label][r.nodes[k % r.nodes.size()].rank];
    std::map<uint32_t, idset> by_count;
    for (auto& [rank, count] : by_rank[label])
      by_count[count].add(rank);
    for (auto& [count, ranks] : by_count)
      extra.slots.push_back({ranks, labels.size() == 1 ? "" : labels[label], count});
  }
}

caf::expected<resource_graph> resource_pool::granted(job_id job) const {
  auto* held = find(job);
  if (held == nullptr)
    return make_error(ec::bad_argument, fmt::format("job {} holds nothing", to_string(job)));
  std::unordered_map<vertex, int64_t> ids;
  for (auto& p : held->what.picks) {
    auto* n = graph_->rank(p.at) < 0 ? nullptr : find_node(static_cast<rank_t>(graph_->rank(p.at)));
    if (n == nullptr || n->top != p.at)
      continue;
    for (auto* all : {&n->cores, &n->gpus})
      for (auto& [id, v] : *all)
        ids.emplace(v, id);
  }
  return granted_graph(*graph_, held->what, ids);
}

namespace {

int64_t end_of(double expiration) {
  return expiration > 0 ? static_cast<int64_t>(std::ceil(expiration)) : end_of_time;
}

/// From when to when an R lasts.
std::pair<int64_t, int64_t> span_of(const rset& r) {
  auto at = static_cast<int64_t>(std::floor(r.starttime));
  return {at, std::max<int64_t>(end_of(r.expiration) - at, 1)};
}

} // namespace

void resource_pool::set_end(job_id job, double expiration) {
  auto* held = ledger_->find(job.value);
  if (held == nullptr)
    return;
  auto e = ledger_->extend(job.value, std::max(end_of(expiration), held->what.at + 1));
  HACTOR_CHECK(!e); // no two jobs hold the same, whatever their times
}

caf::error resource_pool::take(job_id job, const rset& r, hold_kind kind) {
  release(job);
  selection_builder held{*graph_};
  for (auto& share : r.nodes)
    if (auto* n = find_node(share.rank))
      for (auto [have, want] :
           {std::pair{&n->cores, &share.cores}, std::pair{&n->gpus, &share.gpus}})
        for (auto id : want->expand())
          if (auto v = find_id(*have, id))
            held.add_exclusive(*v, graph_->units(*v));
  auto extra = parse_rset_extra(r.scheduling);
  if (!extra)
    return extra.error();
  for (auto& x : extra->others)
    if (auto v = graph_->find_path(x.path, containment, x.rank); v != no_vertex)
      held.add_exclusive(v, x.units);
  for (auto& x : extra->charges)
    if (auto s = graph_->find_subsystem(x.subsystem))
      if (auto v = graph_->find_path(x.path, *s, x.rank); v != no_vertex) {
        if (*s == containment)
          held.add_shared(v);
        held.charge_units(v, x.units);
      }
  auto [at, seconds] = span_of(r);
  return hold_if_free(job, held.finish(at, seconds), kind);
}

caf::error resource_pool::hold_if_free(job_id job, selection what, hold_kind kind) {
  if (what.picks.empty())
    return {};
  // Two jobs with different times never had one core at the same time, but both have it still.
  for (auto& p : what.picks)
    if (kind == hold_kind::allocated && p.exclusive && ledger_->allocated(p.at))
      return make_error(ec::busy, fmt::format("{} is held by another job", graph_->path(p.at)));
  return ledger_->hold(job.value, std::move(what), kind);
}

// -- texts of others -----------------------------------------------------------------------------

caf::expected<rset> resource_pool::take_text(job_id job, const std::string& text, int64_t now) {
  auto r = parse_rset(text);
  if (!r && !has_jgf(text))
    return r;
  if (!r)
    r = rset{};
  if (r->starttime <= 0)
    r->starttime = static_cast<double>(now);
  if (has_jgf(text)) {
    auto [at, seconds] = span_of(*r);
    auto what = read_allocation(*graph_, "jgf", text, at, seconds);
    if (!what)
      return std::move(what.error());
    auto had = r_of(*what, {});
    had.starttime = r->starttime;
    had.expiration = r->expiration;
    had.nslots = r->nslots;
    if (auto e = hold_if_free(job, std::move(*what), hold_kind::allocated))
      return e;
    return had;
  }
  if (!contains_all(inventory_, *r))
    return make_error(ec::bad_argument, fmt::format("the graph lacks {} of it",
                                                    describe_share(subtract(*r, inventory_))));
  if (auto e = take(job, *r))
    return e;
  return r;
}

caf::expected<rset> resource_pool::release_text(job_id job, const std::string& text) {
  auto released = release_part(*ledger_, job.value, has_jgf(text) ? "jgf" : "rv1exec", text);
  if (!released)
    return std::move(released.error());
  auto* left = ledger_->find(job.value);
  if (left == nullptr)
    return rset{};
  auto r = r_of(left->what, {});
  r.nslots = 0; // how many are left nobody knows
  return r;
}

} // namespace hactor
