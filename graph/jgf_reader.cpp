// See jgf_reader.hpp: graphs and parts of graphs. Allocations are in jgf_selection.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/jgf_reader.hpp"

#include <algorithm>
#include <string>
#include <unordered_set>

#include <fmt/format.h>

namespace hactor {

namespace {

caf::error about(std::string_view list, size_t place, const caf::error& e) {
  return make_error(code_of(e), fmt::format("jgf: graph.{}.{}: {}", list, place, context_of(e)));
}

caf::error bad_node(size_t place, std::string_view why) {
  return make_error(ec::bad_argument, fmt::format("jgf: graph.nodes.{}: {}", place, why));
}

caf::expected<vertex> add_vertex(resource_graph& graph, const jgf_document& from,
                                 const jgf_vertex& v) {
  vertex_facts f;
  f.type = v.type;
  f.basename = v.basename;
  f.name = v.name;
  f.unit = v.unit;
  f.id = v.id;
  f.uniq_id = v.uniq_id;
  f.size = v.size;
  f.rank = v.rank;
  f.status = v.status;
  auto added = graph.add_vertex(f);
  if (added && v.properties != 0)
    graph.set_properties(*added, from.properties[v.properties]);
  return added;
}

caf::error add_edge(resource_graph& graph, const jgf_edge& e, const std::vector<vertex>& at) {
  auto s = graph.add_subsystem(e.subsystem);
  if (!s)
    return s.error();
  return graph.add_edge(at[e.source], at[e.target], *s, e.relation);
}

/// Whether the paths say that the target is contained in something else than the source: then the
/// edge only says that it can be found there too.
bool is_beside_path(const jgf_document& from, const jgf_edge& e, std::string_view dominant) {
  if (e.subsystem != dominant)
    return false;
  auto above = from.path(from.vertices[e.source], dominant);
  auto path = from.path(from.vertices[e.target], dominant);
  return !above.empty() && !path.empty() && path.substr(0, path.rfind('/')) != above;
}

/// Adds the edges. What has a second one that contains it, by its path, is linked there.
caf::error add_edges(resource_graph& graph, const jgf_document& from,
                     const std::vector<vertex>& at) {
  auto dominant = graph.subsystem_name(containment);
  std::vector<size_t> beside;
  for (size_t i = 0; i < from.edges.size(); ++i)
    if (is_beside_path(from, from.edges[i], dominant))
      beside.push_back(i);
    else if (auto e = add_edge(graph, from.edges[i], at))
      return about("edges", i, e);
  for (auto i : beside) {
    auto& edge = from.edges[i];
    auto is_second = graph.parent(at[edge.target]) != no_vertex;
    if (auto e = is_second ? graph.add_link(at[edge.source], at[edge.target])
                           : add_edge(graph, edge, at))
      return about("edges", i, e);
  }
  return {};
}

/// Whether anything leads to or from it, in any subsystem.
bool has_edges(const resource_graph& graph, vertex v) {
  for (size_t s = 0; s < graph.subsystem_count(); ++s)
    if (auto id = static_cast<subsystem_id>(s);
        !graph.above(v, id).empty() || !graph.below(v, id).empty())
      return true;
  return false;
}

/// A part that is put below vertices of a graph. Until it is kept, it is taken out again at the
/// end.
class attachment {
public:
  attachment(resource_graph& graph, const jgf_document& part)
      : graph_(graph), part_(part), dominant_(graph.subsystem_name(containment)),
        at_(part.vertices.size(), no_vertex) {}
  attachment(const attachment&) = delete;
  attachment& operator=(const attachment&) = delete;

  ~attachment() {
    if (kept_)
      return;
    for (auto v : added_)
      if (graph_.exists(v))
        graph_.remove_subtree(v);
  }

  caf::error run() {
    if (auto e = find_old())
      return e;
    find_links();
    if (auto e = check_tree())
      return e;
    for (auto i : new_ones_) {
      auto added = add_vertex(graph_, part_, part_.vertices[i]);
      if (!added)
        return about("nodes", i, added.error());
      at_[i] = *added;
      added_.push_back(*added);
    }
    for (size_t i = 0; i < part_.edges.size(); ++i)
      if (auto e = is_link_[i] ? caf::error{} : connect(i))
        return e;
    if (auto e = place_by_path())
      return e;
    if (auto e = add_links())
      return e;
    if (auto e = check_names())
      return e;
    for (auto s : touched_)
      if (auto e = graph_.check(s))
        return make_error(code_of(e), "jgf: " + context_of(e));
    return {};
  }

