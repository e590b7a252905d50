// How fast matches are: clusters of racks of 100 nodes of 2 sockets of 20 cores, jobs of one shape
// until the machine is full, each match held in the ledger; beside a plain scan of an array of
// nodes with a counter of free cores each, doing the same grants. Usage: bench_graph [NODES...], or
// bench_graph NODES SHAPE POLICY.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <memory>
#include <string>
#include <vector>

#include "../support/small_cluster.hpp"
#include "graph/jobspec.hpp"
#include "graph/matcher.hpp"
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
double scan_rate(const shape& s, int nodes, int jobs) {
  std::vector<int> free(static_cast<size_t>(nodes), cores_per_node);
  auto begin = steady_ns();
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
  return granted / seconds_since(begin);
}

void fill(int nodes, const shape& s, const std::string& policy) {
  auto g = make_machine(nodes);
  if (policy == "variation")
    for (int32_t n = 0; n < nodes; ++n)
      for (auto v : g.of_rank(n))
        if (g.type_name(v) == "node")
          g.set_property(v, "perf_class", std::to_string(n % 5));
  ledger held{g, *pruning_filter::parse("ALL:core,ALL:node")};
  matcher m{g, held, *make_match_policy(policy)};
  auto request = compile(g, s.resources);
  auto most = nodes * cores_per_node / s.cores;
  auto jobs = std::min(most, 50'000);
  auto first = m.match(request, match_op::allocate, 0); // the first walk sees everything
  if (first.verdict != match_verdict::matched)
    fail("no match for " + s.name);
  auto begin = steady_ns();
  int granted = 0;
  double in_match = 0;
  for (; granted < jobs && seconds_since(begin) < 5; ++granted) {
    auto before = steady_ns();
    auto r = m.match(request, match_op::allocate, 0);
    in_match += seconds_since(before);
    if (r.verdict != match_verdict::matched)
      fail("busy after " + std::to_string(granted));
    if (auto e =
            held.hold(static_cast<uint64_t>(granted) + 1, std::move(r.what), hold_kind::allocated))
      fail(render(e));
  }
  auto rate = granted / seconds_since(begin);
  auto name = "graph_" + std::to_string(nodes) + "_" + s.name + "_" + policy;
  tell(name, rate);
  tell(name + "_scan", scan_rate(s, nodes, granted));
  tell(name + "_match_us", in_match / granted * 1e6);
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
  auto begin = steady_ns();
  for (int i = 0; i < depth; ++i) {
    auto r = m.match(request, match_op::allocate_or_reserve, 0);
    if (!r.reserved)
      fail("not reserved");
    if (auto e = held.hold(++job, std::move(r.what), hold_kind::reserved))
      fail(render(e));
  }
  tell("graph_" + std::to_string(nodes) + "_reserve", depth / seconds_since(begin));
}

} // namespace

int main(int argc, char** argv) {
  std::vector<int> sizes;
  for (int i = 1; i < argc; ++i)
    sizes.push_back(std::atoi(argv[i]));
  if (sizes.empty())
    sizes = {1'000, 10'000};
  if (argc == 4 && sizes[2] == 0) {
    for (auto& s : shapes)
      if (s.name == argv[2])
        fill(sizes[0], s, argv[3]);
    return 0;
  }
  for (auto nodes : sizes) {
    auto begin = steady_ns();
    auto g = make_machine(nodes);
    tell("graph_" + std::to_string(nodes) + "_make_s", seconds_since(begin));
    begin = steady_ns();
    ledger held{g, *pruning_filter::parse("ALL:core,ALL:node")};
    tell("graph_" + std::to_string(nodes) + "_ledger_s", seconds_since(begin));
    tell("graph_" + std::to_string(nodes) + "_bytes_per_vertex",
         static_cast<double>(g.bytes() + held.bytes()) / static_cast<double>(g.size()));
    for (auto& s : shapes)
      for (auto policy : {"first", "low", "high", "lonode", "hinode", "locality", "variation"})
        fill(nodes, s, policy);
    reserve_deep(nodes);
  }
}
