// graph/match_writer: a selection as JGF (RFC 40).
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/jgf_text.hpp"
#include "graph/match_text.hpp"

namespace hactor::match_text {

namespace {

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

void append_aggregates(std::string& out, const aggregate_notes& aggregates, vertex v) {
  auto notes = aggregates.find(v);
  if (notes == aggregates.end() || notes->second.empty())
    return;
  append_jgf_key(out, "agfilter");
  out += '{';
  for (auto& [type, amounts] : notes->second)
    append_jgf_text(out, type, amounts);
  out += '}';
}

} // namespace

std::string graph_text(const resource_graph& graph, const selection& what, bool shorthand,
                       const aggregate_notes* aggregates) {
  auto left_out = shorthand ? implied(graph, what) : std::vector<bool>(what.picks.size());
  std::string out = R"({"graph": {"nodes": [)";
  jgf_paths paths{graph};
  for (size_t i = 0; i < what.picks.size(); ++i) {
    if (left_out[i])
      continue;
    auto& p = what.picks[i];
    if (out.back() != '[')
      out += ", ";
    append_jgf_vertex(out, graph, p.at, p.units, p.exclusive, paths);
    if (aggregates != nullptr)
      append_aggregates(out, *aggregates, p.at);
    out += "}}";
  }
  out += R"(], "edges": [)";
  for (size_t i = 0; i < what.picks.size(); ++i) {
    auto parent = graph.parent(what.picks[i].at);
    if (left_out[i] || parent == no_vertex)
      continue;
    if (out.back() != '[')
      out += ", ";
    append_jgf_edge(out, graph, parent, what.picks[i].at);
    out += '}';
  }
  return out += "]}}";
}

} // namespace hactor::match_text
