// See graph_files.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/graph_files.hpp"

#include <fmt/format.h>

#include "graph/graph_reader.hpp"
#include "graph/jgf_reader.hpp"
#include "graph/rset.hpp"
#include "runtime/hardware.hpp"
#include "tools/text_file.hpp"

namespace hactor::tools {

namespace {

/// For how long an R says that its resources are there; 0: it does not.
int64_t seconds_of(graph_format format, const std::string& text) {
  if (format != graph_format::rv1exec && format != graph_format::rv1exec_force)
    return 0;
  auto r = parse_rset(text);
  return r && r->expiration > r->starttime && r->expiration > 0
             ? static_cast<int64_t>(r->expiration - r->starttime)
             : 0;
}

} // namespace

caf::expected<loaded_graph> load_graph(const query_settings& settings, bool number_nodes) {
  auto format = parse_graph_format(settings.load_format);
  if (!format)
    return std::move(format.error());
  auto wanted = parse_subsystems(settings.subsystems);
  if (!wanted)
    return std::move(wanted.error());
  graph_options options;
  options.number_nodes = number_nodes;
  options.subsystems = std::move(*wanted);
  if (!settings.allowlist.empty())
    options.allowlist.push_back("cluster"); // Fluxion keeps it whatever is asked for
  for (size_t at = 0; at < settings.allowlist.size();) {
    auto end = std::min(settings.allowlist.find(',', at), settings.allowlist.size());
    if (end > at)
      options.allowlist.push_back(settings.allowlist.substr(at, end - at));
    at = end + 1;
  }
  auto text = settings.load_file.empty() ? discover_topology() : read_file(settings.load_file);
  if (!text)
    return std::move(text.error());
  auto graph = read_graph(*format, *text, options);
  if (!graph && !settings.load_file.empty())
    return make_error(code_of(graph.error()),
                      fmt::format("{}: {}", settings.load_file, context_of(graph.error())));
  if (!graph)
    return std::move(graph.error());
  loaded_graph loaded{std::move(*graph), seconds_of(*format, *text), {}};
  if (!settings.allowlist.empty() && *format != graph_format::hwloc)
    loaded.warning = "WARN: --load-allowlist: files of " + settings.load_format
                     + " are loaded as they are; only hwloc's are thinned";
  return loaded;
}

caf::error attach_subgraph(resource_graph& graph, const std::string& text) {
  auto added = attach_jgf(graph, text);
  return added ? caf::error{} : std::move(added.error());
}

} // namespace hactor::tools
