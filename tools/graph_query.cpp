// See graph_query.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/graph_query.hpp"

#include <cerrno>
#include <cstdio>
#include <iostream>
#include <map>

#include <unistd.h>

#include "graph/graph_writer.hpp"
#include "runtime/clock.hpp"
#include "tools/graph_files.hpp"
#include "tools/graph_session.hpp"
#include "tools/say.hpp"
#include "tools/text_file.hpp"

namespace hactor::tools {

namespace {

/// The file of the results, closed at the end.
class result_file {
public:
  caf::error open(const std::string& name) {
    file_ = std::fopen(name.c_str(), "we");
    return file_ == nullptr ? make_errno_error(ec::bad_argument, name, errno) : caf::error{};
  }
  ~result_file() {
    if (file_ != nullptr)
      std::fclose(file_);
  }
  std::FILE* get() const { return file_ == nullptr ? stdout : file_; }

private:
  std::FILE* file_ = nullptr;
};

void say_load(const resource_graph& graph, double seconds) {
  char time[32];
  std::snprintf(time, sizeof time, "%g", seconds);
  std::map<int32_t, size_t> ranks;
  std::map<std::string, size_t> names;
  size_t edges = 0, types = 0, paths = 0;
  for (vertex v = 0; v < graph.limit(); ++v)
    if (graph.exists(v)) {
      ++ranks[graph.rank(v)];
      ++names[graph.name(v)];
    }
  for (size_t s = 0; s < graph.subsystem_count(); ++s) {
    edges += graph.edge_count(static_cast<subsystem_id>(s));
    paths += graph.root(static_cast<subsystem_id>(s)) == no_vertex ? 0 : 1;
  }
  paths += edges;
  for (size_t t = 0; t < graph.types().size(); ++t)
    types += graph.count(static_cast<type_id>(t)) > 0 ? 1 : 0;
  print(std::string{"INFO: Graph Load Time: "} + time + "\nINFO: Vertex Count: "
        + std::to_string(graph.size()) + "\nINFO: Edge Count: " + std::to_string(edges)
        + "\nINFO: by_type Key-Value Pairs: " + std::to_string(types)
        + "\nINFO: by_name Key-Value Pairs: " + std::to_string(names.size())
        + "\nINFO: by_path Key-Value Pairs: " + std::to_string(paths) + "\n");
  for (auto [rank, count] : ranks)
    print("INFO: number of vertices with rank " + std::to_string(rank) + ": "
          + std::to_string(count) + "\n");
}

caf::error write_graph(const resource_graph& graph, const query_settings& settings) {
  auto text = settings.graph_format == "graphml" ? to_graphml(graph) : to_dot(graph);
  print("INFO: Write the target graph of the matcher...\n");
  return write_file(settings.graph_output + "." + settings.graph_format, text);
}

double now() { return static_cast<double>(steady_ns()) * 1e-9; }

} // namespace

caf::error run_query(const query_settings& settings) {
  auto begin = now();
  auto graph = load_graph(settings);
  if (!graph)
    return std::move(graph.error());
  if (!graph->warning.empty())
    fmt::print(stderr, "{}\n", graph->warning);
  if (settings.elapse_time)
    say_load(graph->graph, now() - begin);
  result_file results;
  if (!settings.test_output.empty())
    if (auto e = results.open(settings.test_output))
      return e;
  auto sink = [&](query_stream to, std::string_view text) {
    if (to == query_stream::error)
      flush_output();
    auto* file = to == query_stream::result  ? results.get()
                 : to == query_stream::error ? stderr
                                             : stdout;
    std::fwrite(text.data(), 1, text.size(), file);
  };
  auto session = graph_session::make(std::move(graph->graph), settings, sink, now, graph->seconds);
  if (!session)
    return std::move(session.error());
  auto prompt = settings.prompt && isatty(STDIN_FILENO) != 0;
  for (std::string line;;) {
    if (prompt)
      print("resource-query> ");
    flush_output();
    if (!std::getline(std::cin, line) || !(*session)->run(line))
      break;
  }
  if (settings.graph_output.empty())
    return {};
  return write_graph((*session)->graph(), settings);
}

} // namespace hactor::tools
