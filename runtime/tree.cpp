// See tree.hpp. Products are taken in 64 bits: a rank times the fanout may pass 2^32.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/tree.hpp"

#include <algorithm>

namespace hactor {

std::optional<rank_t> tree_parent(rank_t rank, uint32_t fanout) {
  HACTOR_CHECK(fanout > 0);
  if (rank == 0)
    return std::nullopt;
  return (rank - 1) / fanout;
}

std::vector<rank_t> tree_children(rank_t rank, uint32_t size, uint32_t fanout) {
  HACTOR_CHECK(fanout > 0 && size > 0);
  std::vector<rank_t> children;
  auto first = uint64_t{rank} * fanout + 1;
  auto end = std::min<uint64_t>(first + fanout, size);
  for (auto child = first; child < end; ++child)
    children.push_back(static_cast<rank_t>(child));
  return children;
}

rank_t tree_next_hop(rank_t from, rank_t to, uint32_t size, uint32_t fanout) {
  HACTOR_CHECK(from < size && to < size);
  if (from == to)
    return from;
  // A rank below `from` has a larger number, so the climb from `to` can stop when it is passed.
  auto at = to;
  while (at > from) {
    auto parent = *tree_parent(at, fanout);
    if (parent == from)
      return at;
    at = parent;
  }
  return *tree_parent(from, fanout);
}

uint32_t tree_depth(rank_t rank, uint32_t fanout) {
  uint32_t depth = 0;
  for (auto parent = tree_parent(rank, fanout); parent; parent = tree_parent(*parent, fanout))
    ++depth;
  return depth;
}

idset tree_subtree(rank_t rank, uint32_t size, uint32_t fanout) {
  HACTOR_CHECK(fanout > 0);
  idset ranks;
  uint64_t first = rank;
  uint64_t last = rank;
  while (first < size) {
    ranks.add_range(static_cast<rank_t>(first),
                    static_cast<rank_t>(std::min<uint64_t>(last, size - 1)));
    // first < size < 2^32, and so is last here or else the loop ends next: no overflow in 64 bits.
    first = first * fanout + 1;
    last = std::min<uint64_t>(last, size - 1) * fanout + fanout;
  }
  return ranks;
}

} // namespace hactor
