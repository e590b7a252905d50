// See graph_reader.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/graph_reader.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "graph/grug_reader.hpp"
#include "graph/hwloc_reader.hpp"
#include "graph/jgf_reader.hpp"
#include "graph/rv1_reader.hpp"

namespace hactor {

namespace {

constexpr std::array<std::pair<std::string_view, graph_format>, 6> formats = {{
    {"grug", graph_format::grug},
    {"jgf", graph_format::jgf},
    {"jgf_shorthand", graph_format::jgf_shorthand},
    {"hwloc", graph_format::hwloc},
    {"rv1exec", graph_format::rv1exec},
    {"rv1exec_force", graph_format::rv1exec_force},
}};

caf::expected<resource_graph> read_unchecked(graph_format format, std::string_view text,
                                             const graph_options& options) {
  switch (format) {
  case graph_format::grug:
    return read_grug(text, {options.number_nodes, options.vertices_max});
  case graph_format::jgf:
  case graph_format::jgf_shorthand:
    return read_jgf(text, options.vertices_max);
  case graph_format::hwloc:
    return read_hwloc(text,
                      {options.allowlist, options.number_nodes ? 0 : -1, options.vertices_max});
  case graph_format::rv1exec:
    return has_jgf(text) ? read_jgf(text, options.vertices_max)
                         : read_rv1(text, options.vertices_max);
  case graph_format::rv1exec_force:
    break;
  }
  return read_rv1(text, options.vertices_max);
}

/// What the text is, when it cannot be what it is read as.
std::string_view hint(graph_format format, std::string_view text) {
  auto first = text.substr(std::min(text.find_first_not_of(" \t\r\n"), text.size()), 1);
  auto wants_xml = format == graph_format::grug || format == graph_format::hwloc;
  if (wants_xml && first == "{")
    return "; it looks like JSON: formats of JSON are jgf and rv1exec";
  if (!wants_xml && first == "<")
    return "; it looks like XML: formats of XML are grug and hwloc";
  return "";
}

} // namespace

caf::expected<graph_format> parse_graph_format(std::string_view name) {
  for (auto& [known, format] : formats)
    if (known == name)
      return format;
  return make_error(ec::bad_argument, fmt::format("graph format \"{}\": must be grug, jgf, "
                                                  "jgf_shorthand, hwloc, rv1exec or rv1exec_force",
                                                  name));
}

caf::expected<resource_graph> read_graph(graph_format format, std::string_view text,
                                         const graph_options& options) {
  auto graph = read_unchecked(format, text, options);
  if (!graph)
    return make_error(code_of(graph.error()),
                      fmt::format("{}{}", context_of(graph.error()), hint(format, text)));
  auto named = [&](const caf::error& e) {
    return make_error(code_of(e), fmt::format("{}: {}", formats[static_cast<size_t>(format)].first,
                                              context_of(e)));
  };
  if (auto e = graph->check())
    return named(e);
  auto result = keep_subsystems(std::move(*graph), options.subsystems);
  if (!result)
    return named(result.error());
  // A subsystem of several trees or a net may have become the first.
  if (!options.subsystems.names.empty())
    if (auto e = result->check())
      return named(e);
  return result;
}

} // namespace hactor
