// Fuzzer of graph/rset_extra: R's key "scheduling", by itself and within an R that is laid out, cut
// down to ranks and held.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/rset_extra.hpp"

#include "graph/request.hpp"
#include "graph/resource_pool.hpp"
#include "graph/rv1_reader.hpp"

using namespace hactor;

namespace {

rset four_nodes() {
  rset r;
  for (rank_t rank = 0; rank < 4; ++rank)
    r.nodes.push_back({rank, idset::range(0, 7), idset::range(0, 1)});
  return r;
}

/// Slots of two labels, of which one is an option.
const resource_request& two_labels() {
  static const auto request = [] {
    auto spec = parse_jobspec(R"({"version":9999,"attributes":{},"resources":[
      {"type":"slot","count":2,"label":"a","with":[{"type":"core","count":1}]},
      {"type":"or_slot","count":1,"label":"b","with":[{"type":"core","count":1}]}],"tasks":[
      {"command":["x"],"slot":"a","count":{"per_slot":1}},
      {"command":["x"],"slot":"b","count":{"total":3}}]})");
    HACTOR_CHECK(spec);
    return *compile_request(*spec);
  }();
  return request;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  std::string_view text{reinterpret_cast<const char*>(bytes), size};
  auto extra = parse_rset_extra(text);
  HACTOR_CHECK(extra || !context_of(extra.error()).empty());
  if (!extra)
    return 0;
  // What was read is written and read the same.
  auto again = parse_rset_extra(to_json(*extra));
  HACTOR_CHECK(again && *again == *extra);
  auto r = four_nodes();
  r.scheduling = to_json(*extra);
  HACTOR_CHECK(parse_rset(to_json(r)));
  auto some = restrict_to(r, idset::range(1, 2));
  auto kept = parse_rset_extra(some.scheduling);
  HACTOR_CHECK(kept);
  for (auto& s : kept->slots)
    HACTOR_CHECK(idset::range(1, 2).contains_all(s.ranks));
  auto where = layout(two_labels(), r);
  HACTOR_CHECK(where ? where->ntasks > 0 && where->ntasks <= tasks_max
                     : !context_of(where.error()).empty());
  static const auto pool = [] {
    auto made = resource_pool::make(*graph_of(four_nodes()), *make_match_policy("low"));
    HACTOR_CHECK(made);
    return std::move(*made);
  }();
  auto e = pool->take(job_id{1}, r);
  HACTOR_CHECK(!e || !context_of(e).empty());
  HACTOR_CHECK(!pool->held().audit());
  pool->release(job_id{1});
  return 0;
}
