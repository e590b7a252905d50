// See rv1_reader.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/rv1_reader.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <span>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "graph/host_name.hpp"
#include "graph/selection_builder.hpp"
#include "graph/type_words.hpp"
#include "runtime/json.hpp"

namespace hactor {

namespace {

class maker {
public:
  maker(const rset& r, size_t vertices_max, const std::vector<host_levels>* levels = nullptr)
      : r_(r), max_(vertices_max), levels_(levels) {
    for (auto& [name, ranks] : r.properties)
      for (auto& run : ranks.runs())
        for (auto i = first_at_or_after(run.first); i < r.nodes.size(); ++i) {
          if (r.nodes[i].rank > run.last)
            break;
          properties_[i].emplace(name, "");
        }
  }

  /// `order`: positions in r.nodes.
  caf::expected<resource_graph> run(const std::vector<size_t>& order) {
    auto vertices = 1 + r_.nodes.size() + r_.core_count() + r_.gpu_count();
    if (vertices > max_)
      return make_error(ec::too_big, fmt::format("R: {} nodes, cores and GPUs; a graph has at most "
                                                 "{} vertices",
                                                 vertices, max_));
    graph_.reserve(vertices);
    vertex_facts f;
    f.type = "cluster";
    f.id = 0;
    auto root = graph_.add_vertex(f);
    if (!root)
      return std::move(root.error());
    for (auto i : order)
      if (auto e = add_node(*root, i))
        return e;
    return std::move(graph_);
  }

private:
  size_t first_at_or_after(rank_t rank) const {
    auto i = std::lower_bound(r_.nodes.begin(), r_.nodes.end(), rank,
                              [](const node_share& n, rank_t x) { return n.rank < x; });
    return static_cast<size_t>(i - r_.nodes.begin());
  }

  caf::error add_node(vertex root, size_t i) {
    auto& share = r_.nodes[i];
    auto host = r_.host(i);
    auto parts = split_host(host);
    vertex_facts f;
    f.type = "node";
    f.basename = parts.basename;
    f.name = host;
    f.id = host.empty() ? int64_t{share.rank} : parts.number;
    auto node = add(root, f, share.rank);
    if (!node)
      return node.error();
    if (auto p = properties_.find(i); p != properties_.end())
      graph_.set_properties(*node, p->second);
    if (levels_ == nullptr)
      return add_level(*node, share, {}, {});
    auto& of = (*levels_)[i];
    return add_level(*node, share, nested(of), near_of(of));
  }

  /// Groups of cores, of one type.
  using level = std::pair<std::string_view, const std::vector<idset>*>;

  /// From the outside to the inside.
  static std::vector<level> nested(const host_levels& of) {
    level sockets{"socket", &of.sockets}, numanodes{"numanode", &of.numanodes};
    auto is_within = [](const level& inner, const level& outer) {
      return std::all_of(inner.second->begin(), inner.second->end(), [&](const idset& x) {
        return std::any_of(outer.second->begin(), outer.second->end(),
                           [&](const idset& y) { return y.contains_all(x); });
      });
    };
    if (is_within(numanodes, sockets))
      return {sockets, numanodes};
    if (is_within(sockets, numanodes))
      return {numanodes, sockets};
    return {sockets};
  }

  /// Adds cores and GPUs of a share below `up`, in the groups of the outermost level first.
  caf::error add_level(vertex up, node_share share, std::span<const level> levels,
                       std::span<const near_group> near) {
    auto groups = levels.empty() ? 0 : levels.front().second->size();
    for (size_t i = 0; i < groups; ++i) {
      auto& cores = (*levels.front().second)[i];
      node_share here{share.rank, share.cores.intersect(cores), {}};
      if (here.cores.empty())
        continue;
      for (auto& g : near)
        if (cores.contains_all(g.cores))
          here.gpus.add_all(share.gpus.intersect(g.gpus));
      vertex_facts f;
      f.type = levels.front().first;
      f.id = static_cast<int64_t>(i);
      auto group = add(up, f, share.rank);
      if (!group)
        return group.error();
      share.cores.remove_all(here.cores);
      share.gpus.remove_all(here.gpus);
      if (auto e = add_level(*group, std::move(here), levels.subspan(1), near))
        return e;
    }
    if (auto e = add_all(up, "core", share.cores, share.rank))
      return e;
    return add_all(up, "gpu", share.gpus, share.rank);
  }

