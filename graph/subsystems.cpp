// See subsystems.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/subsystems.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hactor {

namespace {

struct known_set {
  std::string_view name;
  std::string_view subsystems;
};

constexpr std::array<known_set, 13> known_sets = {{
    {"ca", "containment"},
    {"iba", "ibnet"},
    {"ibba", "ibnetbw"},
    {"pfs1ba", "pfs1bw"},
    {"pa", "power"},
    {"va", "virtual1"},
    {"c+iba", "containment,ibnet"},
    {"c+ibba", "containment,ibnetbw"},
    {"c+pfs1ba", "containment,pfs1bw"},
    {"c+pa", "containment,power"},
    {"ib+ibba", "ibnet,ibnetbw"},
    {"c+p+iba", "containment,power,ibnet"},
    {"v+pfs1ba", "virtual1,pfs1bw"},
}};

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    auto comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos)
      return parts;
    text.remove_prefix(comma + 1);
  }
}

/// Subsystems of the old graph by their number in the new one.
caf::expected<std::vector<subsystem_id>> find_wanted(const resource_graph& graph,
                                                     const subsystem_choice& wanted) {
  std::vector<subsystem_id> result;
  for (auto& name : wanted.names) {
    auto s = graph.find_subsystem(name);
    bool there = s && (graph.edge_count(*s) > 0 || *s == containment);
    if (there)
      result.push_back(*s);
    else if (result.empty() || !wanted.if_there) {
      std::vector<std::string_view> have;
      for (size_t i = 0; i < graph.subsystem_count(); ++i)
        have.push_back(graph.subsystem_name(static_cast<subsystem_id>(i)));
      return make_error(ec::bad_argument, fmt::format("subsystem {}: the graph has none of that "
                                                      "name; it has {}",
                                                      name, fmt::join(have, ", ")));
    }
  }
  return result;
}

bool is_member(const resource_graph& graph, vertex v, subsystem_id s) {
  return graph.root(s) == v || !graph.below(v, s).empty() || !graph.above(v, s).empty();
}

caf::expected<vertex> copy_vertex(const resource_graph& from, vertex v, resource_graph& to) {
  auto name = from.name(v);
  vertex_facts f;
  f.type = from.type_name(v);
  f.basename = from.basename(v);
  f.name = name;
  f.unit = from.unit(v);
  f.id = from.id(v);
  f.uniq_id = from.uniq_id(v);
  f.size = from.units(v);
  f.rank = from.rank(v);
  f.status = from.status(v);
  auto copy = to.add_vertex(f);
  if (copy)
    to.set_properties(*copy, from.properties(v));
  return copy;
}

} // namespace

caf::expected<subsystem_choice> parse_subsystems(std::string_view text) {
  if (text.empty())
    return subsystem_choice{};
  std::string lower{text};
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (lower == "all")
    return subsystem_choice{};
  for (auto& set : known_sets)
    if (set.name == lower)
      return subsystem_choice{split(set.subsystems), true};
  subsystem_choice result{split(text), false};
  auto names = result.names;
  std::sort(names.begin(), names.end());
  if (names.front().empty() || std::adjacent_find(names.begin(), names.end()) != names.end())
    return make_error(ec::bad_argument,
                      fmt::format("subsystems \"{}\": must be a set such as CA, C+PA or ALL, or "
                                  "different names with commas between",
                                  text));
  return result;
}

caf::expected<resource_graph> keep_subsystems(resource_graph graph,
                                              const subsystem_choice& wanted) {
  if (wanted.names.empty())
    return graph;
  auto chosen = find_wanted(graph, wanted);
  if (!chosen)
    return std::move(chosen.error());
  bool is_all = chosen->front() == containment;
  for (size_t s = 1; s < graph.subsystem_count(); ++s)
    is_all = is_all && std::count(chosen->begin(), chosen->end(), s) > 0;
  if (is_all)
    return graph;

  resource_graph result{graph.subsystem_name(chosen->front())};
  result.reserve(graph.size());
  std::vector<vertex> copies(graph.limit(), no_vertex);
  for (vertex v = 0; v < graph.limit(); ++v) {
    if (!graph.exists(v) || std::none_of(chosen->begin(), chosen->end(), [&](subsystem_id s) {
          return is_member(graph, v, s);
        }))
      continue;
    auto copy = copy_vertex(graph, v, result);
    if (!copy)
      return std::move(copy.error());
    copies[v] = *copy;
  }
  for (auto s : *chosen) {
    auto to = result.add_subsystem(graph.subsystem_name(s));
    if (!to)
      return std::move(to.error());
    for (vertex v = 0; v < graph.limit(); ++v)
      for (auto child : graph.below(v, s))
        if (auto e = result.add_edge(copies[v], copies[child], *to, graph.relation(v, child, s)))
          return e;
  }
  for (vertex v = 0; v < graph.limit() && chosen->front() == containment; ++v)
    for (auto child : graph.linked(v))
      if (auto e = result.add_link(copies[v], copies[child]))
        return e;
  return result;
}

// -- types ---------------------------------------------------------------------------------------

