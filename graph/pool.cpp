// See pool.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/pool.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

namespace hactor {

namespace {

/// Constraints whose matching nodes are remembered; a pool sees few, and all can be found again.
constexpr size_t matching_max = 64;

std::string plural(uint64_t n, std::string_view what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

} // namespace

// -- inventory ----------------------------------------------------------------------------------

uint32_t node_pool::index_of(rank_t rank) const {
  // Ranks are mostly 0..n-1.
  if (rank < nodes_.size() && nodes_[rank].rank == rank)
    return rank;
  auto i = std::lower_bound(nodes_.begin(), nodes_.end(), rank,
                            [](const node& n, rank_t r) { return n.rank < r; });
  return i != nodes_.end() && i->rank == rank ? static_cast<uint32_t>(i - nodes_.begin()) : none;
}

void node_pool::reset(const rset& inventory) {
  auto old = std::move(nodes_);
  nodes_.clear();
  size_t k = 0;
  for (const auto& share : inventory.nodes) {
    while (k < old.size() && old[k].rank < share.rank)
      ++k;
    bool known = k < old.size() && old[k].rank == share.rank;
    node n;
    n.rank = share.rank;
    n.up = !known || old[k].up;
    n.drained = known && old[k].drained;
    n.cores = n.free_cores = share.cores;
    n.gpus = n.free_gpus = share.gpus;
    nodes_.push_back(std::move(n));
  }
  inventory_ = inventory;
  rebuild();
}

namespace {

/// With a name for every node, if the other side has names: those of a union would be lost.
rset with_names(const rset& r, const rset& other) {
  auto result = r;
  if (r.nodelist.empty() && !other.nodelist.empty())
    for (const auto& n : r.nodes)
      result.nodelist.push_back("rank" + std::to_string(n.rank));
  return result;
}

} // namespace

void node_pool::grow(const rset& more) {
  auto all = unite(with_names(inventory_, more), with_names(more, inventory_));
  auto old = std::move(nodes_);
  nodes_.clear();
  size_t k = 0;
  for (const auto& share : all.nodes) {
    // `all` has every old rank, in the same order.
    if (k < old.size() && old[k].rank == share.rank) {
      auto& n = nodes_.emplace_back(std::move(old[k++]));
      auto cores = share.cores;
      cores.remove_all(n.cores);
      n.free_cores.add_all(cores);
      auto gpus = share.gpus;
      gpus.remove_all(n.gpus);
      n.free_gpus.add_all(gpus);
      n.cores = share.cores;
      n.gpus = share.gpus;
      continue;
    }
    auto& n = nodes_.emplace_back();
    n.rank = share.rank;
    n.cores = n.free_cores = share.cores;
    n.gpus = n.free_gpus = share.gpus;
  }
  inventory_ = std::move(all);
  rebuild();
}

void node_pool::rebuild() {
  matching_.clear();
  job_properties_.clear();
  for (const auto& [name, ranks] : inventory_.properties)
    if (name[0] != '+')
      job_properties_.emplace(name, ranks);
  leaves_ = 1;
  while (leaves_ < nodes_.size())
    leaves_ *= 2;
  tree_.assign(size_t{leaves_} * 2, room{});
  counts_ = {};
  for (uint32_t i = 0; i < nodes_.size(); ++i) {
    auto& n = nodes_[i];
    n.ncores = static_cast<uint32_t>(n.cores.size());
    n.ngpus = static_cast<uint32_t>(n.gpus.size());
    n.free_ncores = static_cast<uint32_t>(n.free_cores.size());
    n.free_ngpus = static_cast<uint32_t>(n.free_gpus.size());
    ++counts_.nodes;
    counts_.cores += n.ncores;
    counts_.gpus += n.ngpus;
    count(n, 1);
    tree_[leaves_ + i] = room_of(n);
  }
  for (auto v = leaves_ - 1; v > 0; --v) {
    const auto& a = tree_[2 * v];
    const auto& b = tree_[2 * v + 1];
    tree_[v] = {std::max(a.cores, b.cores), std::max(a.gpus, b.gpus),
                std::max(a.idle_cores, b.idle_cores)};
  }
}

bool node_pool::set_up(rank_t rank, bool up) {
  auto i = index_of(rank);
  if (i == none)
    return false;
  count(nodes_[i], -1);
  nodes_[i].up = up;
  count(nodes_[i], 1);
  update(i);
  return true;
}

bool node_pool::set_drained(rank_t rank, bool drained) {
  auto i = index_of(rank);
  if (i == none)
    return false;
  count(nodes_[i], -1);
  nodes_[i].drained = drained;
  count(nodes_[i], 1);
  update(i);
  return true;
}

rset node_pool::available() const {
  rset free;
  for (const auto& n : nodes_)
    if (n.usable() && n.free_ncores + n.free_ngpus > 0)
      free.nodes.push_back({n.rank, n.free_cores, n.free_gpus});
  return intersect(inventory_, free);
}

// -- the tree -----------------------------------------------------------------------------------

node_pool::room node_pool::room_of(const node& n) const {
  if (!n.usable())
    return {};
  return {n.free_ncores, n.free_ngpus, n.idle() ? n.ncores : 0u};
}

/// Adds (or takes off) what the node contributes to the sums that its marks and its free part say.
void node_pool::count(const node& n, int sign) {
  auto add = [sign](auto& to, uint64_t x) {
    using sum = std::remove_reference_t<decltype(to)>;
    to = static_cast<sum>(sign > 0 ? to + x : to - x);
  };
  add(counts_.nodes_down, n.up ? 0 : 1);
  add(counts_.nodes_drained, n.drained ? 1 : 0);
  add(counts_.cores_free, n.usable() ? n.free_ncores : 0);
  add(counts_.gpus_free, n.usable() ? n.free_ngpus : 0);
}

void node_pool::update(uint32_t index) {
  auto v = leaves_ + index;
  tree_[v] = room_of(nodes_[index]);
  for (v /= 2; v > 0; v /= 2) {
    const auto& a = tree_[2 * v];
    const auto& b = tree_[2 * v + 1];
    room most{std::max(a.cores, b.cores), std::max(a.gpus, b.gpus),
              std::max(a.idle_cores, b.idle_cores)};
    if (tree_[v] == most)
      return;
    tree_[v] = most;
  }
}

uint32_t node_pool::next_fit(uint32_t from, const room& need) const {
  return from < nodes_.size() ? descend(1, from, 0, leaves_, need) : none;
}

/// The first fitting leaf >= from below `vertex`, which covers leaves [low, high). A vertex may
/// promise cores and GPUs that no single leaf has together: then its other half is tried.
uint32_t node_pool::descend(uint32_t vertex, uint32_t from, uint32_t low, uint32_t high,
                            const room& need) const {
  if (high <= from || !tree_[vertex].holds(need))
    return none;
  if (high - low == 1)
    return low < nodes_.size() ? low : none;
  auto middle = low + (high - low) / 2;
  auto left = descend(2 * vertex, from, low, middle, need);
  return left != none ? left : descend(2 * vertex + 1, from, middle, high, need);
}

const std::vector<uint32_t>& node_pool::matching(const constraint& where) const {
  if (auto i = matching_.find(where.text()); i != matching_.end())
    return i->second;
  if (matching_.size() >= matching_max)
    matching_.clear();
  auto& result = matching_[where.text()];
  for (uint32_t i = 0; i < nodes_.size(); ++i)
    if (where.matches(nodes_[i].rank, inventory_.host(i), inventory_.properties))
      result.push_back(i);
  return result;
}

// -- allocation ---------------------------------------------------------------------------------

/// Fills picks_; false when the request does not fit.
bool node_pool::choose(const resource_request& request) {
  picks_.clear();
  if (request.total_cores() > counts_.cores_free || request.total_gpus() > counts_.gpus_free)
    return false;
  bool by_node = request.nnodes > 0;
  uint64_t per_node = by_node ? request.slots_per_node : 1;
  room need{per_node * request.cores_per_slot, per_node * request.gpus_per_slot, 0};
  if (request.exclusive)
    need.idle_cores = need.cores;
  uint64_t left = by_node ? request.nnodes : request.slots;
  auto pick_node = [&](uint32_t index) {
    const auto& n = nodes_[index];
    uint64_t slots = request.slots_per_node;
    if (by_node) {
      --left;
    } else {
      slots = n.free_ncores / request.cores_per_slot;
      if (request.gpus_per_slot > 0)
        slots = std::min<uint64_t>(slots, n.free_ngpus / request.gpus_per_slot);
      slots = std::min(slots, left);
      left -= slots;
    }
    picks_.push_back({index, static_cast<uint32_t>(slots)});
  };
  if (request.where.trivial()) {
    for (auto i = next_fit(0, need); i != none; i = next_fit(i + 1, need)) {
      pick_node(i);
      if (left == 0)
        return true;
    }
    return false;
  }
  for (auto i : matching(request.where)) {
    if (!tree_[leaves_ + i].holds(need))
      continue;
    pick_node(i);
    if (left == 0)
      return true;
  }
  return false;
}

rset node_pool::commit(const resource_request& request) {
  rset r;
  r.nslots = request.slots;
  r.nodes.reserve(picks_.size());
  if (!inventory_.nodelist.empty())
    r.nodelist.reserve(picks_.size());
  for (const auto& p : picks_) {
    auto& n = nodes_[p.index];
    auto cores = request.exclusive ? n.free_ncores : p.slots * request.cores_per_slot;
    auto gpus = request.exclusive ? n.free_ngpus : p.slots * request.gpus_per_slot;
    auto& share = r.nodes.emplace_back();
    share.rank = n.rank;
    share.cores = n.free_cores.take_first(cores);
    if (gpus > 0)
      share.gpus = n.free_gpus.take_first(gpus);
    n.free_ncores -= cores;
    n.free_ngpus -= gpus;
    counts_.cores_free -= cores;
    counts_.gpus_free -= gpus;
    update(p.index);
    if (!inventory_.nodelist.empty())
      r.nodelist.push_back(inventory_.nodelist[p.index]);
  }
  if (!job_properties_.empty())
    add_properties(r);
  return r;
}

void node_pool::add_properties(rset& r) const {
  for (const auto& [name, ranks] : job_properties_) {
    idset have;
    for (const auto& share : r.nodes)
      if (ranks.contains(share.rank))
        have.add(share.rank);
    if (!have.empty())
      r.properties.emplace(name, std::move(have));
  }
}

std::optional<rset> node_pool::allocate(const resource_request& request) {
  if (!choose(request))
    return std::nullopt;
  return commit(request);
}

caf::error node_pool::take(const std::vector<node_share>& wanted, std::vector<node_share>& taken) {
  taken.clear();
  for (const auto& share : wanted) {
    auto i = index_of(share.rank);
    if (i == none)
      continue;
    const auto& n = nodes_[i];
    node_share part{share.rank, share.cores.intersect(n.cores), share.gpus.intersect(n.gpus)};
    if (!n.free_cores.contains_all(part.cores) || !n.free_gpus.contains_all(part.gpus)) {
      taken.clear();
      return make_error(ec::busy,
                        fmt::format("rank {}: cores {} gpus {} are held already", share.rank,
                                    share.cores.to_string(), share.gpus.to_string()));
    }
    if (!part.cores.empty() || !part.gpus.empty())
      taken.push_back(std::move(part));
  }
  for (const auto& share : taken) {
    auto i = index_of(share.rank);
    auto& n = nodes_[i];
    count(n, -1);
    n.free_cores.remove_all(share.cores);
    n.free_gpus.remove_all(share.gpus);
    n.free_ncores -= static_cast<uint32_t>(share.cores.size());
    n.free_ngpus -= static_cast<uint32_t>(share.gpus.size());
    count(n, 1);
    update(i);
  }
  return {};
}

void node_pool::release(const std::vector<node_share>& nodes) {
  for (const auto& share : nodes) {
    auto i = index_of(share.rank);
    if (i == none)
      continue;
    auto& n = nodes_[i];
    auto give = [](const idset& back, const idset& all, idset& free) -> uint32_t {
      if (back.empty())
        return 0;
      HACTOR_CHECK(!free.intersects(back)); // else two jobs held it, or one gave it back twice
      if (all.contains_all(back)) {
        free.add_all(back);
        return static_cast<uint32_t>(back.size());
      }
      auto known = back.intersect(all);
      free.add_all(known);
      return static_cast<uint32_t>(known.size());
    };
    auto cores = give(share.cores, n.cores, n.free_cores);
    auto gpus = give(share.gpus, n.gpus, n.free_gpus);
    n.free_ncores += cores;
    n.free_ngpus += gpus;
    if (n.usable()) {
      counts_.cores_free += cores;
      counts_.gpus_free += gpus;
    }
    update(i);
  }
}

// -- feasibility --------------------------------------------------------------------------------

caf::error node_pool::feasible_nodes(const resource_request& request,
                                     const std::vector<uint32_t>& eligible) const {
  auto asked = plural(request.nnodes, "node");
  if (request.nnodes > eligible.size())
    return make_error(ec::unsatisfiable,
                      fmt::format("{} were asked; {}", asked,
                                  eligible.size() == 1
                                      ? "there is 1"
                                      : fmt::format("there are {}", eligible.size())));
  auto cores = uint64_t{request.slots_per_node} * request.cores_per_slot;
  auto gpus = uint64_t{request.slots_per_node} * request.gpus_per_slot;
  uint64_t most_cores = 0;
  uint64_t most_gpus = 0;
  uint64_t fitting = 0;
  for (auto i : eligible) {
    const auto& n = nodes_[i];
    most_cores = std::max<uint64_t>(most_cores, n.ncores);
    most_gpus = std::max<uint64_t>(most_gpus, n.ngpus);
    fitting += n.ncores >= cores && n.ngpus >= gpus;
  }
  if (fitting >= request.nnodes)
    return {};
  for (auto [what, want, most] :
       {std::tuple{"core", cores, most_cores}, std::tuple{"gpu", gpus, most_gpus}})
    if (want > most)
      return make_error(ec::unsatisfiable,
                        fmt::format("{} with {} each were asked; no node has more than {}", asked,
                                    plural(want, what), plural(most, what)));
  auto each = plural(cores, "core") + (gpus > 0 ? " and " + plural(gpus, "gpu") : "");
  return make_error(ec::unsatisfiable,
                    fmt::format("{} with {} each were asked; {} so much", asked, each,
                                fitting == 1 ? "1 node has" : plural(fitting, "node") + " have"));
}

caf::error node_pool::feasible_slots(const resource_request& request,
                                     const std::vector<uint32_t>& eligible) const {
  uint64_t most_cores = 0;
  uint64_t most_gpus = 0;
  uint64_t slots = 0;
  for (auto i : eligible) {
    const auto& n = nodes_[i];
    most_cores = std::max<uint64_t>(most_cores, n.ncores);
    most_gpus = std::max<uint64_t>(most_gpus, n.ngpus);
    uint64_t room = n.ncores / request.cores_per_slot;
    if (request.gpus_per_slot > 0)
      room = std::min<uint64_t>(room, n.ngpus / request.gpus_per_slot);
    slots += room;
  }
  if (slots >= request.slots)
    return {};
  for (auto [what, want, most] : {std::tuple{"core", uint64_t{request.cores_per_slot}, most_cores},
                                  std::tuple{"gpu", uint64_t{request.gpus_per_slot}, most_gpus}})
    if (want > most)
      return make_error(ec::unsatisfiable,
                        fmt::format("{} with {} each were asked; no node has more than {}",
                                    plural(request.slots, "slot"), plural(want, what),
                                    plural(most, what)));
  return make_error(ec::unsatisfiable,
                    fmt::format("{} were asked; there is room for {}", describe(request), slots));
}

caf::error node_pool::feasible(const resource_request& request, bool usable_only) const {
  std::vector<uint32_t> eligible;
  if (request.where.trivial()) {
    eligible.resize(nodes_.size());
    std::iota(eligible.begin(), eligible.end(), 0u);
  } else {
    eligible = matching(request.where);
  }
  if (usable_only)
    eligible.erase(std::remove_if(eligible.begin(), eligible.end(),
                                  [this](uint32_t i) { return !nodes_[i].usable(); }),
                   eligible.end());
  auto e =
      request.nnodes > 0 ? feasible_nodes(request, eligible) : feasible_slots(request, eligible);
  if (!e || request.where.trivial())
    return e;
  auto text = request.where.text();
  if (text.size() > 200)
    text.replace(200, text.npos, "...");
  return make_error(ec::unsatisfiable, fmt::format("{} (among the {} that match {})", context_of(e),
                                                   plural(eligible.size(), "node"), text));
}

} // namespace hactor
