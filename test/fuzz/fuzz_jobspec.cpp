// Fuzzer of graph/jobspec and graph/request: canonical jobspecs in JSON and YAML, what they ask for
// at least, and as a match has it; also as resource-query takes them.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/jobspec.hpp"

#include "graph/match_request.hpp"
#include "graph/query_jobspec.hpp"
#include "graph/request.hpp"
#include "graph/rset.hpp"
#include "graph/rv1_reader.hpp"

using namespace hactor;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  std::string_view text{reinterpret_cast<const char*>(bytes), size};
  auto spec = parse_jobspec(text);
  HACTOR_CHECK(spec || !context_of(spec.error()).empty());
  auto any = read_query_jobspec(std::string{text});
  HACTOR_CHECK(any || !context_of(any.error()).empty());
  if (!spec)
    return 0;
  auto again = parse_jobspec(canonical_json(*spec));
  HACTOR_CHECK(again && canonical_json(*again) == canonical_json(*spec));
  auto request = compile_request(*spec);
  HACTOR_CHECK(request ? !describe(*request).empty() : !context_of(request.error()).empty());
  HACTOR_CHECK(!request || request->label_of_slot.size() == slot_labels(spec->resources).size());
  static const auto graph =
      *graph_of(rset{{{0, idset::range(0, 7), idset::range(0, 1)}}, {}, 0, 0, 0, {}, {}});
  for (auto& compiled : {compile_match(*spec, graph, true),
                         compile_flexible(*spec, graph, true, slot_options::or_slots),
                         compile_flexible(*spec, graph, false)})
    HACTOR_CHECK(compiled || !context_of(compiled.error()).empty());
  return 0;
}
