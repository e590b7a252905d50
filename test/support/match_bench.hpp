// A graph with a ledger and a matcher, asked by jobspecs in short: what tests of matching share.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "graph/jobspec.hpp"
#include "graph/matcher.hpp"
#include "small_cluster.hpp"

namespace hactor::test {

/// A whole jobspec from its resources in YAML flow style: "[{type: node, count: 1, ...}]".
inline std::string spec_text(const std::string& resources, const std::string& system = "",
                             const std::string& slot = "s") {
  return "version: 1\nresources: " + resources + "\ntasks: [{command: [x], slot: " + slot
         + ", count: {per_slot: 1}}]\nattributes: {system: {duration: 100"
         + (system.empty() ? "" : ", " + system) + "}}\n";
}

inline std::shared_ptr<const match_request> compile(const resource_graph& g,
                                                    const std::string& text, bool charge = true) {
  auto spec = parse_jobspec(text);
  REQUIRE_MESSAGE(spec, render(spec.error()));
  auto r = compile_match(*spec, g, charge);
  REQUIRE_MESSAGE(r, render(r.error()));
  return std::make_shared<const match_request>(std::move(*r));
}

class match_bench {
public:
  explicit match_bench(resource_graph graph, const std::string& policy = "first",
                       const std::string& filter = "ALL:core", matcher_options options = {})
      : g{std::move(graph)}, held{g, *pruning_filter::parse(filter)}, m{g, held,
                                                                        *make_match_policy(policy),
                                                                        options} {}

  /// Matches and holds what it got. Returns the paths of exclusive leaves, blank between.
  std::string take(const std::shared_ptr<const match_request>& r, match_op op = match_op::allocate,
                   int64_t now = 0) {
    last = m.match(r, op, now);
    switch (last.verdict) {
    case match_verdict::busy:
      return "busy";
    case match_verdict::unsatisfiable:
      return "never";
    case match_verdict::invalid:
      return "invalid";
    default:
      break;
    }
    if (op == match_op::satisfiable)
      return "possible";
    auto e =
        held.hold(++jobs, last.what, last.reserved ? hold_kind::reserved : hold_kind::allocated);
    REQUIRE_MESSAGE(!e, render(e) << "; at " << last.what.at << " for " << last.what.duration
                                  << ", now " << now);
    return leaves(last.what);
  }

  std::string leaves(const selection& s) const {
    std::string text;
    for (auto& p : s.picks)
      if (p.exclusive && g.below(p.at).empty())
        text += (text.empty() ? "" : " ") + g.path(p.at).substr(std::string("/cluster0/").size());
    return text;
  }

  size_t count(const selection& s, std::string_view type) const {
    size_t n = 0;
    for (auto& p : s.picks)
      n += g.type_name(p.at) == type;
    return n;
  }

  resource_graph g;
  ledger held;
  matcher m;
  match_result last;
  uint64_t jobs = 0;
};

} // namespace hactor::test
