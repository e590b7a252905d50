// The nodes of an instance and what of them is free: gives a request the first nodes that fit, by
// rank. A tree over the nodes, whose inner vertices know the most that any node below has free,
// finds the next fitting node in O(log nodes): full nodes are never looked at. Who holds what is
// the caller's to know; the pool stops the process when something free is given back.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "graph/request.hpp"
#include "graph/rset.hpp"
#include "runtime/error.hpp"

namespace hactor {

/// Sums over the pool. Usable: up and not drained.
struct pool_counts {
  uint32_t nodes = 0;
  uint32_t nodes_down = 0;
  uint32_t nodes_drained = 0; ///< May be down too.
  uint64_t cores = 0;
  uint64_t cores_free = 0; ///< On usable nodes.
  uint64_t gpus = 0;
  uint64_t gpus_free = 0; ///< On usable nodes.

  friend bool operator==(const pool_counts&, const pool_counts&) = default;
};

class node_pool {
public:
  /// Replaces the inventory: everything is free; ranks that stay keep their up and drained marks,
  /// new ones are up. O(nodes).
  void reset(const rset& inventory);

  /// Adds nodes, and cores and GPUs to nodes that exist; what is allocated stays so. O(nodes).
  void grow(const rset& more);

  /// False when the rank is unknown. A node that is down or drained gets nothing new; what jobs
  /// hold on it stays theirs until it is released.
  bool set_up(rank_t rank, bool up);
  bool set_drained(rank_t rank, bool drained);

  /// Gives the request the first nodes that fit, by rank; nothing when it does not fit now.
  /// The R has hosts, properties (without those of the instance, "+name") and nslots, no times.
  /// O(nodes given x log nodes); with a constraint O(nodes that match it).
  std::optional<rset> allocate(const resource_request& request);

  /// Claims given resources (recovery): those that the inventory has; `taken` tells which.
  /// Errors: ec::busy, naming the rank, and nothing is claimed.
  caf::error take(const std::vector<node_share>& wanted, std::vector<node_share>& taken);

  /// Gives back. What the inventory has no more is dropped. Requires: it was allocated or taken.
  void release(const std::vector<node_share>& nodes);

  /// Tells whether the request could be met by the whole inventory, idle and up; or, with
  /// `usable_only`, by its usable nodes, idle. Errors: ec::unsatisfiable, naming what was asked and
  /// what there is at most. O(nodes).
  caf::error feasible(const resource_request& request, bool usable_only = false) const;

  const pool_counts& counts() const { return counts_; }

  /// All resources, without regard to what is free.
  const rset& inventory() const { return inventory_; }

  /// What is free on usable nodes. O(nodes).
  rset available() const;

private:
  struct node {
    rank_t rank = 0;
    bool up = true;
    bool drained = false;
    idset cores; ///< All; the free ones are below.
    idset gpus;
    idset free_cores;
    idset free_gpus;
    uint32_t ncores = 0;
    uint32_t ngpus = 0;
    uint32_t free_ncores = 0;
    uint32_t free_ngpus = 0;

    bool usable() const { return up && !drained; }
    bool idle() const { return free_ncores == ncores && free_ngpus == ngpus; }
  };

  /// The most that a node has (in the tree: that any below has), or what a request needs of one.
  struct room {
    uint64_t cores = 0;
    uint64_t gpus = 0;
    uint64_t idle_cores = 0; ///< Cores, if all of the node is free.

    bool holds(const room& need) const {
      return cores >= need.cores && gpus >= need.gpus && idle_cores >= need.idle_cores;
    }
    friend bool operator==(const room&, const room&) = default;
  };

  struct pick {
    uint32_t index;
    uint32_t slots;
  };

  static constexpr uint32_t none = UINT32_MAX;

  uint32_t index_of(rank_t rank) const; ///< `none` when unknown.
  void rebuild();
  room room_of(const node& n) const;
  void update(uint32_t index);
  void count(const node& n, int sign);
  uint32_t next_fit(uint32_t from, const room& need) const;
  uint32_t descend(uint32_t vertex, uint32_t from, uint32_t low, uint32_t high,
                   const room& need) const;
  const std::vector<uint32_t>& matching(const constraint& where) const;
  bool choose(const resource_request& request);
  rset commit(const resource_request& request);
  void add_properties(rset& r) const;
  caf::error feasible_nodes(const resource_request& request,
                            const std::vector<uint32_t>& eligible) const;
  caf::error feasible_slots(const resource_request& request,
                            const std::vector<uint32_t>& eligible) const;

  rset inventory_;
  property_map job_properties_; ///< Those that an allocation shows.
  std::vector<node> nodes_;     ///< By rank; same order as inventory_.nodes.
  std::vector<room> tree_;      ///< Heap order: the leaves are the last `leaves_` entries.
  uint32_t leaves_ = 0;
  pool_counts counts_;
  std::vector<pick> picks_; ///< Scratch of allocate.
  /// Nodes that match a constraint, by its text; emptied when the inventory changes.
  mutable std::map<std::string, std::vector<uint32_t>, std::less<>> matching_;
};

} // namespace hactor
