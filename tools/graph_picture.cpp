// See graph_picture.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/graph_picture.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "runtime/hostlist.hpp"

namespace hactor::tools {

namespace {

std::string plural(size_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

/// All vertices of containment, parents before children.
std::vector<vertex> in_order(const resource_graph& graph) {
  std::vector<vertex> order;
  if (graph.root() == no_vertex)
    return order;
  order.push_back(graph.root());
  for (size_t i = 0; i < order.size(); ++i) {
    auto below = graph.below(order[i]);
    order.insert(order.end(), below.begin(), below.end());
  }
  return order;
}

/// Gives vertices that look alike, with all below them, the same number.
class shapes {
public:
  explicit shapes(const resource_graph& graph) : graph_(graph), of_(graph.limit()) {
    auto order = in_order(graph);
    for (auto v = order.rbegin(); v != order.rend(); ++v)
      of_[*v] = number(*v);
  }

  size_t of(vertex v) const { return of_[v]; }

private:
  size_t number(vertex v) {
    auto key = std::to_string(graph_.type(v)) + ' ' + std::string{graph_.basename(v)} + ' '
               + std::to_string(graph_.units(v)) + ' ' + std::string{graph_.unit(v)}
               + (graph_.status(v) == vertex_status::up ? " up" : " down");
    for (auto& [k, value] : graph_.properties(v))
      key += ' ' + k + '=' + value;
    auto below = graph_.below(v);
    for (size_t i = 0; i < below.size();) {
      auto same = i + 1;
      while (same < below.size() && of_[below[same]] == of_[below[i]])
        ++same;
      key += ' ' + std::to_string(same - i) + 'x' + std::to_string(of_[below[i]]);
      i = same;
    }
    return numbers_.emplace(std::move(key), numbers_.size()).first->second;
  }

  const resource_graph& graph_;
  std::vector<size_t> of_;
  std::unordered_map<std::string, size_t> numbers_;
};

class picture {
public:
  picture(const resource_graph& graph, size_t lines_max)
      : graph_(graph), shapes_(graph), lines_max_(lines_max) {}

  std::string draw() {
    if (graph_.root() == no_vertex)
      return {};
    std::vector<group> open{{{graph_.root()}, "", "", 0}};
    // Groups that are still to be drawn; the next one is the last.
    while (!open.empty()) {
      auto next = std::move(open.back());
      open.pop_back();
      if (lines_ >= lines_max_) {
        left_out_ += 1;
        continue;
      }
      draw_line(next);
      push_children(next, open);
    }
    if (left_out_ > 0)
      text_ += "... " + plural(left_out_, "branch", "branches")
               + " left out; --lines=COUNT shows more\n";
    return std::move(text_);
  }

private:
  /// Neighbours that look alike.
  struct group {
    std::vector<vertex> members;
    std::string branch; // in front of its line
    std::string trunk;  // in front of the lines below it
    size_t depth;
  };

  void draw_line(const group& g) {
    auto v = g.members[0];
    std::vector<std::string> names;
    for (auto m : g.members)
      names.push_back(graph_.name(m));
    text_ += g.branch + format_hostlist(names);
    if (g.members.size() > 1)
      text_ += " x " + std::to_string(g.members.size());
    if (graph_.type_name(v) != graph_.basename(v))
      text_ += " (" + std::string{graph_.type_name(v)} + ")";
    if (graph_.units(v) != 1 || !graph_.unit(v).empty())
      text_ += ": " + std::to_string(graph_.units(v))
               + (graph_.unit(v).empty() ? "" : " " + std::string{graph_.unit(v)});
    if (graph_.status(v) == vertex_status::down)
      text_ += " down";
    for (auto& [key, value] : graph_.properties(v))
      text_ += " " + key + (value.empty() ? "" : "=" + value);
    text_ += '\n';
    ++lines_;
  }

  void push_children(const group& g, std::vector<group>& open) {
    std::vector<group> groups;
    for (auto child : graph_.below(g.members[0])) {
      if (groups.empty() || shapes_.of(groups.back().members[0]) != shapes_.of(child))
        groups.push_back({{}, g.trunk + "|- ", g.trunk + "|  ", g.depth + 1});
      groups.back().members.push_back(child);
    }
    if (!groups.empty()) {
      groups.back().branch = g.trunk + "`- ";
      groups.back().trunk = g.trunk + "   ";
    }
    std::move(groups.rbegin(), groups.rend(), std::back_inserter(open));
  }

  const resource_graph& graph_;
  shapes shapes_;
  size_t lines_max_;
  size_t lines_ = 0;
  size_t left_out_ = 0;
  std::string text_;
};

} // namespace

std::string graph_summary(const resource_graph& graph) {
  auto text = plural(graph.size(), "vertex", "vertices");
  for (size_t i = 0; i < graph.subsystem_count(); ++i) {
    auto s = static_cast<subsystem_id>(i);
    text += ", " + plural(graph.edge_count(s), "edge", "edges") + " in " + graph.subsystem_name(s);
  }
  return text;
}

std::string graph_counts(const resource_graph& graph) {
  struct row {
    size_t vertices = 0, down = 0;
    int64_t units = 0;
    std::string unit;
  };
  std::vector<std::pair<type_id, row>> rows; // in the order of the first of each
  std::unordered_map<type_id, size_t> places;
  for (vertex v = 0; v < graph.limit(); ++v) {
    if (!graph.exists(v))
      continue;
    auto [at, is_new] = places.emplace(graph.type(v), rows.size());
    if (is_new)
      rows.emplace_back(graph.type(v), row{});
    auto& r = rows[at->second].second;
    ++r.vertices;
    r.units += graph.units(v);
    r.down += graph.status(v) == vertex_status::down ? 1 : 0;
    r.unit = graph.unit(v);
  }
  std::string text = "type             vertices        units\n";
  for (auto& [type, r] : rows) {
    char line[128];
    std::snprintf(line, sizeof line, "%-16.60s %8zu %12lld", graph.types().text(type).c_str(),
                  r.vertices, static_cast<long long>(r.units));
    text += line;
    if (!r.unit.empty())
      text += " " + r.unit;
    if (r.down > 0)
      text += ", " + std::to_string(r.down) + " down";
    text += '\n';
  }
  return text;
}

std::string graph_picture(const resource_graph& graph, size_t lines_max) {
  return picture{graph, lines_max}.draw();
}

void print_paths(const resource_graph& graph, const std::function<void(std::string_view)>& to) {
  if (graph.root() == no_vertex)
    return;
  struct frame {
    vertex at;
    size_t next;
    size_t length; // of its path
  };
  std::string path = "/" + graph.name(graph.root());
  std::vector<frame> way{{graph.root(), 0, path.size()}};
  to(path + "\n");
  while (!way.empty()) {
    auto& top = way.back();
    auto below = graph.below(top.at);
    if (top.next == below.size()) {
      way.pop_back();
      continue;
    }
    auto child = below[top.next++];
    path.resize(top.length);
    path += "/" + graph.name(child);
    to(path + "\n");
    way.push_back({child, 0, path.size()});
  }
}

} // namespace hactor::tools
