// See resource_pool.hpp. Here: nodes by rank. What a person changes in the graph is in
// resource_pool_change.cpp, from a selection to R and back in resource_pool_rset.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/resource_pool.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "runtime/limits.hpp"

namespace hactor {

namespace {

/// What the subtrees count, so that a match passes by what is full.
constexpr auto pruned = "ALL:core,ALL:gpu,ALL:node";

using numbered = std::vector<std::pair<uint32_t, vertex>>;

/// Logical ids are the graph's own, unless two are the same or one is none: then positions.
void number(const resource_graph& graph, std::vector<vertex>& all, numbered& to) {
  std::sort(all.begin(), all.end(), [&](vertex a, vertex b) {
    return std::pair{graph.id(a), a} < std::pair{graph.id(b), b};
  });
  auto same = [&](vertex a, vertex b) { return graph.id(a) == graph.id(b); };
  bool own = std::adjacent_find(all.begin(), all.end(), same) == all.end()
             && (all.empty() || (graph.id(all[0]) >= 0 && graph.id(all.back()) < UINT32_MAX));
  if (!own)
    std::sort(all.begin(), all.end());
  to.clear();
  for (auto v : all)
    to.emplace_back(own ? static_cast<uint32_t>(graph.id(v)) : static_cast<uint32_t>(to.size()), v);
}

idset ids_of(const numbered& all) {
  idset ids;
  for (auto& [id, v] : all)
    ids.add(id);
  return ids;
}

caf::expected<vertex> add_child(resource_graph& graph, vertex parent, const vertex_facts& facts) {
  auto v = graph.add_vertex(facts);
  if (!v)
    return v;
  if (auto e = graph.add_edge(parent, *v, containment, "contains"))
    return e;
  return v;
}

caf::error add_leaves(resource_graph& graph, vertex node, rank_t rank, std::string_view type,
                      const idset& ids) {
  for (auto id : ids.expand()) {
    vertex_facts facts;
    facts.type = type;
    facts.id = id;
    facts.rank = static_cast<int32_t>(rank);
    if (auto v = add_child(graph, node, facts); !v)
      return v.error();
  }
  return {};
}

/// Adds a node of an inventory.
caf::error add_node(resource_graph& graph, const rset& from, size_t index) {
  auto& share = from.nodes[index];
  vertex_facts facts;
  facts.type = "node";
  facts.name = from.host(index);
  facts.id = share.rank;
  facts.rank = static_cast<int32_t>(share.rank);
  auto v = add_child(graph, graph.root(), facts);
  if (!v)
    return v.error();
  if (auto e = add_leaves(graph, *v, share.rank, "core", share.cores))
    return e;
  return add_leaves(graph, *v, share.rank, "gpu", share.gpus);
}

/// Whether there is a match at all is the same for all policies, save for whole nodes.
struct any_policy final : match_policy {
  any_policy() {
    name = "any";
    stop_at_first = true;
  }
  int64_t score(const resource_graph&, vertex) const override { return 0; }
};

/// Names of the properties of a rank in R, with those of the instance ("+name").
std::set<std::string> properties_of(const rset& r, rank_t rank) {
  std::set<std::string> result;
  for (const auto& [name, ranks] : r.properties)
    if (ranks.contains(rank))
      result.insert(name);
  return result;
}

/// Whether cores below one vertex do not stand together by id.
bool is_scattered(const resource_graph& graph,
                  const std::vector<std::pair<uint32_t, vertex>>& cores) {
  std::set<vertex> passed;
  auto last = no_vertex;
  for (auto& [id, core] : cores)
    if (auto above = graph.parent(core); above != std::exchange(last, above))
      if (!passed.insert(above).second)
        return true;
  return false;
}

/// How R names a property of a vertex.
std::string property_name(const std::string& key, const std::string& value) {
  return value.empty() ? key : key + "=" + value;
}

} // namespace

// -- making --------------------------------------------------------------------------------------

resource_pool::resource_pool(resource_graph graph, std::shared_ptr<const match_policy> policy,
                             pool_options options)
    : graph_{std::make_unique<resource_graph>(std::move(graph))}, policy_{std::move(policy)},
      options_{std::move(options)} {}

caf::expected<std::unique_ptr<resource_pool>>
resource_pool::make(resource_graph graph, std::shared_ptr<const match_policy> policy,
                    pool_options options) {
  auto pool = std::unique_ptr<resource_pool>{
      new resource_pool(std::move(graph), std::move(policy), std::move(options))};
  if (auto e = pool->learn_nodes())
    return e;
  auto& more = pool->options_.counted;
  auto filter = pruning_filter::parse(more.empty() ? pruned : fmt::format("{},{}", pruned, more));
  if (!filter)
    return std::move(filter.error());
  pool->ledger_ = std::make_unique<ledger>(*pool->graph_, std::move(*filter));
  pool->make_matchers();
  return pool;
}

void resource_pool::make_matchers() {
  matcher_ = std::make_unique<matcher>(*graph_, *ledger_, policy_);
  auto any = std::make_shared<any_policy>();
  any->node_exclusive = policy_->node_exclusive;
  judge_ = std::make_unique<matcher>(*graph_, *ledger_, std::move(any));
}

void resource_pool::learn_types() {
  core_ = graph_->find_type("core");
  gpu_ = graph_->find_type("gpu");
  node_ = graph_->find_type("node");
}

/// Finds the ranks, and gives all that is below a vertex with a rank the same rank: what a reader
/// says of a node holds for its parts.
caf::error resource_pool::learn_nodes() {
  learn_types();
  std::vector<vertex> open;
  if (graph_->root() != no_vertex)
    open.push_back(graph_->root());
  while (!open.empty()) {
    auto v = open.back();
    open.pop_back();
    auto rank = graph_->rank(v);
    for (auto c : graph_->below(v)) {
      if (graph_->rank(c) < 0 && rank >= 0)
        graph_->set_rank(c, rank);
      open.push_back(c);
    }
    if (rank >= 0 && nodes_.size() <= static_cast<size_t>(rank)) {
      if (static_cast<uint64_t>(rank) > limits::idset_universe_max)
        return make_error(ec::bad_argument, fmt::format("{}: rank {}; at most {}", graph_->path(v),
                                                        rank, limits::idset_universe_max));
      nodes_.resize(static_cast<size_t>(rank) + 1);
    }
  }
  for (rank_t rank = 0; rank < nodes_.size(); ++rank)
    if (auto e = learn_node(rank))
      return e;
  learn_inventory();
  return {};
}

/// Finds the vertices of a rank.
caf::error resource_pool::learn_node(rank_t rank) {
  auto& n = nodes_[rank];
  auto is_new = std::exchange(n.top, no_vertex) == no_vertex;
  std::vector<vertex> cores, gpus;
  for (auto v : graph_->of_rank(static_cast<int32_t>(rank))) {
    auto above = graph_->parent(v);
    if (above == no_vertex || graph_->rank(above) != static_cast<int32_t>(rank)) {
      if (n.top != no_vertex)
        return make_error(
            ec::bad_argument,
            fmt::format("{} and {} both have rank {}", graph_->path(n.top), graph_->path(v), rank));
      n.top = v;
    }
    if (graph_->type(v) == core_)
      cores.push_back(v);
    else if (graph_->type(v) == gpu_)
      gpus.push_back(v);
  }
  number(*graph_, cores, n.cores);
  number(*graph_, gpus, n.gpus);
  if (n.top == no_vertex)
    return {};
  n.scattered = is_scattered(*graph_, n.cores);
  if (n.cores.empty())
    return make_error(ec::bad_argument,
                      fmt::format("{} has rank {} and no core, so nothing can run there",
                                  graph_->path(n.top), rank));
  if (is_new && graph_->status(n.top) == vertex_status::down)
    n.off = true;
  return {};
}

/// The inventory as R, from the graph.
void resource_pool::learn_inventory() {
  inventory_ = {};
  job_properties_.clear();
  for (rank_t rank = 0; rank < nodes_.size(); ++rank) {
    auto& n = nodes_[rank];
    if (n.top == no_vertex)
      continue;
    inventory_.nodes.push_back({rank, ids_of(n.cores), ids_of(n.gpus)});
    inventory_.nodelist.push_back(graph_->name(n.top));
    for (auto& [key, value] : graph_->properties(n.top)) {
      auto name = property_name(key, value);
      if (is_property_name(name))
        inventory_.properties[name].add(rank);
    }
  }
  for (auto& [name, ranks] : inventory_.properties)
    if (!name.starts_with('+'))
      job_properties_.emplace(name, ranks);
}

// -- nodes ---------------------------------------------------------------------------------------

resource_pool::node* resource_pool::find_node(rank_t rank) {
  return rank < nodes_.size() && nodes_[rank].top != no_vertex ? &nodes_[rank] : nullptr;
}

const resource_pool::node* resource_pool::find_node(rank_t rank) const {
  return rank < nodes_.size() && nodes_[rank].top != no_vertex ? &nodes_[rank] : nullptr;
}

void resource_pool::set_status(node& n) {
  auto wanted = n.usable() ? vertex_status::up : vertex_status::down;
  if (graph_->status(n.top) == wanted)
    return;
  graph_->set_status(n.top, wanted);
  ledger_->touched(n.top);
}

bool resource_pool::set_up(rank_t rank, bool up) {
  auto* n = find_node(rank);
  if (n == nullptr || n->up == up)
    return false;
  n->up = up;
  set_status(*n);
  return true;
}

bool resource_pool::set_drained(rank_t rank, bool drained) {
  auto* n = find_node(rank);
  if (n == nullptr || n->drained == drained)
    return false;
  n->drained = drained;
  set_status(*n);
  return true;
}

/// Brings one graph from what a pool has to what is wanted.
class resource_pool::change {
public:
  change(resource_pool& pool, const rset& wanted) : pool_{pool}, wanted_{wanted} {}

