// Fuzzer of graph/jobspec: canonical jobspecs in JSON and YAML.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/jobspec.hpp"

using namespace hactor;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  std::string_view text{reinterpret_cast<const char*>(bytes), size};
  auto spec = parse_jobspec(text);
  HACTOR_CHECK(spec || !context_of(spec.error()).empty());
  return 0;
}
