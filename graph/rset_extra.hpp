// What the cores and GPUs of an R cannot say of a grant: how many slots each rank has when that
// cannot be counted, which of its cores and GPUs are near each other, resources of other kinds
// (storage, licences, power), and, where an instance is set so (sched.match_format=rv1), all that
// was granted as a graph. It is R's key
// "scheduling" with the writer "hactor", so that it travels with the grant into records, to the
// ranks that run the job, and back after a restart.
// Callers: resource_pool.cpp (writes, reads after a restart), request.cpp (slots), the tasks' shell
// (what is near).
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "graph/nearness.hpp"
#include "runtime/error.hpp"
#include "runtime/ids.hpp"
#include "runtime/idset.hpp"

namespace hactor {

struct rset_extra {
  struct rank_slots {
    idset ranks;
    std::string label;  ///< "": the only one that tasks run in.
    uint32_t count = 0; ///< Of each rank.

    friend bool operator==(const rank_slots&, const rank_slots&) = default;
  };
  /// A resource that is neither a core nor a GPU of a rank, by its path in containment.
  struct other {
    std::string path;
    int32_t rank = -1; ///< Paths of two ranks of one host may be the same; -1: of no rank.
    int64_t units = 0;

    friend bool operator==(const other&, const other&) = default;
  };
  /// An amount drawn in another subsystem, or of a pool that jobs share, by the path there.
  struct charged {
    std::string subsystem;
    std::string path;
    int64_t units = 0;
    int32_t rank = -1; ///< As in other.

    friend bool operator==(const charged&, const charged&) = default;
  };

  /// What of a rank's cores and GPUs lies below one vertex of its node.
  struct rank_group {
    idset ranks;
    near_group group;

    friend bool operator==(const rank_group&, const rank_group&) = default;
  };

  std::vector<rank_slots> slots; ///< Those that tasks run in.
  std::vector<other> others;
  std::vector<charged> charges;
  std::string graph; ///< All that was granted as a graph, the text of a JGF; "": not told.
  std::vector<rank_group> near{}; ///< Where it makes a difference for who deals them to tasks.

  /// What is said of one rank.
  std::vector<near_group> near_on(rank_t rank) const;

  bool empty() const {
    return slots.empty() && others.empty() && charges.empty() && graph.empty() && near.empty();
  }
  friend bool operator==(const rset_extra&, const rset_extra&) = default;
};

/// JSON text; "" when there is nothing to say.
std::string to_json(const rset_extra& extra);

/// Reads it. Text of another writer, and "", say nothing. Errors: ec::bad_rset, with the key.
caf::expected<rset_extra> parse_rset_extra(std::string_view text);

/// The text of a JGF (its nodes and edges) without what is of other ranks; "" when it is none.
std::string keep_graph_ranks(const std::string& graph, const idset& ranks);

} // namespace hactor