  caf::error run() {
    for (rank_t rank = 0; rank < pool_.nodes_.size(); ++rank)
      if (auto* n = pool_.find_node(rank)) {
        if (auto share = wanted_.find(rank))
          remove_leaves(*n, *share);
        else
          remove(n->top, *n);
      }
    for (size_t i = 0; i < wanted_.nodes.size(); ++i)
      if (auto e = add(i))
        return e;
    return {};
  }

private:
  void remove(vertex top, node& of) {
    pool_.ledger_->shrinking(top);
    pool_.graph_->remove_subtree(top);
    if (top == of.top)
      of = {};
  }

  void remove_leaves(node& n, const node_share& share) {
    for (auto& [id, v] : n.cores)
      if (!share.cores.contains(id))
        remove(v, n);
    for (auto& [id, v] : n.gpus)
      if (!share.gpus.contains(id))
        remove(v, n);
  }

  caf::error add(size_t index) {
    auto& share = wanted_.nodes[index];
    auto rank = share.rank;
    if (pool_.nodes_.size() <= rank)
      pool_.nodes_.resize(rank + 1);
    auto& n = pool_.nodes_[rank];
    auto& graph = *pool_.graph_;
    if (n.top == no_vertex) {
      if (auto e = add_node(graph, wanted_, index))
        return e;
    } else {
      auto missing = share;
      missing.cores.remove_all(ids_of(n.cores));
      missing.gpus.remove_all(ids_of(n.gpus));
      if (auto e = add_leaves(graph, n.top, rank, "core", missing.cores))
        return e;
      if (auto e = add_leaves(graph, n.top, rank, "gpu", missing.gpus))
        return e;
    }
    pool_.learn_types();
    if (auto e = pool_.learn_node(rank))
      return e;
    set_properties(n.top, properties_of(wanted_, rank));
    return {};
  }

