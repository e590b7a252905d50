// graph/match_writer: a selection as JGF (RFC 40).
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>

#include "graph/jgf_text.hpp"
#include "graph/match_text.hpp"

namespace hactor::match_text {

namespace {

/// By pick: the one that is above it, which is what contains it or is linked to it; picks.size()
/// for the root. What is below a pick stands before it.
std::vector<size_t> picks_above(const selection& what) {
  std::vector<size_t> result(what.picks.size()), last; // the last one by depth
  for (auto i = what.picks.size(); i-- > 0;) {
    auto depth = what.picks[i].depth;
    last.resize(std::max<size_t>(last.size(), depth + 1u), what.picks.size());
    last[depth] = i;
    result[i] = depth == 0 ? what.picks.size() : last[depth - 1u];
  }
  return result;
}

/// By pick: whether it is below an exclusive one, so that a reader can add it by itself.
std::vector<bool> implied(const selection& what, const std::vector<size_t>& above) {
  std::vector<bool> result(what.picks.size());
  for (auto i = what.picks.size(); i-- > 0;)
    if (auto up = above[i]; up < what.picks.size())
      result[i] = what.picks[up].exclusive || result[up];
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
  auto above = picks_above(what);
  auto left_out = shorthand ? implied(what, above) : std::vector<bool>(what.picks.size());
  std::unordered_map<vertex, std::string_view> labels(what.labels.begin(), what.labels.end());
  std::string out = R"({"graph": {"nodes": [)";
  jgf_paths paths{graph};
  for (size_t i = 0; i < what.picks.size(); ++i) {
    if (left_out[i])
      continue;
    auto& p = what.picks[i];
    if (out.back() != '[')
      out += ", ";
    append_jgf_vertex(out, graph, p.at, p.units, p.exclusive, paths);
    if (auto l = labels.find(p.at); l != labels.end()) {
      append_jgf_key(out, "ephemeral");
      out += '{';
      append_jgf_text(out, "label", l->second);
      out += '}';
    }
    if (aggregates != nullptr)
      append_aggregates(out, *aggregates, p.at);
    out += "}}";
  }
  out += R"(], "edges": [)";
  for (size_t i = 0; i < what.picks.size(); ++i) {
    if (left_out[i] || above[i] == what.picks.size())
      continue;
    if (out.back() != '[')
      out += ", ";
    append_jgf_edge(out, graph, what.picks[above[i]].at, what.picks[i].at);
    out += '}';
  }
  return out += "]}}";
}

std::string vertex_numbers(const resource_graph& graph, const selection& what) {
  auto left_out = implied(what, picks_above(what));
  std::string out = "[";
  for (size_t i = 0; i < what.picks.size(); ++i) {
    if (left_out[i])
      continue;
    out += out.size() > 1 ? ", \"" : "\"";
    out += std::to_string(graph.uniq_id(what.picks[i].at)) + '"';
  }
  return out += ']';
}

} // namespace hactor::match_text
