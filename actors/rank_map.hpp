// Where the nodes of an instance are. The outermost instance's ranks are those of the brokers; a
// nested one counts its own from 0, and whoever talks to the brokers in its name translates here.
// Nodes beyond the brokers are pretended (resource.fake): they are hosted at rank modulo brokers.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "graph/rset.hpp"
#include "runtime/ids.hpp"

namespace hactor {

class rank_map {
public:
  /// Every node is itself. `brokers`: of the whole system, at least 1.
  explicit rank_map(uint32_t brokers = 1) : brokers_{brokers} {}

  /// Node i of the instance is nodes[i] of the system.
  rank_map(uint32_t brokers, std::vector<rank_t> nodes)
    : brokers_{brokers}, nodes_{std::move(nodes)} {}

  /// The system's rank of a node. Requires: the instance has it, or had it: what jobs wrote there
  /// is there still.
  rank_t node(rank_t rank) const { return nodes_.empty() ? rank : nodes_.at(rank) & ~given_back; }
  /// The broker that runs what is placed on the node.
  rank_t broker(rank_t rank) const { return node(rank) % brokers_; }

  /// R as the brokers know it.
  rset to_system(rset r) const;

  /// The instance's first rank on a broker. Requires: the broker hosts one.
  rank_t rank_on(rank_t broker) const;

  /// A mark in nodes() of one that the instance has given back: its rank is not used again.
  static constexpr rank_t given_back = rank_t{1} << 31;

  /// Nodes that an instance with these has.
  static size_t count(const std::vector<rank_t>& nodes) {
    size_t n = 0;
    for (auto node : nodes)
      n += (node & given_back) == 0;
    return n;
  }

  /// Does the instance have a node of this rank? True for all of an outermost one.
  bool has(rank_t rank) const {
    return nodes_.empty() || (rank < nodes_.size() && (nodes_[rank] & given_back) == 0);
  }

  uint32_t brokers() const { return brokers_; } ///< Of the whole system.
  const std::vector<rank_t>& nodes() const { return nodes_; } ///< Empty: every node is itself.

private:
  uint32_t brokers_;
  std::vector<rank_t> nodes_;
};

/// What a nested instance has when it was granted `grant`: ranks from 0, in this order of the
/// grant's ranks; the times when the grant ends. Requires: `order` names each of them once.
rset as_instance(const rset& grant, const std::vector<rank_t>& order);

} // namespace hactor