  caf::error add_all(vertex node, std::string_view type, const idset& ids, rank_t rank) {
    vertex_facts f;
    f.type = type;
    for (auto& run : ids.runs())
      for (int64_t id = run.first; id <= int64_t{run.last}; ++id) {
        f.id = id;
        if (auto v = add(node, f, rank); !v)
          return v.error();
      }
    return {};
  }

  caf::expected<vertex> add(vertex up, vertex_facts f, rank_t rank) {
    f.rank = static_cast<int32_t>(rank);
    auto v = graph_.add_vertex(f);
    if (!v)
      return v;
    if (auto e = graph_.add_edge(up, *v, containment, "contains"))
      return e;
    return v;
  }

  const rset& r_;
  size_t max_;
  const std::vector<host_levels>* levels_;                   // by position in r_.nodes; null: none
  std::unordered_map<size_t, vertex_properties> properties_; // by position in r_.nodes
  resource_graph graph_;
};

/// Positions in r.nodes in the order in which R_lite names their ranks. Requires: text is that of
/// r.
std::vector<size_t> order_of(std::string_view text, const rset& r) {
  std::unordered_map<rank_t, size_t> left;
  for (size_t i = 0; i < r.nodes.size(); ++i)
    left.emplace(r.nodes[i].rank, i);
  std::vector<size_t> order;
  auto document = parse_json(text);
  auto* entries = document ? find_json(*document, "execution.R_lite") : nullptr;
  if (entries != nullptr && entries->is_array())
    for (auto& entry : *entries) {
      auto text_of_ranks = get_string(entry, "rank");
      auto ranks = idset::parse(text_of_ranks ? *text_of_ranks : "");
      if (!ranks)
        continue;
      for (auto& run : ranks->runs())
        for (uint64_t rank = run.first; rank <= run.last; ++rank)
          if (auto i = left.find(static_cast<rank_t>(rank)); i != left.end()) {
            order.push_back(i->second);
            left.erase(i);
          }
    }
  return order;
}

class finder {
public:
  explicit finder(const resource_graph& graph) : graph_(graph), build_(graph) {}

  caf::error add(const node_share& share, std::string_view host) {
    auto node = find_node(share.rank, host);
    if (node == no_vertex)
      return refuse(share, host, "the graph has no such node");
    collect(node);
    if (auto e = pick(share, host, "core", share.cores))
      return e;
    if (auto e = pick(share, host, "gpu", share.gpus))
      return e;
    // From below upwards: what is all taken is taken itself.
    for (auto v = order_.rbegin(); v != order_.rend(); ++v) {
      auto below = graph_.below(*v);
      if (!below.empty() && std::all_of(below.begin(), below.end(), [&](vertex c) {
            return build_.is_exclusive(c);
          }))
        build_.add_exclusive(*v, graph_.units(*v));
    }
    return {};
  }

  selection finish(int64_t at, int64_t duration) { return build_.finish(at, duration); }

private:
  static caf::error refuse(const node_share& share, std::string_view host, std::string_view why) {
    return make_error(ec::bad_argument, fmt::format("R: rank {}{}{}: {}", share.rank,
                                                    host.empty() ? "" : ", ", host, why));
  }