  std::vector<vertex> keep() {
    kept_ = true;
    std::vector<vertex> tops;
    std::unordered_set<vertex> fresh(added_.begin(), added_.end());
    for (auto v : added_)
      if (!fresh.contains(graph_.parent(v)))
        tops.push_back(v);
    return tops;
  }

private:
  std::string_view path_of(size_t i) const { return part_.path(part_.vertices[i], dominant_); }

  caf::error find_old() {
    is_new_.resize(at_.size());
    for (size_t i = 0; i < at_.size(); ++i) {
      auto path = path_of(i);
      if (!path.empty())
        at_[i] = graph_.find_path(path, containment, part_.vertices[i].rank);
      else
        at_[i] = find_elsewhere(i, path);
      is_new_[i] = at_[i] == no_vertex;
      if (is_new_[i])
        new_ones_.push_back(i);
      else if (graph_.type_name(at_[i]) != part_.vertices[i].type)
        return bad_node(
            i, fmt::format("{} is there already, with type {}", path, graph_.type_name(at_[i])));
      else if (auto rank = part_.vertices[i].rank; rank >= 0 && rank != graph_.rank(at_[i]))
        return bad_node(
            i, fmt::format("{} is there already, with rank {}", path, graph_.rank(at_[i])));
    }
    return {};
  }

  /// A vertex that nothing contains has a path in another subsystem only.
  vertex find_elsewhere(size_t i, std::string_view& path) const {
    auto& v = part_.vertices[i];
    for (auto p = v.first_path; p < v.first_path + v.path_count; ++p)
      if (auto s = graph_.find_subsystem(part_.paths[p].first))
        if (auto found = graph_.find_path(part_.paths[p].second, *s, v.rank); found != no_vertex) {
          path = part_.paths[p].second;
          return found;
        }
    return no_vertex;
  }

  /// Edges that only say where else their target is to be found: its path has it in something else,
  /// which is there or comes with the part.
  void find_links() {
    is_link_.resize(part_.edges.size());
    std::unordered_set<std::string_view> paths;
    for (size_t i = 0; i < part_.edges.size(); ++i) {
      auto& e = part_.edges[i];
      if (!is_beside_path(part_, e, dominant_))
        continue;
      if (paths.empty())
        for (size_t k = 0; k < at_.size(); ++k)
          paths.insert(path_of(k));
      auto home = path_of(e.target);
      home = home.substr(0, home.rfind('/'));
      if (home.empty()) // the root
        continue;
      is_link_[i] = !is_new_[e.target] || paths.contains(home)
                    || graph_.find_path(home, containment) != no_vertex;
    }
  }

  caf::error add_links() {
    auto some = false;
    for (size_t i = 0; i < part_.edges.size(); ++i) {
      auto& e = part_.edges[i];
      if (!is_link_[i] || (!is_new_[e.source] && !is_new_[e.target]))
        continue;
      some = true;
      if (auto error = graph_.add_link(at_[e.source], at_[e.target]))
        return about("edges", i, error);
    }
    if (auto e = some ? graph_.check_links() : caf::error{})
      return make_error(code_of(e), "jgf: " + context_of(e));
    return {};
  }

  /// What is contained in what: nothing old in anything new, and no cycle. So all that is added can
  /// be taken out as subtrees.
  caf::error check_tree() const {
    constexpr auto none = UINT32_MAX;
    std::vector<uint32_t> up(at_.size(), none);
    for (size_t i = 0; i < part_.edges.size(); ++i) {
      auto& e = part_.edges[i];
      if (e.subsystem != dominant_ || is_link_[i])
        continue;
      if (is_new_[e.source] && !is_new_[e.target])
        return make_error(ec::bad_argument,
                          fmt::format("jgf: graph.edges.{}: {} is in the graph already, and cannot "
                                      "be put below what is new",
                                      i, path_of(e.target)));
      if (is_new_[e.target] && up[e.target] == none)
        up[e.target] = e.source;
    }
    std::vector<uint32_t> seen_from(at_.size(), none);
    for (auto i : new_ones_)
      for (auto v = static_cast<uint32_t>(i); v != none; v = up[v]) {
        if (seen_from[v] == i)
          return bad_node(v, "it is part of a cycle");
        if (seen_from[v] != none)
          break;
        seen_from[v] = static_cast<uint32_t>(i);
      }
    return {};
  }

