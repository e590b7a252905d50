// The k-ary tree over ranks 0..size-1, numbered level by level from rank 0: who relays to whom.
// Pure arithmetic. Over a job's ranks the same functions take positions in its list of ranks.
//
//   k = 2:        0
//               1   2
//              3 4 5 6
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/ids.hpp"
#include "runtime/idset.hpp"

namespace hactor {

/// Returns the parent, none for rank 0. Requires here and below: fanout > 0.
std::optional<rank_t> tree_parent(rank_t rank, uint32_t fanout);

/// Returns the children that exist, ascending. Requires: size > 0.
std::vector<rank_t> tree_children(rank_t rank, uint32_t size, uint32_t fanout);

/// Returns the neighbour of `from` on the path to `to`; `from` when they are the same. Requires:
/// both below size. O(depth).
rank_t tree_next_hop(rank_t from, rank_t to, uint32_t size, uint32_t fanout);

/// Returns the number of hops to rank 0. O(depth).
uint32_t tree_depth(rank_t rank, uint32_t fanout);

/// Returns `rank` and all ranks below it: whom a relay through `rank` reaches. Empty when rank is
/// not below size. O(depth), one run a level.
idset tree_subtree(rank_t rank, uint32_t size, uint32_t fanout);

} // namespace hactor
