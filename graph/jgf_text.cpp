// See jgf_text.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/jgf_text.hpp"

#include "runtime/json.hpp"

namespace hactor {

void append_jgf_key(std::string& out, std::string_view name) {
  if (out.back() != '{')
    out += ", ";
  append_json_string(out, name);
  out += ": ";
}

void append_jgf_text(std::string& out, std::string_view name, std::string_view value) {
  append_jgf_key(out, name);
  append_json_string(out, value);
}

namespace {

void append_number(std::string& out, std::string_view name, int64_t value) {
  append_jgf_key(out, name);
  out += std::to_string(value);
}

} // namespace

void jgf_paths::append(std::string& out, vertex v) {
  out += '{';
  auto parent = graph_.parent(v);
  if (parent == no_vertex) {
    // A root, or not in containment at all.
    if (auto path = graph_.path(v); !path.empty())
      append_jgf_text(out, graph_.subsystem_name(containment), path);
  } else {
    if (parent != last_) {
      last_ = parent;
      last_path_ = graph_.path(parent);
    }
    append_jgf_text(out, graph_.subsystem_name(containment), last_path_ + "/" + graph_.name(v));
  }
  for (size_t s = 1; s < graph_.subsystem_count(); ++s)
    if (auto path = graph_.path(v, static_cast<subsystem_id>(s)); !path.empty())
      append_jgf_text(out, graph_.subsystem_name(static_cast<subsystem_id>(s)), path);
  out += '}';
}

void append_jgf_vertex(std::string& out, const resource_graph& graph, vertex v, int64_t units,
                       bool exclusive, jgf_paths& paths) {
  out += "{";
  append_jgf_text(out, "id", std::to_string(graph.uniq_id(v)));
  append_jgf_key(out, "metadata");
  out += '{';
  append_jgf_text(out, "type", graph.type_name(v));
  auto basename = graph.basename(v);
  if (basename != graph.type_name(v))
    append_jgf_text(out, "basename", basename);
  auto name = graph.name(v);
  if (name != std::string{basename} + std::to_string(graph.id(v)))
    append_jgf_text(out, "name", name);
  append_number(out, "id", graph.id(v));
  append_number(out, "rank", graph.rank(v));
  if (auto& properties = graph.properties(v); !properties.empty()) {
    append_jgf_key(out, "properties");
    out += '{';
    for (auto& [k, value] : properties)
      append_jgf_text(out, k, value);
    out += '}';
  }
  if (!graph.unit(v).empty())
    append_jgf_text(out, "unit", graph.unit(v));
  if (exclusive) {
    append_jgf_key(out, "exclusive");
    out += "true";
  }
  if (units != 1)
    append_number(out, "size", units);
  append_jgf_key(out, "paths");
  paths.append(out, v);
}

void append_jgf_edge(std::string& out, const resource_graph& graph, vertex from, vertex to) {
  out += "{";
  append_jgf_text(out, "source", std::to_string(graph.uniq_id(from)));
  append_jgf_text(out, "target", std::to_string(graph.uniq_id(to)));
}

} // namespace hactor