caf::expected<std::vector<std::string>> parse_allowlist(std::string_view text) {
  std::vector<std::string> types;
  if (text.empty())
    return types;
  types = split(text);
  auto sorted = types;
  std::sort(sorted.begin(), sorted.end());
  auto is_wrong = [](const std::string& type) {
    return type.empty() || type.find_first_of(" \t\n") != type.npos;
  };
  if (std::any_of(types.begin(), types.end(), is_wrong)
      || std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
    return make_error(ec::bad_argument,
                      fmt::format("\"{}\": must be different types with commas between, such as "
                                  "node,core,gpu",
                                  text));
  return types;
}

caf::expected<resource_graph> keep_types(resource_graph graph,
                                         const std::vector<std::string>& types) {
  auto stays = [&](vertex v) {
    return v == graph.root()
           || std::find(types.begin(), types.end(), graph.type_name(v)) != types.end();
  };
  auto is_whole = true;
  for (vertex v = 0; v < graph.limit() && is_whole; ++v)
    is_whole = !graph.exists(v) || stays(v);
  if (types.empty() || is_whole)
    return graph;
  resource_graph result{graph.subsystem_name(containment)};
  std::vector<vertex> copies(graph.limit(), no_vertex);
  for (vertex v = 0; v < graph.limit(); ++v)
    if (graph.exists(v) && stays(v)) {
      auto copy = copy_vertex(graph, v, result);
      if (!copy)
        return std::move(copy.error());
      copies[v] = *copy;
    }
  // Depth first, so that what moves up stays where it was among what is beside it.
  std::vector<std::pair<vertex, vertex>> open{{graph.root(), no_vertex}}; // and what contains it
  while (!open.empty() && open.back().first != no_vertex) {
    auto [v, above] = open.back();
    open.pop_back();
    if (copies[v] != no_vertex && above != no_vertex)
      if (auto e = result.add_edge(above, copies[v], containment, "contains"))
        return e;
    auto below = graph.below(v);
    for (auto c = below.rbegin(); c != below.rend(); ++c)
      open.emplace_back(*c, copies[v] != no_vertex ? copies[v] : above);
  }
  for (size_t s = 1; s < graph.subsystem_count(); ++s) {
    auto from = static_cast<subsystem_id>(s);
    auto to = result.add_subsystem(graph.subsystem_name(from));
    if (!to)
      return std::move(to.error());
    for (vertex v = 0; v < graph.limit(); ++v)
      for (auto c : graph.below(v, from))
        if (copies[v] != no_vertex && copies[c] != no_vertex)
          if (auto e = result.add_edge(copies[v], copies[c], *to, graph.relation(v, c, from)))
            return e;
  }
  for (vertex v = 0; v < graph.limit(); ++v)
    for (auto c : graph.linked(v))
      if (copies[v] != no_vertex && copies[c] != no_vertex)
        if (auto e = result.add_link(copies[v], copies[c]))
          return e;
  if (auto e = result.check())
    return e;
  return result;
}

// -- nesting -------------------------------------------------------------------------------------

namespace {

bool leads_to(const resource_graph& graph, vertex from, vertex to) {
  auto linked = graph.linked(from);
  return graph.parent(to) == from || std::find(linked.begin(), linked.end(), to) != linked.end();
}

caf::error nest(resource_graph& graph, subsystem_id s) {
  auto root = graph.root(s);
  if (graph.parent(root) == no_vertex && root != graph.root())
    if (auto e = graph.add_edge(graph.root(), root, containment, "contains"))
      return e;
  std::vector<vertex> open{root};
  std::vector<bool> seen(graph.limit());
  for (size_t i = 0; i < open.size(); ++i)
    for (auto c : graph.below(open[i], s)) {
      if (!seen[c])
        open.push_back(c);
      seen[c] = true;
      if (leads_to(graph, open[i], c))
        continue;
      auto e = graph.parent(c) == no_vertex && c != graph.root()
                   ? graph.add_edge(open[i], c, containment, "contains")
                   : graph.add_link(open[i], c);
      if (e)
        return e;
    }
  return {};
}

bool is_nested(const resource_graph& graph, subsystem_id s) {
  for (vertex v = 0; v < graph.limit(); ++v)
    for (auto c : graph.linked(v))
      if (auto up = graph.above(c, s); std::find(up.begin(), up.end(), v) != up.end())
        return true;
  return false;
}

} // namespace

caf::error nest_subsystem(resource_graph& graph, std::string_view name) {
  auto found = find_wanted(graph, {{std::string{name}}, false});
  if (!found)
    return std::move(found.error());
  auto s = found->front();
  if (s == containment)
    return make_error(ec::bad_argument,
                      fmt::format("subsystem {}: it contains everything as it is", name));
  auto e = nest(graph, s);
  return e ? e : graph.check();
}

caf::error nest_what_is_new(resource_graph& graph) {
  if (!graph.has_links())
    return {};
  for (size_t s = containment + 1; s < graph.subsystem_count(); ++s)
    if (auto id = static_cast<subsystem_id>(s); is_nested(graph, id))
      if (auto e = nest(graph, id))
        return e;
  return graph.check();
}

} // namespace hactor
