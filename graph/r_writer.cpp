// graph/match_writer: which cores and GPUs of which ranks a selection has, as R and as an rset.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <map>
#include <unordered_set>

#include "graph/match_text.hpp"
#include "runtime/hostlist.hpp"
#include "runtime/json.hpp"

namespace hactor {

namespace {

/// "0-3,7"; ids as they come, so that ranks of -1 are seen.
std::string runs(const std::vector<int64_t>& ids) {
  std::string out;
  for (size_t i = 0; i < ids.size();) {
    auto j = i + 1;
    while (j < ids.size() && ids[j] == ids[j - 1] + 1)
      ++j;
    out += (i == 0 ? "" : ",") + std::to_string(ids[i]);
    if (j > i + 1)
      out += "-" + std::to_string(ids[j - 1]);
    i = j;
  }
  return out;
}

std::string sorted_runs(std::vector<int64_t>& ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return runs(ids);
}

/// How a property is named in R.
std::string property_text(const std::string& key, const std::string& value) {
  return value.empty() ? key : key + "=" + value;
}

struct node_types {
  explicit node_types(const resource_graph& g)
      : node(g.find_type("node")), storage_node(g.find_type("storage_node")),
        core(g.find_type("core")), gpu(g.find_type("gpu")) {}
  /// What a broker runs jobs on; jobs get a storage node when they ask for one.
  bool is_node(type_id t) const { return t != no_type && (t == node || t == storage_node); }
  bool counted(type_id t) const { return t != no_type && (t == core || t == gpu); }
  type_id node, storage_node, core, gpu;
};

/// {"core": "0-3", "gpu": "0"}; "" when both are empty. Empties them.
std::string take_children(std::vector<int64_t>& cores, std::vector<int64_t>& gpus) {
  std::string out;
  for (auto [name, ids] : {std::pair{"core", &cores}, std::pair{"gpu", &gpus}}) {
    if (ids->empty())
      continue;
    out += (out.empty() ? "{\"" : ", \"") + std::string{name} + "\": \"" + sorted_runs(*ids) + "\"";
    ids->clear();
  }
  return out.empty() ? out : out + "}";
}

struct ranked_host {
  int64_t rank;
  std::string host;
};

void sort_by_rank(std::vector<ranked_host>& hosts) {
  std::stable_sort(hosts.begin(), hosts.end(), [](auto& a, auto& b) { return a.rank < b.rank; });
}

std::string ranks_text(const std::vector<ranked_host>& hosts) {
  std::vector<int64_t> ranks;
  ranks.reserve(hosts.size());
  for (auto& h : hosts)
    ranks.push_back(h.rank);
  return runs(ranks);
}

} // namespace

match_text::r_parts match_text::resources(const resource_graph& graph, const selection& what) {
  node_types types{graph};
  std::map<std::string, std::vector<ranked_host>> by_children;
  std::map<std::string, std::vector<int64_t>> by_property;
  std::vector<int64_t> cores, gpus;
  for (auto& p : what.picks) {
    auto t = graph.type(p.at);
    if (t == types.core)
      cores.push_back(graph.id(p.at));
    else if (t == types.gpu)
      gpus.push_back(graph.id(p.at));
    else if (types.is_node(t)) {
      auto children = take_children(cores, gpus);
      if (children.empty())
        continue;
      by_children[children].push_back({graph.rank(p.at), graph.name(p.at)});
      for (auto& [k, v] : graph.properties(p.at))
        by_property[property_text(k, v)].push_back(graph.rank(p.at));
    }
  }
  r_parts result;
  std::vector<ranked_host> all;
  for (auto& [children, hosts] : by_children) {
    sort_by_rank(hosts);
    result.lite += (result.lite.empty() ? "[" : ", ") + std::string{R"({"rank": ")"}
                   + ranks_text(hosts) + R"(", "children": )" + children + "}";
    all.insert(all.end(), hosts.begin(), hosts.end());
  }
  if (all.empty())
    return {};
  result.lite += "]";
  sort_by_rank(all);
  std::vector<std::string> names;
  names.reserve(all.size());
  for (auto& h : all)
    names.push_back(std::move(h.host));
  result.nodelist = "[";
  append_json_string(result.nodelist, format_hostlist(names));
  result.nodelist += "]";
  for (auto& [name, ranks] : by_property) {
    result.properties += result.properties.empty() ? "{" : ", ";
    append_json_string(result.properties, name);
    result.properties += ": \"" + sorted_runs(ranks) + "\"";
  }
  if (!result.properties.empty())
    result.properties += "}";
  return result;
}

