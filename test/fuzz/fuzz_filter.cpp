// Fuzzer of graph/pruning: the text of pruning filters.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/pruning.hpp"

using namespace hactor;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  auto filter = pruning_filter::parse(std::string_view{reinterpret_cast<const char*>(bytes), size});
  HACTOR_CHECK(filter || !context_of(filter.error()).empty());
  return 0;
}