  /// Those that R knows by the same name stay as they are: R cannot tell a key from a value. So do
  /// those that R cannot name.
  void set_properties(vertex v, const std::set<std::string>& wanted) {
    auto missing = wanted;
    auto have = pool_.graph_->properties(v);
    for (auto& [key, value] : have)
      if (auto name = property_name(key, value); is_property_name(name) && missing.erase(name) == 0)
        pool_.graph_->remove_property(v, key);
    for (auto& name : missing)
      pool_.graph_->set_property(v, name, "");
  }

  resource_pool& pool_;
  const rset& wanted_;
};

caf::error resource_pool::change_nodes(const rset& wanted) {
  auto e = change{*this, wanted}.run();
  ledger_->grown();
  make_matchers();
  learn_inventory();
  return e;
}

// -- requests ------------------------------------------------------------------------------------

namespace {

/// Memory beside other things that are asked for.
void leave_out_memory(std::vector<resource_vertex>& list) {
  auto is_memory = [](const resource_vertex& v) { return v.type == "memory"; };
  if (!std::all_of(list.begin(), list.end(), is_memory))
    std::erase_if(list, is_memory);
  for (auto& v : list)
    leave_out_memory(v.with);
}

} // namespace

caf::expected<match_request_ptr> resource_pool::compile(const jobspec& wants,
                                                        const json& where) const {
  auto both = wants;
  // Where nobody counts memory it cannot be granted: that a job asks for it is then what it may use
  // (shell.options.memory-limit), and no reason to refuse the job.
  if (graph_->find_type("memory") == no_type)
    leave_out_memory(both.resources);
  auto& own = both.system.constraints;
  if (!where.is_null())
    own = own.is_null() ? where : json{{"and", json::array({where, own})}};
  auto option = first_option(both.resources);
  if (option && !options_.flexible)
    return make_error(
        ec::bad_jobspec,
        fmt::format("resources{}: {}s are a choice, and this instance matches without "
                    "any: it needs sched.traverser=flexible",
                    option->first, option->second));
  auto request = option ? compile_flexible(both, *graph_, true, slot_options::or_slots)
                        : compile_match(both, *graph_, true);
  if (!request)
    return request.error();
  return std::make_shared<const match_request>(std::move(*request));
}

// -- sums ----------------------------------------------------------------------------------------

/// Free now: no job has it, nor anything that contains it.
bool resource_pool::is_free(vertex v, int64_t now) const {
  if (ledger_->available(v, now, now + 1) <= 0)
    return false;
  for (auto at = v; at != no_vertex; at = graph_->parent(at))
    if (ledger_->allocated(at))
      return false;
  return true;
}

node_share resource_pool::free_share(rank_t rank, int64_t now, bool usable_only) const {
  auto& n = nodes_[rank];
  node_share share{rank, {}, {}};
  for (auto [from, to] : {std::pair{&n.cores, &share.cores}, std::pair{&n.gpus, &share.gpus}})
    for (auto& [id, v] : *from)
      if (is_free(v, now) && (!usable_only || is_reachable(v)))
        to->add(id);
  return share;
}

rset resource_pool::unheld(int64_t now, bool usable_only) const {
  rset result;
  for (size_t i = 0; i < inventory_.nodes.size(); ++i) {
    auto rank = inventory_.nodes[i].rank;
    if (usable_only && !nodes_[rank].usable())
      continue;
    auto share = free_share(rank, now, usable_only);
    if (share.cores.empty() && share.gpus.empty())
      continue;
    result.nodes.push_back(std::move(share));
    result.nodelist.push_back(inventory_.nodelist[i]);
  }
  for (const auto& [name, ranks] : inventory_.properties)
    if (auto left = ranks.intersect(result.ranks()); !left.empty())
      result.properties.emplace(name, std::move(left));
  return result;
}

pool_counts resource_pool::counts(int64_t now) const {
  pool_counts c;
  for (auto& share : inventory_.nodes) {
    auto& n = nodes_[share.rank];
    ++c.nodes;
    c.nodes_down += !n.up || is_below_off(n.top);
    c.nodes_drained += n.drained;
    c.cores += n.cores.size();
    c.gpus += n.gpus.size();
    if (!n.usable())
      continue;
    for (auto& [id, v] : n.cores)
      c.cores_free += is_free(v, now) && is_reachable(v);
    for (auto& [id, v] : n.gpus)
      c.gpus_free += is_free(v, now) && is_reachable(v);
  }
  return c;
}

} // namespace hactor
