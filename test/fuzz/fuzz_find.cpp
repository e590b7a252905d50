// Fuzzer of graph/find_expression: the language of find, over a small graph in which jobs have
// something.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/find_expression.hpp"
#include "graph/selection_builder.hpp"

using namespace hactor;

namespace {

/// A cluster of 2 nodes of 2 cores; job 1 has a core, job 2 has one reserved.
struct machine {
  machine() : graph{make()}, held{graph, *pruning_filter::parse("ALL:core")} {
    for (uint64_t job : {1, 2}) {
      selection_builder b{graph};
      b.add_exclusive(graph.find_path("/cluster0/node0/core" + std::to_string(job - 1)), 1);
      auto kind = job == 1 ? hold_kind::allocated : hold_kind::reserved;
      HACTOR_CHECK(!held.hold(job, b.finish(job == 1 ? 0 : 100, 10), kind));
    }
  }

  static resource_graph make() {
    resource_graph g;
    vertex_facts f;
    f.type = "cluster";
    f.id = 0;
    auto root = *g.add_vertex(f);
    for (int32_t n = 0; n < 2; ++n) {
      f.type = "node";
      f.id = f.rank = n;
      auto node = *g.add_vertex(f);
      HACTOR_CHECK(!g.add_edge(root, node, containment, "contains"));
      g.set_property(node, "fast", "");
      for (int64_t c = 0; c < 2; ++c) {
        f.type = "core";
        f.id = c;
        HACTOR_CHECK(!g.add_edge(node, *g.add_vertex(f), containment, "contains"));
      }
    }
    return g;
  }

  resource_graph graph;
  ledger held;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  static const machine m;
  auto expression =
      find_expression::parse(std::string_view{reinterpret_cast<const char*>(bytes), size});
  HACTOR_CHECK(expression || !context_of(expression.error()).empty());
  if (expression) {
    auto found = expression->find(m.held, 0);
    HACTOR_CHECK(found.matches <= m.graph.size() && found.what.picks.size() <= m.graph.size());
  }
  return 0;
}
