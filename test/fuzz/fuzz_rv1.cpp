// Fuzzer of graph/rv1_reader: R as a graph, and as a selection in one.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/rv1_reader.hpp"

#include "graph/r_encoder.hpp"
#include "test/fuzz/fuzz.hpp"

using namespace hactor;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  std::string_view text{reinterpret_cast<const char*>(bytes), size};
  fuzz_graph(graph_format::rv1exec, text);
  fuzz_graph(graph_format::rv1exec_force, text);
  static const auto four = [] {
    rset r;
    for (rank_t rank = 0; rank < 4; ++rank)
      r.nodes.push_back({rank, idset::range(0, 7), idset::range(0, 1)});
    return *graph_of(r);
  }();
  auto r = parse_rset(text);
  auto encoded = encode_graph(text);
  HACTOR_CHECK(encoded || !context_of(encoded.error()).empty());
  if (!r)
    return 0;
  auto s = select_rset(four, *r, 0, 1);
  if (!s)
    return 0;
  // What was found is what was asked for.
  uint64_t leaves = 0;
  for (auto& p : s->picks)
    leaves += four.below(p.at).empty() && p.exclusive;
  HACTOR_CHECK(leaves == r->core_count() + r->gpu_count());
  return 0;
}
