// How fast matches are: clusters of racks of 100 nodes of 2 sockets of 20 cores, jobs of one shape
// until the machine is full, each match held in the ledger; beside a plain scan of an array of
// nodes with a counter of free cores each, doing the same grants. Also on a machine of which every
// second core is taken, and reading such machines (as if "load" were a shape). Usage: bench_graph
// NODES [SHAPE,... [POLICY,...]].
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <memory>
#include <string>
#include <vector>

#include <sys/resource.h>

#include "../support/small_cluster.hpp"
#include "graph/graph_reader.hpp"
#include "graph/graph_writer.hpp"
#include "graph/jobspec.hpp"
#include "graph/matcher.hpp"
#include "graph/selection_builder.hpp"
#include "measure.hpp"

using namespace hactor;
using namespace hactor::bench;

namespace {

constexpr int cores_per_node = 40;
constexpr int nodes_per_rack = 100;

/// What a job asks for.
struct shape {
  std::string name;
  std::string resources;
  int nodes; ///< 0: a part of one.
  int cores; ///< In all.
};

const shape shapes[] = {
    {"core", "[{type: slot, count: 1, label: s, with: [{type: core, count: 1}]}]", 0, 1},
    {"node",
     "[{type: node, count: 1, with: [{type: slot, count: 1, label: s, with: [{type: socket, count: "
     "2, with: [{type: core, count: 20}]}]}]}]",
     1, 40},
    {"4_nodes",
     "[{type: node, count: 4, with: [{type: slot, count: 1, label: s, with: [{type: socket, count: "
     "2, with: [{type: core, count: 20}]}]}]}]",
     4, 160},
    {"quarter", "[{type: slot, count: 1, label: s, with: [{type: core, count: 10}]}]", 0, 10},
};

std::shared_ptr<const match_request> compile(const resource_graph& g, const std::string& resources,
                                             const std::string& system = "duration: 3600") {
  auto spec = parse_jobspec("version: 1\nresources: " + resources
                            + "\ntasks: [{command: [x], slot: s, count: {per_slot: 1}}]\n"
                              "attributes: {system: {"
                            + system + "}}\n");
  if (!spec)
    fail(render(spec.error()));
  auto r = compile_match(*spec, g, true);
  if (!r)
    fail(render(r.error()));
  return std::make_shared<const match_request>(std::move(*r));
}

resource_graph make_machine(int nodes) {
  return test::make_cluster({{"rack", std::max(nodes / nodes_per_rack, 1)},
                             {"node", std::min(nodes, nodes_per_rack)},
                             {"socket", 2},
                             {"core", cores_per_node / 2}});
}

/// The bound: grants per second of a scan over free counters, from the first node on for each job.
double scan_rate(const shape& s, int nodes, int free_per_node, int jobs) {
  std::vector<int> free(static_cast<size_t>(nodes), free_per_node);
  auto begin = thread_ns();
  int granted = 0;
  for (; granted < jobs; ++granted) {
    auto missing = std::max(s.nodes, 1);
    auto each = s.cores / missing;
    for (size_t n = 0; missing > 0 && n < free.size(); ++n)
      if (free[n] >= each) {
        free[n] -= each;
        --missing;
      }
    if (missing > 0)
      break;
  }
  return granted / thread_seconds_since(begin);
}

/// Two jobs, taking turns, have every second core.
void take_every_second_core(const resource_graph& g, ledger& held) {
  selection_builder jobs[] = {selection_builder{g}, selection_builder{g}};
  for (vertex v = 0, n = 0; v < g.limit(); ++v)
    if (g.type_name(v) == "core" && n++ % 2 == 0)
      jobs[n / 2 % 2].add_exclusive(v, 1);
  for (uint64_t i = 0; i < 2; ++i)
    if (auto e = held.hold(UINT64_MAX - i, jobs[i].finish(0, 3600), hold_kind::allocated))
      fail(render(e));
}

void fill(int nodes, const shape& s, const std::string& policy, bool fragmented) {
  auto g = make_machine(nodes);
  if (policy == "variation")
    for (int32_t n = 0; n < nodes; ++n)
      for (auto v : g.of_rank(n))
        if (g.type_name(v) == "node")
          g.set_property(v, "perf_class", std::to_string(n % 5));
  ledger held{g, *pruning_filter::parse("ALL:core,ALL:node")};
  if (fragmented)
    take_every_second_core(g, held);
  matcher m{g, held, *make_match_policy(policy)};
  auto request = compile(g, s.resources);
  auto free = fragmented ? cores_per_node / 2 : cores_per_node;
  auto jobs = std::min(nodes * free / s.cores, 50'000);
  auto begin = thread_ns();
  auto first = m.match(request, match_op::allocate, 0); // the first walk knows nothing yet
  auto first_ms = thread_seconds_since(begin) * 1e3;
  if (first.verdict != match_verdict::matched)
    fail("no match for " + s.name);
  begin = thread_ns();
  int granted = 0;
  for (; granted < jobs; ++granted) {
    auto r = m.match(request, match_op::allocate, 0);
    if (r.verdict != match_verdict::matched)
      fail("busy after " + std::to_string(granted));
    if (auto e =
            held.hold(static_cast<uint64_t>(granted) + 1, std::move(r.what), hold_kind::allocated))
      fail(render(e));
  }
  auto rate = granted / thread_seconds_since(begin);
  auto name =
      "graph_" + std::to_string(nodes) + (fragmented ? "_half_" : "_") + s.name + "_" + policy;
  tell(name, rate);
  tell(name + "_scan", scan_rate(s, nodes, free, granted));
  tell(name + "_first_ms", first_ms);
}

/// The machine as a recipe.
std::string grug_of(int nodes) {
  std::string text = R"(<graphml><key id="root" for="node" attr.name="root" attr.type="int"/>)"
                     R"(<key id="type" for="node" attr.name="type" attr.type="string"/>)"
                     R"(<key id="basename" for="node" attr.name="basename" attr.type="string"/>)"
                     R"(<key id="n" for="edge" attr.name="multi_scale" attr.type="int"/>)"
                     R"(<graph edgedefault="directed">)";
  const std::pair<std::string, int> levels[] = {{"cluster", 1},
                                                {"rack", std::max(nodes / nodes_per_rack, 1)},
                                                {"node", std::min(nodes, nodes_per_rack)},
                                                {"socket", 2},
                                                {"core", cores_per_node / 2}};
  std::string above;
  for (auto& [type, n] : levels) {
    text += R"(<node id=")" + type + R"("><data key="type">)" + type
            + R"(</data><data key="basename">)" + type + "</data>"
            + (above.empty() ? R"(<data key="root">1</data>)" : "") + "</node>";
    if (!above.empty())
      text += R"(<edge source=")" + above + R"(" target=")" + type + R"("><data key="n">)"
              + std::to_string(n) + "</data></edge>";
    above = type;
  }
  return text + "</graph></graphml>";
}

/// Reading the machine as a recipe and as all of its vertices; the bound of both is a pass over the
/// bytes of the latter.
void load(int nodes) {
  auto named = [nodes](const char* what) { return "graph_" + std::to_string(nodes) + what; };
  auto recipe = grug_of(nodes);
  auto begin = thread_ns();
  auto g = read_graph(graph_format::grug, recipe);
  tell(named("_grug_s"), thread_seconds_since(begin));
  if (!g)
    fail(render(g.error()));
  auto text = to_jgf(*g);
  begin = thread_ns();
  uint64_t sum = 0;
  for (unsigned char c : text)
    sum += c;
  tell(named("_bytes_s"), thread_seconds_since(begin));
  begin = thread_ns();
  auto again = read_graph(graph_format::jgf, text);
  tell(named("_jgf_s"), thread_seconds_since(begin));
  if (!again || again->size() != g->size() || sum == 0)
    fail("reading JGF");
}

void reserve_deep(int nodes) {
  auto g = make_machine(nodes);
  ledger held{g, *pruning_filter::parse("ALL:core,ALL:node")};
  matcher m{g, held, *make_match_policy("first")};
  auto request = compile(g, shapes[0].resources);
  uint64_t job = 0;
  auto whole = compile(g, shapes[1].resources);
  for (int n = 0; n < nodes; ++n) {
    auto r = m.match(whole, match_op::allocate, 0);
    if (held.hold(++job, std::move(r.what), hold_kind::allocated))
      fail("filling");
  }
  constexpr int depth = 1'000;
  auto begin = thread_ns();
  for (int i = 0; i < depth; ++i) {
    auto r = m.match(request, match_op::allocate_or_reserve, 0);
    if (!r.reserved)
      fail("not reserved");
    if (auto e = held.hold(++job, std::move(r.what), hold_kind::reserved))
      fail(render(e));
  }
  tell("graph_" + std::to_string(nodes) + "_reserve", depth / thread_seconds_since(begin));
}

/// Whether a list with commas has the word; an empty list has all.
bool has(const std::string& list, const std::string& word) {
  return list.empty() || ("," + list + ",").find("," + word + ",") != std::string::npos;
}

} // namespace

int main(int argc, char** argv) {
  auto nodes = argc > 1 ? std::atoi(argv[1]) : 0;
  if (nodes < 1)
    fail("usage: bench_graph NODES [SHAPE,... [POLICY,...]]");
  std::string some = argc > 2 ? argv[2] : "", policies = argc > 3 ? argv[3] : "";
  {
    auto begin = thread_ns();
    auto g = make_machine(nodes);
    auto name = "graph_" + std::to_string(nodes);
    tell(name + "_make_s", thread_seconds_since(begin));
    begin = thread_ns();
    ledger held{g, *pruning_filter::parse("ALL:core,ALL:node")};
    tell(name + "_ledger_s", thread_seconds_since(begin));
    tell(name + "_bytes_per_vertex",
         static_cast<double>(g.bytes() + held.bytes()) / static_cast<double>(g.size()));
  }
  for (auto& s : shapes)
    for (std::string policy :
         {"first", "low", "high", "lonode", "hinode", "locality", "variation"}) {
      if (!has(some, s.name) || !has(policies, policy))
        continue;
      fill(nodes, s, policy, false);
      if (s.nodes == 0)
        fill(nodes, s, policy, true);
    }
  if (some.empty())
    reserve_deep(nodes);
  auto tell_memory = [nodes](const char* what) {
    struct rusage used;
    ::getrusage(RUSAGE_SELF, &used);
    tell("graph_" + std::to_string(nodes) + what, static_cast<double>(used.ru_maxrss) / 1024);
  };
  tell_memory("_most_mb");
  if (has(some, "load")) {
    load(nodes);
    tell_memory("_load_mb");
  }
}
