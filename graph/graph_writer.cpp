// graph/graph_writer: JGF, dot and GraphML.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/graph_writer.hpp"

#include "graph/jgf_text.hpp"
#include "runtime/json.hpp"

namespace hactor {

namespace {

/// As text inside of double quotes of dot.
std::string dot_text(std::string_view text) {
  std::string out;
  for (auto c : text) {
    if (c == '"' || c == '\\')
      out += '\\';
    out += c;
  }
  return out;
}

/// As text of XML.
std::string escaped(std::string_view text) {
  std::string out;
  for (auto c : text) {
    switch (c) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '"':
      out += "&quot;";
      break;
    default:
      out += c;
    }
  }
  return out;
}

template <class F>
void each_vertex(const resource_graph& graph, F f) {
  for (vertex v = 0; v < graph.limit(); ++v)
    if (graph.exists(v))
      f(v);
}

template <class F>
void each_edge(const resource_graph& graph, F f) {
  for (size_t s = 0; s < graph.subsystem_count(); ++s)
    each_vertex(graph, [&](vertex v) {
      for (auto target : graph.below(v, static_cast<subsystem_id>(s)))
        f(v, target, graph.subsystem_name(static_cast<subsystem_id>(s)));
    });
}

void append_data(std::string& out, const char* key, std::string_view value) {
  out += std::string{"      <data key=\""} + key + "\">" + escaped(value) + "</data>\n";
}

void append_pair(std::string& list, std::string_view key, std::string_view value) {
  list += list.size() > 1 ? "," : "";
  list += key;
  list += '=';
  list += value;
}

void append_vertex(std::string& out, const resource_graph& graph, vertex v) {
  std::string paths = "{", member_of = "{", properties = "{";
  for (size_t i = 0; i < graph.subsystem_count(); ++i) {
    auto s = static_cast<subsystem_id>(i);
    auto path = graph.path(v, s);
    if (path.empty())
      continue;
    append_pair(paths, graph.subsystem_name(s), path);
    append_pair(member_of, graph.subsystem_name(s), graph.subsystem_name(s));
  }
  for (auto& [key, value] : graph.properties(v))
    append_pair(properties, key, value);
  out += "    <node id=\"n" + std::to_string(v) + "\">\n";
  append_data(out, "type", graph.type_name(v));
  append_data(out, "basename", graph.basename(v));
  append_data(out, "name", graph.name(v));
  append_data(out, "id", std::to_string(graph.id(v)));
  append_data(out, "uniq_id", std::to_string(graph.uniq_id(v)));
  append_data(out, "size", std::to_string(graph.units(v)));
  append_data(out, "unit", graph.unit(v));
  append_data(out, "paths", paths + "}");
  append_data(out, "props", properties + "}");
  append_data(out, "vertex_member_of", member_of + "}");
  out += "    </node>\n";
}

} // namespace

std::string to_jgf(const resource_graph& graph) {
  std::string out = R"({"graph": {"nodes": [)";
  jgf_paths paths{graph};
  each_vertex(graph, [&](vertex v) {
    if (out.back() != '[')
      out += ", ";
    append_jgf_vertex(out, graph, v, graph.units(v), false, paths);
    if (graph.status(v) == vertex_status::down)
      out += R"(, "status": 1)";
    out += "}}";
  });
  out += R"(], "edges": [)";
  for (size_t i = 0; i < graph.subsystem_count(); ++i) {
    auto s = static_cast<subsystem_id>(i);
    each_vertex(graph, [&](vertex from) {
      for (auto to : graph.below(from, s)) {
        if (out.back() != '[')
          out += ", ";
        append_jgf_edge(out, graph, from, to);
        auto relation = graph.relation(from, to, s);
        auto usual = graph.subsystem_name(s) == "containment" && relation == "contains";
        if (!usual) {
          out += R"(, "metadata": {"subsystem": )";
          append_json_string(out, graph.subsystem_name(s));
          out += R"(, "relationship": )";
          append_json_string(out, relation);
          out += '}';
        }
        out += '}';
      }
    });
  }
  each_vertex(graph, [&](vertex from) {
    for (auto to : graph.linked(from)) {
      out += ", ";
      append_jgf_edge(out, graph, from, to);
      out += '}';
    }
  });
  return out += "]}}\n";
}

std::string to_dot(const resource_graph& graph) {
  std::string out = "digraph G {\n";
  each_vertex(graph, [&](vertex v) {
    out += std::to_string(v) + "[label=\"" + dot_text(graph.name(v)) + "\"];\n";
  });
  each_edge(graph, [&](vertex from, vertex to, const std::string& subsystem) {
    out += std::to_string(from) + "->" + std::to_string(to) + " [label=\"" + dot_text(subsystem)
           + "\"];\n";
  });
  return out += "}\n";
}

std::string to_graphml(const resource_graph& graph) {
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                    "<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n";
  for (auto key : {"type", "basename", "name", "id", "uniq_id", "size", "unit", "paths", "props",
                   "vertex_member_of"}) {
    std::string_view name = key;
    auto is_number = name == "id" || name == "uniq_id" || name == "size";
    out += "  <key id=\"" + std::string{name} + "\" for=\"node\" attr.name=\""
           + (name == "vertex_member_of" ? "member_of" : key) + "\" attr.type=\""
           + (is_number ? "long" : "string") + "\" />\n";
  }
  out += "  <key id=\"edge_member_of\" for=\"edge\" attr.name=\"member_of\" attr.type=\"string\" "
         "/>\n  <graph id=\"G\" edgedefault=\"directed\">\n";
  each_vertex(graph, [&](vertex v) { append_vertex(out, graph, v); });
  size_t edges = 0;
  each_edge(graph, [&](vertex from, vertex to, const std::string& subsystem) {
    out += "    <edge id=\"e" + std::to_string(edges++) + "\" source=\"n" + std::to_string(from)
           + "\" target=\"n" + std::to_string(to) + "\">\n";
    append_data(out, "edge_member_of", "{" + subsystem + "=" + subsystem + "}");
    out += "    </edge>\n";
  });
  return out += "  </graph>\n</graphml>\n";
}

} // namespace hactor
