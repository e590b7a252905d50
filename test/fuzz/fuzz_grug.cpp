// Fuzzer of graph/grug_reader: recipes in GraphML.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "test/fuzz/fuzz.hpp"

using namespace hactor;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  std::string_view text{reinterpret_cast<const char*>(bytes), size};
  fuzz_graph(graph_format::grug, text);
  fuzz_graph(graph_format::grug, text, "containment,power");
  fuzz_graph(graph_format::grug, text, "PA");
  return 0;
}
