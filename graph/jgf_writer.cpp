// graph/match_writer: a selection as JGF (RFC 40). Values that readers take for granted are left
// out; an edge of containment needs no metadata.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/match_text.hpp"
#include "runtime/json.hpp"

namespace hactor::match_text {

namespace {

void key(std::string& out, std::string_view name) {
  if (out.back() != '{')
    out += ", ";
  append_json_string(out, name);
  out += ": ";
}

void text(std::string& out, std::string_view name, std::string_view value) {
  key(out, name);
  append_json_string(out, value);
}

void number(std::string& out, std::string_view name, int64_t value) {
  key(out, name);
  out += std::to_string(value);
}

/// The paths of a vertex in all subsystems that it is part of. Those of containment are made on
/// the way: siblings follow each other, so their parent's path is kept.
class path_writer {
public:
  explicit path_writer(const resource_graph& graph) : graph_(graph) {}

  void append(std::string& out, vertex v) {
    key(out, "paths");
    out += '{';
    auto parent = graph_.parent(v);
    if (parent != last_) {
      last_ = parent;
      last_path_ = parent == no_vertex ? "" : graph_.path(parent);
    }
    text(out, graph_.subsystem_name(containment), last_path_ + "/" + graph_.name(v));
    for (size_t s = 1; s < graph_.subsystem_count(); ++s)
      if (auto path = graph_.path(v, static_cast<subsystem_id>(s)); !path.empty())
        text(out, graph_.subsystem_name(static_cast<subsystem_id>(s)), path);
    out += '}';
  }

private:
  const resource_graph& graph_;
  vertex last_ = no_vertex;
  std::string last_path_;
};

template <class Map>
void texts(std::string& out, std::string_view name, const Map& values) {
  key(out, name);
  out += '{';
  for (auto& [k, v] : values)
    text(out, k, v);
  out += '}';
}

void append_vertex(std::string& out, const resource_graph& graph, const pick& p, path_writer& paths,
                   const aggregate_notes* aggregates) {
  auto v = p.at;
  out += "{";
  text(out, "id", std::to_string(graph.uniq_id(v)));
  key(out, "metadata");
  out += '{';
  text(out, "type", graph.type_name(v));
  auto basename = graph.basename(v);
  if (basename != graph.type_name(v))
    text(out, "basename", basename);
  auto name = graph.name(v);
  if (name != std::string{basename} + std::to_string(graph.id(v)))
    text(out, "name", name);
  number(out, "id", graph.id(v));
  number(out, "rank", graph.rank(v));
  if (auto& properties = graph.properties(v); !properties.empty())
    texts(out, "properties", properties);
  if (!graph.unit(v).empty())
    text(out, "unit", graph.unit(v));
  if (p.exclusive) {
    key(out, "exclusive");
    out += "true";
  }
  if (p.units != 1)
    number(out, "size", p.units);
  paths.append(out, v);
  if (aggregates != nullptr)
    if (auto notes = aggregates->find(v); notes != aggregates->end() && !notes->second.empty())
      texts(out, "agfilter", notes->second);
  out += "}}";
}

/// By pick: whether it is below an exclusive one, so that a reader can add it by itself.
std::vector<bool> implied(const resource_graph& graph, const selection& what) {
  std::vector<bool> result(what.picks.size());
  std::unordered_map<vertex, bool> whole; // held whole, itself or from above
  for (auto i = what.picks.size(); i-- > 0;) {
    auto& p = what.picks[i];
    auto above = whole.find(graph.parent(p.at));
    result[i] = above != whole.end() && above->second;
    whole[p.at] = p.exclusive || result[i];
  }
  return result;
}

} // namespace

std::string graph_text(const resource_graph& graph, const selection& what, bool shorthand,
                       const aggregate_notes* aggregates) {
  auto left_out = shorthand ? implied(graph, what) : std::vector<bool>(what.picks.size());
  std::string out = R"({"graph": {"nodes": [)";
  path_writer paths{graph};
  for (size_t i = 0; i < what.picks.size(); ++i) {
    if (left_out[i])
      continue;
    if (out.back() != '[')
      out += ", ";
    append_vertex(out, graph, what.picks[i], paths, aggregates);
  }
  out += R"(], "edges": [)";
  for (size_t i = 0; i < what.picks.size(); ++i) {
    auto parent = graph.parent(what.picks[i].at);
    if (left_out[i] || parent == no_vertex)
      continue;
    if (out.back() != '[')
      out += ", ";
    out += "{";
    text(out, "source", std::to_string(graph.uniq_id(parent)));
    text(out, "target", std::to_string(graph.uniq_id(what.picks[i].at)));
    out += "}";
  }
  return out += "]}}";
}

} // namespace hactor::match_text
