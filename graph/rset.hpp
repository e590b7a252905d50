// A set of resources by node: what an instance owns, what a job was granted (R, RFC 20). Cores and
// GPUs are logical ids of their node. Sorted by rank, without empty nodes, so that two rsets with
// the same resources are equal.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "graph/constraint.hpp"
#include "runtime/error.hpp"
#include "runtime/ids.hpp"
#include "runtime/idset.hpp"

namespace hactor {

/// Part of one node.
struct node_share {
  rank_t rank = 0;
  idset cores;
  idset gpus;

  friend bool operator==(const node_share&, const node_share&) = default;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, node_share& x) {
    return f(x.rank, x.cores, x.gpus);
  }
};

/// An R. Plain fields; the functions below keep `nodes` sorted and `nodelist` beside it.
struct rset {
  std::vector<node_share> nodes;     ///< By rank, each rank once.
  std::vector<std::string> nodelist; ///< Host of each entry of `nodes`; or empty.
  double starttime = 0;              ///< Seconds since the epoch; 0: unset.
  double expiration = 0;             ///< Seconds since the epoch; 0: unset (unlimited).
  uint32_t nslots = 0;               ///< 0: unset (an inventory).
  property_map properties;           ///< Name -> ranks.
  std::string scheduling;            ///< Opaque JSON text of another scheduler; "" when absent.

  bool empty() const { return nodes.empty(); }
  uint64_t core_count() const;
  uint64_t gpu_count() const;
  idset ranks() const;

  /// The share of `rank`, or null. O(log nodes).
  const node_share* find(rank_t rank) const;
  /// The host of entry `index` of `nodes`; "" when there is no nodelist.
  std::string_view host(size_t index) const;

  friend bool operator==(const rset&, const rset&) = default;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, rset& x) {
    return f(x.nodes, x.nodelist, x.starttime, x.expiration, x.nslots, x.properties, x.scheduling);
  }
};

/// True when nodes, cores and GPUs are the same, whatever the times, hosts and properties.
bool same_resources(const rset& a, const rset& b);

/// True when no core or GPU is in both.
bool disjoint(const rset& a, const rset& b);

/// True when `a` has all cores, GPUs of `b`.
bool contains_all(const rset& a, const rset& b);

/// The operations keep the times, nslots and the opaque part of `a`, of which restrict_to narrows
/// the scheduling text, too; hosts and properties follow the ranks that are left. O(nodes of both).
rset unite(const rset& a, const rset& b);
rset subtract(const rset& a, const rset& b);
rset intersect(const rset& a, const rset& b);
rset restrict_to(const rset& a, const idset& ranks);

/// Writes R version 1: ranks with equal children share an entry of R_lite.
std::string to_json(const rset& r);

/// Appends the same to `out`.
void append_json(std::string& out, const rset& r);

/// Reads R version 1, also the form of 2020 with "node" in each entry. Unknown keys are left alone.
/// Errors: ec::bad_json, ec::too_big, ec::bad_rset (starts with the key's path).
caf::expected<rset> parse_rset(std::string_view text);

/// Bytes of an R in text; 16384 ranks, all different, take about 2 MiB.
inline constexpr size_t rset_bytes_max = size_t{16} << 20;

} // namespace hactor
