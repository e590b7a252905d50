// See jgf_reader.hpp: allocations.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "graph/jgf_reader.hpp"
#include "graph/selection_builder.hpp"

namespace hactor {

namespace {

class allocation {
public:
  allocation(const resource_graph& graph, const jgf_document& from)
      : graph_(graph), from_(from), at_(from.vertices.size(), no_vertex), build_(graph) {}

  caf::error run(bool shorthand) {
    for (size_t i = 0; i < at_.size(); ++i)
      if (auto e = read_vertex(i))
        return e;
    for (size_t i = 0; i < from_.edges.size(); ++i)
      if (auto e = check_edge(i))
        return e;
    if (shorthand)
      for (size_t i = 0; i < at_.size(); ++i)
        if (at_[i] != no_vertex && build_.is_exclusive(at_[i]))
          build_.add_all_below(at_[i]);
    return {};
  }

  selection finish(const selection_options& o) { return build_.finish(o.at, o.duration); }

private:
  caf::error bad(size_t i, std::string_view why) const {
    return make_error(ec::bad_argument, fmt::format("jgf: graph.nodes.{}: {}", i, why));
  }

  caf::error read_vertex(size_t i) {
    auto& v = from_.vertices[i];
    if (from_.free_ranks && v.rank >= 0
        && from_.free_ranks->contains(static_cast<uint32_t>(v.rank)))
      return {};
    auto [found, contained] = find(v);
    if (found == no_vertex)
      return bad(i, fmt::format("the graph has no {} at {}", v.type, any_path(v)));
    if (v.rank >= 0 && graph_.rank(found) >= 0 && v.rank != graph_.rank(found))
      return bad(i, fmt::format("{} has rank {}, not {}", any_path(v), graph_.rank(found), v.rank));
    if (v.size > graph_.units(found))
      return bad(i,
                 fmt::format("{} has {} units, not {}", any_path(v), graph_.units(found), v.size));
    if (!named_.insert(found).second)
      return bad(i, fmt::format("{} is named twice", any_path(v)));
    at_[i] = found;
    if (!contained)
      build_.charge_units(found, v.size);
    else if (v.exclusive)
      build_.add_exclusive(found, v.size);
    else
      build_.add_shared(found);
    return {};
  }

  struct place {
    vertex at = no_vertex;
    bool contained = false;
  };

  place find(const jgf_vertex& v) {
    for (size_t s = 0; s < graph_.subsystem_count(); ++s) {
      auto id = static_cast<subsystem_id>(s);
      auto path = from_.path(v, graph_.subsystem_name(id));
      if (path.empty())
        continue;
      auto at = is_at(static_cast<vertex>(v.uniq_id), v, path, id)
                    ? static_cast<vertex>(v.uniq_id)
                    : graph_.find_path(path, id, v.rank);
      if (at == no_vertex)
        at = find_by_number(v);
      if (at == no_vertex || graph_.type_name(at) != v.type)
        return {};
      return {at, id == containment};
    }
    return {};
  }

  /// Vertices of a graph that never shrank have their place as uniq_id: no search by names.
  bool is_at(vertex at, const jgf_vertex& v, std::string_view path, subsystem_id s) const {
    return v.uniq_id >= 0 && v.uniq_id < int64_t{graph_.limit()} && graph_.exists(at)
           && graph_.uniq_id(at) == v.uniq_id && graph_.rank(at) == v.rank
           && graph_.path(at, s) == path;
  }

  /// Graphs whose paths do not end in the names of their vertices exist: those have no other key.
  vertex find_by_number(const jgf_vertex& v) {
    if (by_number_.empty())
      for (vertex x = 0; x < graph_.limit(); ++x)
        if (graph_.exists(x))
          by_number_.try_emplace(graph_.uniq_id(x), x);
    auto i = by_number_.find(v.uniq_id);
    return i == by_number_.end() || graph_.id(i->second) != v.id ? no_vertex : i->second;
  }

  std::string_view any_path(const jgf_vertex& v) const {
    auto path = from_.path(v, graph_.subsystem_name(containment));
    if (path.empty() && v.path_count > 0)
      path = from_.paths[v.first_path].second;
    return path.empty() ? "no path" : path;
  }

  caf::error check_edge(size_t i) const {
    auto& e = from_.edges[i];
    auto up = at_[e.source];
    auto down = at_[e.target];
    if (up == no_vertex || down == no_vertex) // released already
      return {};
    auto s = graph_.find_subsystem(e.subsystem);
    auto parents = s ? graph_.above(down, *s) : std::span<const vertex>{};
    if (std::find(parents.begin(), parents.end(), up) != parents.end())
      return {};
    return make_error(ec::bad_argument,
                      fmt::format("jgf: graph.edges.{}: the graph has no edge from {} to {} in {}",
                                  i, graph_.name(up), graph_.name(down), e.subsystem));
  }

  const resource_graph& graph_;
  const jgf_document& from_;
  std::vector<vertex> at_; // by position in the text; no_vertex: passed over
  std::unordered_set<vertex> named_;
  std::unordered_map<int64_t, vertex> by_number_;
  selection_builder build_;
};

} // namespace

caf::expected<selection> read_jgf_selection(const resource_graph& graph, std::string_view text,
                                            const selection_options& options) {
  if (options.duration < 1)
    return make_error(ec::bad_argument, fmt::format("jgf: a duration of {} s; it must be 1 or more",
                                                    options.duration));
  auto document = parse_jgf(text);
  if (!document)
    return std::move(document.error());
  allocation a{graph, *document};
  if (auto e = a.run(options.shorthand))
    return e;
  return a.finish(options);
}

std::vector<vertex> exclusive_tops(const resource_graph& graph, const selection& what) {
  std::vector<vertex> tops;
  std::unordered_set<vertex> exclusive;
  // The last picks are the topmost.
  for (auto p = what.picks.rbegin(); p != what.picks.rend(); ++p) {
    if (!p->exclusive)
      continue;
    bool inside = false;
    for (auto up = graph.parent(p->at); up != no_vertex && !inside; up = graph.parent(up))
      inside = exclusive.contains(up);
    exclusive.insert(p->at);
    if (!inside)
      tops.push_back(p->at);
  }
  std::reverse(tops.begin(), tops.end());
  return tops;
}

} // namespace hactor
