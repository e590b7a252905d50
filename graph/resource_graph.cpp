// See resource_graph.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/resource_graph.hpp"

#include <algorithm>
#include <charconv>
#include <tuple>
#include <unordered_set>
#include <utility>

#include <boost/graph/depth_first_search.hpp>
#include <fmt/format.h>

#include "graph/resource_graph_boost.hpp"
#include "runtime/limits.hpp"

namespace hactor {

namespace {

/// Units of one pool; sums over a whole graph stay in int64.
constexpr int64_t pool_units_max = int64_t{1} << 40;

/// Remembers the first edge that closes a cycle.
struct cycle_finder : boost::dfs_visitor<> {
  explicit cycle_finder(vertex& found) : found_(&found) {}
  template <class Edge, class Graph>
  void back_edge(const Edge& e, const Graph& g) const {
    if (*found_ == no_vertex)
      *found_ = target(e, g);
  }
  vertex* found_;
};

} // namespace

resource_graph::resource_graph(std::string_view dominant) {
  names_.intern({});
  subsystems_.emplace_back().name = dominant;
}

void resource_graph::reserve(size_t vertices) {
  records_.reserve(vertices);
  spots_.reserve(vertices);
  subsystems_[containment].down.reserve(vertices);
}

// -- building ------------------------------------------------------------------------------------

caf::expected<vertex> resource_graph::add_vertex(const vertex_facts& facts) {
  if (facts.type.empty())
    return make_error(ec::bad_argument, "a vertex needs a type");
  if (facts.size < 0 || facts.size > pool_units_max)
    return make_error(ec::bad_argument, fmt::format("vertex of type {}: size {} is not within 0 "
                                                    "and {}",
                                                    facts.type, facts.size, pool_units_max));
  if (size() >= limits::graph_vertices_max)
    return make_error(ec::too_big,
                      fmt::format("a graph has at most {} vertices", limits::graph_vertices_max));
  auto type = types_.intern(facts.type);
  auto unit = names_.intern(facts.unit);
  if (type >= no_type || unit > UINT16_MAX)
    return make_error(ec::too_big, fmt::format("more than {} types or units", no_type));
  vertex v;
  if (!free_.empty()) {
    v = free_.back();
    free_.pop_back();
  } else {
    v = limit();
    records_.emplace_back();
    spots_.emplace_back();
  }
  auto& s = spots_[v];
  s = {};
  s.type = static_cast<type_id>(type);
  s.status = facts.status;
  auto small = [v](int64_t n, std::unordered_map<vertex, int64_t>& others) {
    if (n > INT32_MIN && n < large)
      return static_cast<int32_t>(n);
    others[v] = n;
    return large;
  };
  s.id = small(facts.id, large_ids_);
  s.units = small(facts.size, large_units_);
  auto& r = records_[v];
  r = {};
  r.unit = static_cast<uint16_t>(unit);
  r.uniq_id = facts.uniq_id < 0 ? v : facts.uniq_id;
  r.basename = names_.intern(facts.basename.empty() ? facts.type : facts.basename);
  if (!facts.name.empty() && !has_name(v, facts.name))
    r.name = names_.intern(facts.name);
  if (counts_.size() <= type)
    counts_.resize(type + 1);
  ++counts_[type];
  set_rank(v, facts.rank);
  if (auto& root = subsystems_[containment].root; root == no_vertex)
    root = v;
  new_shape();
  return v;
}

caf::expected<subsystem_id> resource_graph::add_subsystem(std::string_view name) {
  if (auto known = find_subsystem(name))
    return *known;
  if (subsystems_.size() >= subsystems_max)
    return make_error(ec::too_big,
                      fmt::format("subsystem {}: a graph has at most {}", name, subsystems_max));
  subsystems_.emplace_back().name = name;
  return static_cast<subsystem_id>(subsystems_.size() - 1);
}

caf::error resource_graph::refuse_edge(vertex from, vertex to, subsystem_id s,
                                       std::string_view why) const {
  return make_error(ec::bad_argument, fmt::format("edge from {} to {} in {}: {}", name(from),
                                                  name(to), subsystems_[s].name, why));
}

caf::error resource_graph::add_link(vertex from, vertex to) {
  auto refuse = [&](std::string_view why) { return refuse_edge(from, to, containment, why); };
  auto known = linked(from);
  if (parent(to) == from || std::find(known.begin(), known.end(), to) != known.end())
    return refuse("it is there already");
  size_t levels = 0; // of what is not checked yet: there may be a circle above, too
  for (auto up = from; up != no_vertex; up = parent(up))
    if (up == to || ++levels > size())
      return refuse("it leads back");
  if (links_up_.of(to).size() >= limits::graph_parents_max)
    return make_error(ec::too_big,
                      fmt::format("{}: more than {} edges of {} lead to it", name(to),
                                  limits::graph_parents_max, subsystems_[containment].name));
  links_down_.add(from, to);
  links_up_.add(to, from);
  ++version_;
  ++shape_version_;
  return {};
}

caf::error resource_graph::add_edge(vertex from, vertex to, subsystem_id s,
                                    std::string_view relation) {
  auto& sub = subsystems_[s];
  auto refuse = [&](std::string_view why) { return refuse_edge(from, to, s, why); };
  if (from == to)
    return refuse("it leads to itself");
  auto parents = above(to, s);
  if (std::find(parents.begin(), parents.end(), from) != parents.end())
    return refuse("it is there already");
  if (s == containment && !parents.empty())
    return refuse(fmt::format("{} is contained in {} already", name(to), name(parents[0])));
  if (parents.size() >= limits::graph_parents_max)
    return make_error(ec::too_big, fmt::format("{}: more than {} edges of {} lead to it", name(to),
                                               limits::graph_parents_max, sub.name));
  auto word = names_.intern(relation);
  if (sub.down.edges() == 0)
    sub.relation = word;
  else if (word != sub.relation)
    sub.relations[edge_key(from, to)] = word;
  if (s == containment) {
    auto before = sub.down.of(from);
    spots_[to].parent = from;
    spots_[to].place = static_cast<uint32_t>(before.size());
    spots_[from].contains = true;
    if (!before.empty() && records_[before.back()].uniq_id >= records_[to].uniq_id)
      spots_[from].shuffled = true;
  } else {
    sub.up.add(to, from);
  }
  sub.down.add(from, to);
  if (sub.root == no_vertex || (sub.down.of(sub.root).empty() && above(sub.root, s).empty()))
    sub.root = from;
  climb(s);
  new_shape();
  return {};
}

/// Sets the root to what is above it. A cycle ends the climb, and check() tells of it.
void resource_graph::climb(subsystem_id s) {
  auto& sub = subsystems_[s];
  for (size_t steps = 0; !sub.cyclic && steps < records_.size(); ++steps) {
    auto up = above(sub.root, s);
    if (up.empty())
      return;
    sub.root = up[0];
  }
  // Every further edge would go round again.
  sub.cyclic = true;
}

caf::error resource_graph::check() const {
  for (size_t s = 0; s < subsystems_.size(); ++s)
    if (auto e = check(static_cast<subsystem_id>(s)))
      return e;
  if (auto e = check_links())
    return e;
  return check_names();
}

/// Takes away, again and again, what nothing is left above; what stays is above itself.
caf::error resource_graph::check_links() const {
  if (!has_links())
    return {};
  std::vector<uint32_t> above(records_.size());
  std::vector<vertex> open;
  for (vertex v = 0; v < limit(); ++v) {
    above[v] = static_cast<uint32_t>(links_up_.of(v).size()) + (parent(v) != no_vertex);
    if (above[v] == 0)
      open.push_back(v);
  }
  for (size_t i = 0; i < open.size(); ++i)
    for (auto children : {below(open[i]), linked(open[i])})
      for (auto c : children)
        if (--above[c] == 0)
          open.push_back(c);
  if (open.size() == records_.size())
    return {};
  auto stuck = std::find_if(above.begin(), above.end(), [](uint32_t n) { return n > 0; });
  return make_error(ec::bad_argument,
                    fmt::format("subsystem {}: {} is found below itself, by links",
                                subsystems_[containment].name,
                                path(static_cast<vertex>(stuck - above.begin()))));
}

caf::error resource_graph::check(subsystem_id s) const {
  auto& sub = subsystems_[s];
  if (sub.down.edges() == 0)
    return {};
  vertex in_cycle = no_vertex;
  std::vector<boost::default_color_type> colors(records_.size());
  boost::depth_first_search(subsystem_view{this, s}, cycle_finder{in_cycle},
                            boost::make_iterator_property_map(
                                colors.begin(), boost::typed_identity_property_map<vertex>{}));
  if (in_cycle != no_vertex)
    return make_error(ec::bad_argument,
                      fmt::format("subsystem {}: {} is part of a cycle", sub.name, name(in_cycle)));
  for (vertex v = 0; v < limit(); ++v)
    if (v != sub.root && !sub.down.of(v).empty() && above(v, s).empty())
      return make_error(ec::bad_argument,
                        fmt::format("subsystem {}: {} and {} are both roots; there must be one",
                                    sub.name, name(sub.root), name(v)));
  return {};
}

caf::error resource_graph::check_names() const {
  // Names with a symbol of their own, and those of basename and id, which are other names.
  using label = std::tuple<uint32_t, uint32_t, int64_t, int32_t>;
  auto hash = [](const label& x) {
    auto& [name, basename, id, rank] = x;
    auto mixed = (uint64_t{name} ^ uint64_t{basename} << 24 ^ static_cast<uint64_t>(id) << 40
                  ^ static_cast<uint64_t>(id) ^ static_cast<uint64_t>(rank) << 16)
                 * 0x9e3779b97f4a7c15;
    return static_cast<size_t>(mixed ^ mixed >> 32);
  };
  std::unordered_set<label, decltype(hash)> seen{64, hash};
  for (vertex v = 0; v < limit(); ++v) {
    auto children = below(v);
    if (children.size() < 2)
      continue;
    seen.clear();
    for (auto c : children) {
      auto& r = records_[c];
      constexpr int32_t any_rank = INT32_MIN;
      auto x = r.name != 0 ? label{r.name, 0, 0, any_rank} : label{0, r.basename, id(c), any_rank};
      bool is_first = seen.insert(x).second;
      std::get<3>(x) = -1;
      bool unranked = r.rank < 0 || seen.contains(x);
      std::get<3>(x) = r.rank;
      if (!seen.insert(x).second || (!is_first && unranked))
        return make_error(ec::bad_argument,
                          fmt::format("{} contains two vertices named {}", path(v), name(c)));
    }
  }
  return {};
}

std::vector<vertex> resource_graph::remove_subtree(vertex top) {
  auto above = spots_[top].parent;
  auto place = spots_[top].place;
  std::vector<vertex> gone{top};
  for (size_t i = 0; i < gone.size(); ++i)
    for (auto c : below(gone[i]))
      gone.push_back(c);
  for (auto v : gone)
    forget(v);
  if (above != no_vertex) {
    auto siblings = below(above);
    spots_[above].contains = !siblings.empty();
    for (auto i = place; i < siblings.size(); ++i)
      spots_[siblings[i]].place = i;
  }
  free_.insert(free_.end(), gone.begin(), gone.end());
  new_shape();
  return gone;
}

void resource_graph::forget(vertex v) {
  for (size_t i = 0; i < subsystems_.size(); ++i) {
    auto id = static_cast<subsystem_id>(i);
    auto& s = subsystems_[i];
    if (s.root == v) { // what was below it and has more below is the root then
      s.root = no_vertex;
      for (auto t : s.down.of(v))
        if (s.root == no_vertex && !s.down.of(t).empty())
          s.root = t;
    }
    for (auto t : s.down.of(v)) {
      if (id == containment)
        spots_[t].parent = no_vertex;
      else
        s.up.remove(t, v);
      s.relations.erase(edge_key(v, t));
    }
    for (auto u : above(v, id)) {
      s.down.remove(u, v);
      s.relations.erase(edge_key(u, v));
    }
    s.down.clear(v);
    s.up.clear(v);
    if (id == containment)
      spots_[v].parent = no_vertex;
    s.cyclic = false;
  }
  for (auto t : links_down_.of(v))
    links_up_.remove(t, v);
  for (auto u : links_up_.of(v))
    links_down_.remove(u, v);
  links_down_.clear(v);
  links_up_.clear(v);
  set_rank(v, -1);
  --counts_[spots_[v].type];
  large_ids_.erase(v);
  large_units_.erase(v);
  spots_[v] = {};
  records_[v] = {};
}

// -- vertices ------------------------------------------------------------------------------------

std::string resource_graph::name(vertex v) const {
  auto& r = records_[v];
  if (r.name != 0)
    return names_.text(r.name);
  auto& base = names_.text(r.basename);
  return id(v) < 0 ? base : base + std::to_string(id(v));
}

bool resource_graph::has_name(vertex v, std::string_view name) const {
  auto& r = records_[v];
  if (r.name != 0)
    return names_.text(r.name) == name;
  auto& base = names_.text(r.basename);
  if (!name.starts_with(base))
    return false;
  auto rest = name.substr(base.size());
  if (id(v) < 0)
    return rest.empty();
  char digits[24];
  auto end = std::to_chars(digits, digits + sizeof digits, id(v)).ptr;
  return rest == std::string_view{digits, static_cast<size_t>(end - digits)};
}

const vertex_properties& resource_graph::properties(vertex v) const {
  return property_sets_[records_[v].properties];
}

std::string resource_graph::path(vertex v, subsystem_id s) const {
  auto& sub = subsystems_[s];
  if (above(v, s).empty() && sub.down.of(v).empty() && sub.root != v)
    return {};
  std::vector<vertex> way{v};
  for (auto up = above(v, s); !up.empty() && way.size() <= records_.size();
       up = above(way.back(), s))
    way.push_back(up[0]);
  std::string result;
  for (auto i = way.rbegin(); i != way.rend(); ++i)
    result += "/" + name(*i);
  return result;
}

void resource_graph::set_status(vertex v, vertex_status s) {
  version_ += spots_[v].status != s;
  spots_[v].status = s;
}

void resource_graph::set_properties(vertex v, const vertex_properties& p) {
  new_facts();
  if (p.empty()) {
    records_[v].properties = 0;
    return;
  }
  auto [at, is_new] = property_index_.try_emplace(p, static_cast<uint32_t>(property_sets_.size()));
  if (is_new)
    property_sets_.push_back(p);
  records_[v].properties = at->second;
}

void resource_graph::set_property(vertex v, const std::string& key, const std::string& value) {
  auto p = properties(v);
  p[key] = value;
  set_properties(v, p);
}

void resource_graph::remove_property(vertex v, const std::string& key) {
  auto p = properties(v);
  if (p.erase(key) > 0)
    set_properties(v, p);
}

void resource_graph::set_rank(vertex v, int32_t rank) {
  auto& r = records_[v];
  if (r.rank == rank)
    return;
  if (r.rank >= 0)
    std::erase(by_rank_[r.rank], v);
  if (rank >= 0)
    by_rank_[rank].push_back(v);
  r.rank = rank;
  new_facts();
}

// -- edges ---------------------------------------------------------------------------------------

std::optional<subsystem_id> resource_graph::find_subsystem(std::string_view name) const {
  for (size_t s = 0; s < subsystems_.size(); ++s)
    if (subsystems_[s].name == name)
      return static_cast<subsystem_id>(s);
  return {};
}

std::string_view resource_graph::relation(vertex from, vertex to, subsystem_id s) const {
  auto& sub = subsystems_[s];
  auto i = sub.relations.find(edge_key(from, to));
  return names_.text(i == sub.relations.end() ? sub.relation : i->second);
}

// -- finding -------------------------------------------------------------------------------------

type_id resource_graph::find_type(std::string_view name) const {
  auto t = types_.find(name);
  return t ? static_cast<type_id>(*t) : no_type;
}

vertex resource_graph::find_path(std::string_view path, subsystem_id s, int32_t rank) const {
  std::vector<vertex> at, next;
  bool first = true;
  while (path.starts_with('/')) {
    auto end = std::min(path.find('/', 1), path.size());
    auto word = path.substr(1, end - 1);
    path.remove_prefix(end);
    next.clear();
    if (std::exchange(first, false)) {
      if (root(s) != no_vertex && has_name(root(s), word))
        next.push_back(root(s));
    }
    for (auto v : at)
      for (auto c : below(v, s))
        if (has_name(c, word))
          next.push_back(c);
    std::swap(at, next);
  }
  if (at.empty() || !path.empty())
    return no_vertex;
  auto of_rank =
      std::find_if(at.begin(), at.end(), [&](vertex v) { return records_[v].rank == rank; });
  return of_rank == at.end() ? at.front() : *of_rank;
}

std::span<const vertex> resource_graph::of_rank(int32_t rank) const {
  auto i = by_rank_.find(rank);
  return i == by_rank_.end() ? std::span<const vertex>{} : std::span<const vertex>{i->second};
}

void resource_graph::prefetch(vertex first, vertex last) const {
  constexpr vertex spots_in_line = 64 / sizeof(spot);
  for (auto v = first; v < std::min(last, limit()); v += spots_in_line)
    __builtin_prefetch(&spots_[v]);
  subsystems_[containment].down.prefetch(first, last);
}

void resource_graph::prefetch_below(vertex v) const {
  __builtin_prefetch(&records_[v]);
  subsystems_[containment].down.prefetch_list(v);
}

size_t resource_graph::bytes() const {
  auto total = records_.capacity() * sizeof(record) + spots_.capacity() * sizeof(spot);
  for (auto& s : subsystems_)
    total += s.down.bytes() + s.up.bytes() + s.relations.size() * 32;
  total += links_down_.bytes() + links_up_.bytes();
  for (auto& [rank, list] : by_rank_)
    total += list.capacity() * sizeof(vertex) + 56;
  return total;
}

} // namespace hactor
