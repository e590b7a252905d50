// Finds resources for a request in a graph: depth first over containment, and up in the other
// subsystems (RFC 4; the method of Fluxion's traverser, whose choices it makes). It changes
// nothing: what it returns is held in the ledger by whoever takes it.
//
// What was found below a vertex is kept, by request, and looked for again only where the ledger has
// changed since. So a second job of the same shape costs the way from the root to what changed.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>

#include "graph/ledger.hpp"
#include "graph/match_policy.hpp"
#include "graph/match_request.hpp"
#include "graph/resource_graph.hpp"
#include "graph/selection.hpp"

namespace hactor {

/// What is asked.
enum class match_op : uint8_t {
  allocate,                ///< Now, or not.
  allocate_if_satisfiable, ///< Now; if not, is it possible at all?
  allocate_or_reserve,     ///< Now, or as early as possible.
  reserve,                 ///< After now, as early as possible.
  satisfiable,             ///< Could it ever be, whatever is in use or down?
};

enum class match_verdict : uint8_t {
  matched,       ///< `what` can be held.
  busy,          ///< Not now (allocate), or not at any time that is known (reserve).
  unsatisfiable, ///< Never.
  invalid,       ///< The request contradicts itself: something shared below a slot.
};

struct match_result {
  match_verdict verdict = match_verdict::busy;
  bool reserved = false; ///< matched: it begins after `now`.
  selection what;        ///< Empty for match_op::satisfiable.
};

struct matcher_options {
  /// Among equals choose as Fluxion does (by an unstable sort of all candidates) rather than the
  /// first in the graph. Slower: all candidates are looked at.
  bool ties_as_fluxion = false;
  /// Below the first vertex that was named no level may be left out, and a slot is made of what is
  /// directly below one vertex. Else levels may be left out anywhere, and a slot is packed from all
  /// that is in one node.
  bool levels_as_fluxion = false;
  int64_t horizon_begin = 0; ///< The time that the graph covers, in seconds.
  int64_t horizon_end = int64_t{100} * 365 * 86'400; ///< Spans are cut here.
  /// A request is unsatisfiable when it cannot be met at the end of the horizon, as Fluxion has it,
  /// rather than when it cannot be met by an idle graph.
  bool satisfiable_at_horizon = false;
  /// In a graph of so many vertices, which does not fit into a cache any more, what the next match
  /// will come by is fetched meanwhile.
  size_t fetch_ahead_min = 200'000;
};

class matcher {
public:
  /// Both must outlive it.
  matcher(const resource_graph& graph, const ledger& held,
          std::shared_ptr<const match_policy> policy, matcher_options options = {});
  ~matcher();
  matcher(const matcher&) = delete;
  matcher& operator=(const matcher&) = delete;

  /// `now` in seconds. The same request object should be used for all jobs of one shape.
  match_result match(const std::shared_ptr<const match_request>& request, match_op op, int64_t now);

  /// Vertices visited by the last match, on the way down and completely.
  uint64_t preorder_count() const;
  uint64_t postorder_count() const;

  size_t bytes() const; ///< Of what it keeps.

private:
  class state;
  std::unique_ptr<state> state_;
};

} // namespace hactor
