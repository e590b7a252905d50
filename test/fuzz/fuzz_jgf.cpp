// Fuzzer of graph/jgf_reader: graphs, parts that are attached, allocations.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/jgf_reader.hpp"
#include "test/fuzz/fuzz.hpp"

using namespace hactor;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  std::string_view text{reinterpret_cast<const char*>(bytes), size};
  fuzz_graph(graph_format::jgf, text);
  fuzz_graph(graph_format::jgf, text, "power,containment");
  static const std::string base_text =
      R"({"graph":{"nodes":[{"id":"0","metadata":{"type":"cluster","name":"hetchy"}},)"
      R"({"id":"1","metadata":{"type":"chassis","id":0}},)"
      R"({"id":"2","metadata":{"type":"node","name":"hetchy1001","rank":1}},)"
      R"({"id":"3","metadata":{"type":"core","id":0,"rank":1}},)"
      R"({"id":"4","metadata":{"type":"pdu","id":7,"size":9}}],"edges":[)"
      R"({"source":"0","target":"1"},{"source":"1","target":"2"},{"source":"2","target":"3"},)"
      R"({"source":"4","target":"2","metadata":{"subsystem":"power"}}]}})";
  auto graph = read_jgf(base_text);
  for (bool shorthand : {false, true}) {
    auto s = read_jgf_selection(*graph, text, {0, 1, shorthand});
    if (s)
      for (auto v : exclusive_tops(*graph, *s))
        HACTOR_CHECK(graph->exists(v));
  }
  auto before = graph->size();
  auto tops = attach_jgf(*graph, text);
  HACTOR_CHECK(!graph->check());
  HACTOR_CHECK(tops ? graph->size() >= before + tops->size() : graph->size() == before);
  return 0;
}
