// See allocation_text.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/allocation_text.hpp"

#include <fmt/format.h>

#include "graph/claim_id.hpp"
#include "graph/jgf_reader.hpp"
#include "graph/rv1_reader.hpp"

namespace hactor {

caf::expected<selection> read_allocation(const resource_graph& graph, const std::string& format,
                                         const std::string& text, int64_t at, int64_t duration) {
  if (format != "rv1exec") {
    selection_options options;
    options.shorthand = format == "jgf_shorthand";
    options.at = at;
    options.duration = duration;
    return read_jgf_selection(graph, text, options);
  }
  auto r = parse_rset(text);
  if (!r)
    return std::move(r.error());
  return select_rset(graph, *r, at, duration);
}

caf::expected<bool> release_part(ledger& held, uint64_t job, const std::string& format,
                                 const std::string& text) {
  auto& graph = held.graph();
  if (format != "rv1exec") {
    auto part = read_jgf_selection(graph, text, {});
    if (!part)
      return std::move(part.error());
    return held.release_vertices(job, exclusive_tops(graph, *part));
  }
  auto r = parse_rset(text);
  if (!r)
    return std::move(r.error());
  idset has;
  for (auto& p : held.find(job)->what.picks)
    if (auto rank = graph.rank(p.at); rank >= 0)
      has.add(static_cast<uint32_t>(rank));
  for (auto rank : r->ranks().expand())
    if (!has.contains(rank))
      return make_error(ec::bad_argument,
                        fmt::format("{} {} has nothing on rank {}",
                                    is_claim({job}) ? "claim" : "job",
                                    is_claim({job}) ? claim_number({job}) : job, rank));
  return held.release_ranks(job, r->ranks());
}

} // namespace hactor