  /// Edges between two vertices that were there are there as well, or no business of the part.
  caf::error connect(size_t i) {
    auto& e = part_.edges[i];
    if (!is_new_[e.source] && !is_new_[e.target])
      return {};
    auto above = at_[e.source];
    if (e.subsystem == dominant_ && !is_new_[e.source] && above != graph_.root()
        && graph_.parent(above) == no_vertex)
      return make_error(ec::bad_argument,
                        fmt::format("jgf: graph.edges.{}: {} is in other subsystems only, and can "
                                    "contain nothing",
                                    i, graph_.name(above)));
    if (auto error = add_edge(graph_, e, at_))
      return about("edges", i, error);
    auto s = *graph_.find_subsystem(e.subsystem);
    if (s != containment && std::find(touched_.begin(), touched_.end(), s) == touched_.end())
      touched_.push_back(s);
    return {};
  }

  caf::error place_by_path() {
    auto depth = [this](size_t i) { return std::count(path_of(i).begin(), path_of(i).end(), '/'); };
    auto from_above = new_ones_;
    std::stable_sort(from_above.begin(), from_above.end(),
                     [&](size_t a, size_t b) { return depth(a) < depth(b); });
    for (auto i : from_above)
      if (auto e = place(i))
        return e;
    return {};
  }

  caf::error place(size_t i) {
    auto v = at_[i];
    if (graph_.parent(v) != no_vertex)
      return {};
    auto path = path_of(i);
    if (path.empty()) {
      if (graph_.below(v).empty() && is_elsewhere(v))
        return {};
      return bad_node(i, "it has no edge and no path that says where it belongs");
    }
    if (path.rfind('/') == 0)
      return bad_node(i, fmt::format("path {}: it would be a second root", path));
    auto up = graph_.find_path(path.substr(0, std::min(path.rfind('/'), path.size())), containment,
                               graph_.rank(v));
    if (up == no_vertex)
      return bad_node(i,
                      fmt::format("path {}: the graph has no vertex there to put it below", path));
    // Its own child, when two paths contradict each other.
    for (auto above = up; above != no_vertex; above = graph_.parent(above))
      if (above == v)
        return bad_node(i, fmt::format("path {}: it would be part of a cycle", path));
    if (auto e = graph_.add_edge(up, v, containment, "contains"))
      return about("nodes", i, e);
    return {};
  }

  bool is_elsewhere(vertex v) const {
    for (size_t s = 1; s < graph_.subsystem_count(); ++s)
      if (auto id = static_cast<subsystem_id>(s);
          !graph_.above(v, id).empty() || !graph_.below(v, id).empty())
        return true;
    return false;
  }

  caf::error check_names() const {
    std::unordered_set<vertex> parents;
    for (auto i : new_ones_) {
      auto up = graph_.parent(at_[i]);
      if (up == no_vertex || !parents.insert(up).second)
        continue;
      std::unordered_set<std::string> names;
      for (auto child : graph_.below(up))
        if (!names.insert(graph_.name(child)).second)
          return bad_node(i, fmt::format("{} contains two vertices named {}", graph_.path(up),
                                         graph_.name(child)));
    }
    return {};
  }

  resource_graph& graph_;
  const jgf_document& part_;
  std::string dominant_;
  std::vector<vertex> at_;       // by position in the part
  std::vector<bool> is_new_;     // by position in the part
  std::vector<size_t> new_ones_; // their positions
  std::vector<bool> is_link_;    // by edge of the part
  std::vector<vertex> added_;
  std::vector<subsystem_id> touched_; // other than containment
  bool kept_ = false;
};

} // namespace

caf::expected<resource_graph> read_jgf(std::string_view text, size_t vertices_max) {
  auto document = parse_jgf(text, vertices_max);
  if (!document)
    return std::move(document.error());
  if (document->vertices.empty())
    return make_error(ec::bad_argument, "jgf: graph.nodes: empty; a graph has a root");
  resource_graph graph;
  graph.reserve(document->vertices.size());
  std::vector<vertex> at;
  at.reserve(document->vertices.size());
  for (size_t i = 0; i < document->vertices.size(); ++i) {
    auto v = add_vertex(graph, *document, document->vertices[i]);
    if (!v)
      return about("nodes", i, v.error());
    at.push_back(*v);
  }
  if (auto e = add_edges(graph, *document, at))
    return e;
  for (size_t i = 0; i < at.size(); ++i)
    if (at.size() > 1 && !has_edges(graph, at[i]))
      return bad_node(i, fmt::format("{} has no edge: it hangs on nothing", graph.name(at[i])));
  return graph;
}

caf::expected<std::vector<vertex>> attach_jgf(resource_graph& graph, std::string_view text) {
  auto document = parse_jgf(text);
  if (!document)
    return std::move(document.error());
  attachment a{graph, *document};
  if (auto e = a.run())
    return e;
  return a.keep();
}

} // namespace hactor