namespace {

/// Gathers the shares of an rset.
class share_builder {
public:
  explicit share_builder(const resource_graph& graph) : graph_(graph), types_(graph) {}

  /// Adds a core or a GPU to its node.
  caf::error add(vertex v) {
    auto node = node_of(v);
    if (node == no_vertex)
      return make_error(ec::bad_rset, graph_.path(v) + " is in no node, so no job can run there");
    auto rank = graph_.rank(node);
    if (rank < 0)
      return make_error(ec::bad_rset, graph_.path(node) + " has no rank, so no job can run there");
    auto id = graph_.id(v);
    if (id < 0 || id > UINT32_MAX)
      return make_error(ec::bad_rset, graph_.path(v) + " has an id that no R can hold");
    auto& share = shares_[static_cast<rank_t>(rank)];
    share.node = node;
    (graph_.type(v) == types_.core ? share.cores : share.gpus).push_back(id);
    return {};
  }

  /// Adds all cores and GPUs at and below a vertex, and tells whether there are any.
  caf::expected<bool> add_below(vertex v) {
    auto found = false;
    std::vector<vertex> open{v};
    while (!open.empty()) {
      auto at = open.back();
      open.pop_back();
      if (counted(at)) {
        if (auto e = add(at))
          return e;
        found = true;
      }
      auto below = graph_.below(at);
      open.insert(open.end(), below.begin(), below.end());
    }
    return found;
  }

  void finish(rset& to) {
    for (auto& [rank, share] : shares_) {
      to.nodes.push_back({rank, ids(share.cores), ids(share.gpus)});
      if (!have_nodes())
        continue;
      to.nodelist.push_back(graph_.name(share.node));
      for (auto& [k, v] : graph_.properties(share.node))
        to.properties[property_text(k, v)].add(rank);
    }
  }

  bool counted(vertex v) const { return types_.counted(graph_.type(v)); }

private:
  struct share {
    vertex node = no_vertex;
    std::vector<int64_t> cores, gpus;
  };

  bool have_nodes() const {
    auto have = [this](type_id t) { return t != no_type && graph_.count(t) > 0; };
    return have(types_.node) || have(types_.storage_node);
  }

  /// The node that contains it, or no_vertex. In a graph without nodes: the vertex itself.
  vertex node_of(vertex v) const {
    if (!have_nodes())
      return v;
    while (v != no_vertex && !types_.is_node(graph_.type(v)))
      v = graph_.parent(v);
    return v;
  }

  static idset ids(std::vector<int64_t>& from) {
    std::sort(from.begin(), from.end());
    from.erase(std::unique(from.begin(), from.end()), from.end());
    idset result;
    for (size_t i = 0; i < from.size();) {
      auto j = i + 1;
      while (j < from.size() && from[j] == from[j - 1] + 1)
        ++j;
      result.add_range(static_cast<uint32_t>(from[i]), static_cast<uint32_t>(from[j - 1]));
      i = j;
    }
    return result;
  }

  const resource_graph& graph_;
  node_types types_;
  std::map<rank_t, share> shares_;
};

} // namespace

caf::expected<rset> to_rset(const resource_graph& graph, const selection& what) {
  rset result;
  result.starttime = static_cast<double>(what.at);
  result.expiration = static_cast<double>(what.end());
  share_builder shares{graph};
  std::unordered_set<vertex> listed; // vertices below which a core or a GPU is
  for (auto& p : what.picks) {
    result.nslots += p.slot ? 1 : 0;
    auto found = listed.contains(p.at);
    if (shares.counted(p.at)) {
      if (auto e = shares.add(p.at))
        return e;
      found = true;
    } else if (p.exclusive && !found) {
      auto any = shares.add_below(p.at);
      if (!any)
        return std::move(any.error());
      found = *any;
    }
    if (auto parent = graph.parent(p.at); found && parent != no_vertex)
      listed.insert(parent);
  }
  shares.finish(result);
  return result;
}

} // namespace hactor