  vertex find_node(rank_t rank, std::string_view host) {
    for (auto v : graph_.of_rank(static_cast<int32_t>(rank)))
      if (graph_.type_name(v) == "node")
        return v;
    if (host.empty())
      return no_vertex;
    if (by_host_.empty())
      if (auto type = graph_.find_type("node"); type != no_type)
        for (vertex v = 0; v < graph_.limit(); ++v)
          if (graph_.exists(v) && graph_.type(v) == type && graph_.rank(v) < 0)
            by_host_.try_emplace(graph_.name(v), v);
    auto i = by_host_.find(std::string(host));
    return i == by_host_.end() ? no_vertex : i->second;
  }

  /// All of the node, parents before children.
  void collect(vertex node) {
    order_.assign(1, node);
    for (size_t i = 0; i < order_.size(); ++i) {
      auto below = graph_.below(order_[i]);
      order_.insert(order_.end(), below.begin(), below.end());
    }
  }

  caf::error pick(const node_share& share, std::string_view host, std::string_view type,
                  const idset& ids) {
    uint64_t found = 0;
    for (auto v : order_) {
      auto id = graph_.id(v);
      if (id < 0 || id > UINT32_MAX || graph_.type_name(v) != type
          || !ids.contains(static_cast<uint32_t>(id)))
        continue;
      build_.add_exclusive(v, graph_.units(v));
      ++found;
    }
    if (found == ids.size())
      return {};
    return refuse(share, host,
                  fmt::format("the graph has {} of its {} {}", found,
                              count_of_type(std::to_string(ids.size()), type), ids.to_string()));
  }

  const resource_graph& graph_;
  selection_builder build_;
  std::vector<vertex> order_; // of the node at hand
  std::unordered_map<std::string, vertex> by_host_;
};

} // namespace

caf::expected<resource_graph> graph_of(const rset& r, size_t vertices_max) {
  std::vector<size_t> order(r.nodes.size());
  for (size_t i = 0; i < order.size(); ++i)
    order[i] = i;
  return maker{r, vertices_max}.run(order);
}

caf::expected<resource_graph> graph_of(const rset& r, const std::vector<host_levels>& levels) {
  HACTOR_CHECK(levels.size() == r.nodes.size());
  std::vector<size_t> order(r.nodes.size());
  std::iota(order.begin(), order.end(), 0);
  return maker{r, limits::graph_vertices_max, &levels}.run(order);
}

std::vector<near_group> near_of(const host_levels& levels) {
  std::vector<near_group> groups;
  auto add = [&](const idset& cores) {
    near_group g{cores, {}};
    for (uint32_t gpu = 0; gpu < levels.gpu_cores.size(); ++gpu)
      if (auto& near = levels.gpu_cores[gpu]; !near.empty() && cores.contains_all(near))
        g.gpus.add(gpu);
    if (!cores.empty() && std::find(groups.begin(), groups.end(), g) == groups.end())
      groups.push_back(std::move(g));
  };
  for (auto* all : {&levels.sockets, &levels.numanodes, &levels.gpu_cores})
    std::for_each(all->begin(), all->end(), add);
  return groups;
}

caf::expected<resource_graph> read_rv1(std::string_view text, size_t vertices_max) {
  auto r = parse_rset(text);
  if (!r)
    return std::move(r.error());
  for (auto& host : r->nodelist)
    if (has_huge_number(host))
      return make_error(ec::bad_rset,
                        fmt::format("R: execution.nodelist: the number of {} is too large", host));
  return maker{*r, vertices_max}.run(order_of(text, *r));
}

caf::expected<selection> select_rset(const resource_graph& graph, const rset& r, int64_t at,
                                     int64_t duration) {
  if (duration < 1)
    return make_error(ec::bad_argument,
                      fmt::format("R: a duration of {} s; it must be 1 or more", duration));
  finder f{graph};
  for (size_t i = 0; i < r.nodes.size(); ++i)
    if (auto e = f.add(r.nodes[i], r.host(i)))
      return e;
  return f.finish(at, duration);
}

} // namespace hactor
