// hactor graph: looks at resource graphs without an instance.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/find_expression.hpp"
#include "graph/graph_writer.hpp"
#include "graph/r_encoder.hpp"
#include "runtime/clock.hpp"
#include "tools/commands.hpp"
#include "tools/graph_files.hpp"
#include "tools/graph_picture.hpp"
#include "tools/graph_query.hpp"
#include "tools/query_options.hpp"
#include "tools/say.hpp"
#include "tools/text_file.hpp"

namespace hactor::tools {

namespace {

/// The options of loading, and those of one command.
template <size_t Count>
std::vector<option_spec> with_load_options(const option_spec (&own)[Count]) {
  auto all = query_option_specs();
  std::vector<option_spec> result{all.begin(), all.begin() + load_option_count};
  result.insert(result.end(), std::begin(own), std::end(own));
  return result;
}

constexpr option_spec prune_filters_spec{
    'p', "prune-filters", "FILTERS",
    "Checks filters as 'graph query' takes them: what a match would count here."};

const std::vector<option_spec>& load_options() {
  static const option_spec own[] = {
      {'o', "output", "FILE", "Writes the graph to the file; \"-\" is standard output."},
      {'F', "format", "FORMAT", "What is written: jgf, dot or graphml. Default: jgf."},
      prune_filters_spec,
  };
  static const auto all = with_load_options(own);
  return all;
}

const std::vector<option_spec>& info_options() {
  static const option_spec own[] = {
      {'l', "lines", "COUNT", "The most lines of the picture; 0: no picture. Default: 40."},
      {'P', "paths", nullptr, "Prints the paths of all vertices instead, one a line."},
      prune_filters_spec,
  };
  static const auto all = with_load_options(own);
  return all;
}

const std::vector<option_spec>& find_options() {
  static const option_spec own[] = {
      {'F', "match-format", "FORMAT",
       "How what was found is written, as in 'graph query'. "
       "Default: simple."},
      {'p', "prune-filters", "FILTERS", "What agfilter=true counts. Default: ALL:core,ALL:node."},
  };
  static const auto all = with_load_options(own);
  return all;
}

/// Takes over the options that are about the graph; those of the command itself are passed over.
caf::expected<query_settings> settings_of(const parsed_options& options) {
  query_settings settings;
  for (auto& [option, value] : options.values)
    for (auto& known : query_option_specs())
      if (known.name == std::string_view{option->name})
        if (auto e = set_query_option(settings, known, value))
          return e;
  return settings;
}

template <class F>
int with_graph(const invocation& call, F then) {
  auto settings = settings_of(call.options);
  if (!settings)
    return fail_usage(call, settings.error());
  if (!call.options.has("load-file") && settings->load_format != "hwloc")
    return fail_usage(call, make_error(ec::bad_argument,
                                       "needs a graph: --load-file=FILE, or --load-format=hwloc "
                                       "for this machine's"));
  if (!call.options.has("load-file"))
    settings->load_file.clear();
  if (auto filter = pruning_filter::parse(settings->prune_filters); !filter)
    return fail_usage(call, filter.error());
  auto begin = steady_ns();
  auto graph = load_graph(*settings);
  if (!graph)
    return fail(call, graph.error());
  if (!graph->warning.empty())
    complain(call, graph->warning);
  return then(graph->graph, *settings, static_cast<double>(steady_ns() - begin) * 1e-9);
}

int run_load(const invocation& call) {
  auto format = call.options.value("format", "jgf");
  if (format != "jgf" && format != "dot" && format != "graphml")
    return fail_usage(call, make_error(ec::bad_argument,
                                       "--format is jgf, dot or graphml, not '" + format + "'"));
  return with_graph(call, [&](const resource_graph& graph, const query_settings&, double seconds) {
    auto output = call.options.value("output");
    if (output != "-")
      print_line(graph_summary(graph) + ", loaded in " + std::to_string(seconds) + " s");
    if (output.empty())
      return exit_ok;
    auto text = format == "dot"       ? to_dot(graph)
                : format == "graphml" ? to_graphml(graph)
                                      : to_jgf(graph);
    auto e = write_file(output, text);
    return e ? fail(call, e) : exit_ok;
  });
}

int run_info(const invocation& call) {
  auto lines = call.options.number("lines", 40, 0, 1'000'000'000);
  if (!lines)
    return fail_usage(call, lines.error());
  return with_graph(call, [&](const resource_graph& graph, const query_settings&, double) {
    if (call.options.has("paths")) {
      print_paths(graph, print);
      return exit_ok;
    }
    print_line(graph_summary(graph));
    print(graph_counts(graph));
    if (*lines > 0)
      print("\n" + graph_picture(graph, *lines));
    return exit_ok;
  });
}

int run_find(const invocation& call) {
  std::string text;
  for (auto& word : call.options.operands)
    text += (text.empty() ? "" : " ") + word;
  auto expression = find_expression::parse(text);
  if (!expression)
    return fail_usage(call, expression.error());
  return with_graph(call, [&](const resource_graph& graph, const query_settings& settings, double) {
    auto format = parse_match_format(settings.match_format);
    if (!format)
      return fail_usage(call, format.error());
    auto filter = pruning_filter::parse(settings.prune_filters); // checked already
    HACTOR_CHECK(filter);
    ledger held{graph, std::move(*filter)};
    auto found = expression->find(held, 0);
    match_remarks remarks;
    remarks.aggregates = &found.aggregates;
    print(write_match(graph, found.what, *format, remarks));
    return found.matches > 0 ? exit_ok : exit_failed;
  });
}

int run_query_command(const invocation& call) {
  auto settings = read_query_options(call.options);
  if (!settings)
    return fail_usage(call, settings.error());
  if (!call.options.has("load-file") && settings->load_format == "hwloc")
    settings->load_file.clear();
  auto e = run_query(*settings);
  return e ? fail(call, e) : exit_ok;
}

constexpr option_spec encode_options[] = {
    {'i', "input", "FILE", "R is in the file. Default: \"-\", standard input."},
    {'o', "output", "FILE", "Where it is written to. Default: \"-\", standard output."},
    {0, "local", nullptr, "This machine, as hwloc sees it, in place of an R."},
};

int run_encode(const invocation& call) {
  auto& o = call.options;
  if (o.has("local") && o.has("input"))
    return fail_usage(call, make_error(ec::bad_argument, "--local has no --input"));
  caf::expected<std::string> text{std::string{}};
  if (o.has("local")) {
    query_settings here;
    here.load_file.clear();
    here.load_format = "hwloc";
    auto graph = load_graph(here, true);
    if (!graph)
      return fail(call, graph.error());
    text = encode_all(graph->graph);
  } else {
    auto r = read_file(o.value("input", "-"));
    if (!r)
      return fail(call, r.error());
    text = encode_graph(*r);
    if (!text)
      return fail_usage(call, text.error());
  }
  auto e = write_file(o.value("output", "-"), *text);
  return e ? fail(call, e) : exit_ok;
}

int run_graph(const invocation& call) {
  complain(call, "needs a verb: load, info, find, query or encode");
  return exit_usage;
}

} // namespace

const command graph_command{
    "graph",
    group_graph,
    "looks at resource graphs without an instance",
    "load|info|find|query|encode",
    "Resources are a graph: vertices are pools of one type (a cluster, nodes, cores, 8 GB of "
    "memory), edges say what contains, feeds or connects what. A request is matched into it.",
    {},
    usual_exits,
    " hactor graph info -L cluster.json -f jgf\n"
    " hactor graph query -L cluster.graphml -P lonode -F pretty",
    false,
    0,
    any_number,
    run_graph};

const command graph_load_command{
    "graph load",
    group_graph,
    "reads a graph, checks it and may write it in another form",
    "-L FILE [-f FORMAT] [OPTIONS]",
    "Tells how many vertices and edges there are, or in which line or key the file is wrong.",
    load_options(),
    usual_exits,
    " hactor graph load -L cluster.graphml -o cluster.json",
    false,
    0,
    0,
    run_load};

const command graph_info_command{
    "graph info",
    group_graph,
    "counts what is in a graph and draws it",
    "-L FILE [-f FORMAT] [OPTIONS]",
    "Vertices and units by type, edges by subsystem, and the tree of containment with equal "
    "siblings folded into one line.",
    info_options(),
    usual_exits,
    " hactor graph info -L cluster.graphml\n hactor graph info -L cluster.json -f jgf --paths",
    false,
    0,
    0,
    run_info};

const command graph_find_command{
    "graph find",
    group_graph,
    "prints the vertices for which an expression is true",
    "-L FILE [-f FORMAT] [OPTIONS] EXPRESSION...",
    "Conditions are status=up|down, names=HOSTLIST, property=NAME, agfilter=true|false; in a "
    "session of 'graph query' also sched-now=allocated|free, sched-future=reserved|free, "
    "jobid-alloc=ID, jobid-reserved=ID, jobid-tag=ID, jobid-span=ID. They are joined by and, or, "
    "not and parentheses; blanks mean and. What is above a vertex that was found is printed too.",
    find_options(),
    " 0  something was found\n 1  nothing was found, or the graph cannot be read\n"
    " 2  the command line is wrong",
    " hactor graph find -L cluster.json -f jgf 'status=down or property=slow'",
    false,
    1,
    any_number,
    run_find};

const command graph_encode_command{
    "graph encode",
    group_graph,
    "adds to an R the graph of what is in it",
    "[--input=FILE | --local] [--output=FILE]",
    "R (RFC 20) gets a key \"scheduling\" with its nodes, cores and GPUs as a graph (JGF), as "
    "Flux's 'ion-R encode' makes it; all else stays.",
    encode_options,
    usual_exits,
    " hactor job info $id R | hactor graph encode > R.json\n"
    " hactor graph encode --local -o here.json",
    false,
    0,
    0,
    run_encode};

const command graph_query_command{
    "graph query",
    group_graph,
    "matches requests into a graph, command by command",
    "-L FILE [OPTIONS] < COMMANDS",
    "Reads commands from standard input: match (allocate, allocate_orelse_reserve, "
    "allocate_with_satisfiability, satisfiability, without_allocating, without_allocating_future) "
    "with a jobspec file, multi-match, update, cancel, partial-cancel, find, attach, remove, "
    "detach, set-status, get-status, set-property, get-property, remove-property, list, info, "
    "stat, cat, help, quit. 'help' explains them.\n\n"
    "The program is also installed as resource-query: options, commands and answers are those of "
    "Fluxion's tool of that name. Time stands still at 0 s.",
    query_option_specs(),
    usual_exits,
    " echo 'match allocate job.yaml' | hactor graph query -L cluster.graphml -F rv1_nosched",
    false,
    0,
    0,
    run_query_command};

} // namespace hactor::tools
