// Who holds what of a resource graph, and when: for each vertex a planner of its units, one that
// counts the jobs at or below it, and planners of what is free below (pruning.hpp), all exact at
// all times. The matcher asks; whoever takes its answer holds it here. Times are whole seconds.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "graph/planner.hpp"
#include "graph/pruning.hpp"
#include "graph/resource_graph.hpp"
#include "graph/selection.hpp"
#include "runtime/error.hpp"
#include "runtime/idset.hpp"

namespace hactor {

/// Allocated: the job has it, whatever its end, until it is released. Reserved: from a later time.
enum class hold_kind : uint8_t { allocated, reserved };

class ledger {
public:
  /// The graph must outlive the ledger. O(vertices).
  ledger(const resource_graph& graph, pruning_filter filter);

  const resource_graph& graph() const { return graph_; }
  const pruning_filter& filter() const { return filter_; }

  // -- what is free -----------------------------------------------------------------------------

  /// Units of the vertex that are free throughout [at, end).
  int64_t available(vertex v, int64_t at, int64_t end) const {
    return v < spots_.size() ? available_at(v, at, end) : 0;
  }
  /// No job holds anything at or below the vertex at any time in [at, end).
  bool untouched(vertex v, int64_t at, int64_t end) const {
    return v >= spots_.size() || jobs_at(v).unused() || jobs_at(v).used(pool_, at, end) == 0;
  }
  /// No job holds anything at or below the vertex, at any time.
  bool idle(vertex v) const { return v >= spots_.size() || jobs_at(v).unused(); }
  /// Nothing of the vertex itself is held at any time.
  bool whole(vertex v) const { return v >= spots_.size() || spots_[v].own.unused(); }
  /// Some job has the vertex exclusively, even past its end.
  bool allocated(vertex v) const { return v < spots_.size() && spots_[v].allocated != 0; }
  /// Some job has something at or below the vertex, even past its end.
  bool in_use(vertex v) const { return v < spots_.size() && spots_[v].in_use != 0; }

  /// The first time after `t` at which a job at or below the vertex begins or ends.
  std::optional<int64_t> next_change(vertex v, int64_t t) const {
    return jobs_at(v).next_change(pool_, t);
  }

  /// One type that a vertex counts below it.
  struct tracked {
    type_id type;
    uint32_t behind; // of the jobs at or below a vertex: so many types are counted behind it
    planner plan;    // total: the units of that type below
  };
  std::span<const tracked> below(vertex v) const {
    if (v >= spots_.size() || spots_[v].counts == 0)
      return {};
    return std::span{tracked_}.subspan(spots_[v].counts + 1, tracked_[spots_[v].counts].behind);
  }
  const planner_pool& pool() const { return pool_; }
  /// Whether any vertex counts this type.
  bool counts(type_id t) const { return t < counted_.size() && counted_[t]; }

  // -- holding ----------------------------------------------------------------------------------

  struct holding {
    hold_kind kind = hold_kind::allocated;
    selection what;
    std::vector<int64_t> below; ///< By pick: 1, and the amounts of what its vertex counts.
  };

  /// Errors: ec::busy when something in it is not free then, naming the vertex; nothing is held.
  /// Requires: the job holds nothing.
  caf::error hold(uint64_t job, selection what, hold_kind kind);

  /// Requires nothing: false when the job holds nothing.
  bool release(uint64_t job);

  /// Releases what the job holds on these ranks, with all below it. What it holds above stays, but
  /// is shared from then on. When nothing exclusive is left the job holds nothing. False when it
  /// held none of it. O(what the job holds).
  bool release_ranks(uint64_t job, const idset& ranks);

  /// The same for everything at and below these vertices.
  bool release_vertices(uint64_t job, std::span<const vertex> tops);

  /// Moves the end of what the job holds, when nobody else holds it then (else ec::busy).
  /// Errors: ec::unknown_job.
  caf::error extend(uint64_t job, int64_t end);

  /// Null when the job holds nothing.
  const holding* find(uint64_t job) const;
  const std::unordered_map<uint64_t, holding>& holdings() const { return holdings_; }
  size_t reservations() const { return reservations_; }

  // -- a graph that changes ---------------------------------------------------------------------

  /// The graph has grown: vertices that are new are counted. O(vertices that the graph has room
  /// for).
  void grown();

  /// Before graph.remove_subtree(top): jobs release what they hold at and below it, and nothing
  /// above counts it any more. Returns the jobs that held any of it.
  std::vector<uint64_t> shrinking(vertex top);

  /// The status or the properties of a vertex have changed.
  void touched(vertex v) { note(v, false); }

  /// Tells the processor that a walk will come by [first, last) soon.
  void prefetch(vertex first, vertex last) const;
  /// The same of what it counts. Worth it once what prefetch() told of is there.
  void prefetch_counts(vertex v) const;

  // -- for whoever keeps results ----------------------------------------------------------------

  struct change {
    vertex at;
    bool held; ///< More of it is held than before.
  };
  /// What changed, in order: a vertex or something below it; its ancestors change with it and need
  /// not be named. Counted from the first ever: [changes_begin, changes_end) are kept.
  uint64_t changes_begin() const { return changes_first_; }
  uint64_t changes_end() const { return changes_first_ + changes_.size(); }
  change changed(uint64_t i) const { return changes_[i - changes_first_]; }

  /// Compares all planners with what the holdings say. Errors: ec::bad_argument, naming the first
  /// vertex that differs. O(vertices + what is held).
  caf::error audit() const;

  size_t bytes() const;

private:
  struct nothing_held {};
  ledger(const ledger& other, nothing_held);

  using holdings_map = std::unordered_map<uint64_t, holding>;

  /// What a walk asks of each vertex it comes by, small and in one place: of a large machine every
  /// line of memory is one to wait for.
  struct spot {
    planned_use own;     // of the vertex's units
    uint32_t counts = 0; // in tracked_: jobs at or below it, then by type; 0: a leaf, `own` tells
    uint32_t allocated = 0; // jobs that have it exclusively
    uint32_t in_use = 0;    // jobs that have something at or below it
  };

  int64_t available_at(vertex v, int64_t at, int64_t end) const {
    auto& own = spots_[v].own;
    return graph_.units(v) - (own.unused() ? 0 : own.used(pool_, at, end));
  }
  const planned_use& jobs_at(vertex v) const {
    auto& s = spots_[v];
    return s.counts == 0 ? s.own : tracked_[s.counts].plan;
  }
  void note(vertex v, bool held);
  void note_pick(vertex v, bool held);
  void cover(vertex v, const std::vector<type_id>& types);
  std::vector<type_id> types_at(std::string_view type, bool root) const;
  int64_t known_below(vertex v, type_id type) const;
  void count_below(vertex v, type_id type, int64_t units);
  void drop_charges(vertex v);
  std::optional<vertex> conflict(const selection& what, hold_kind kind) const;
  /// The jobs come first; empty for a leaf.
  std::span<tracked> tracked_at(vertex v) {
    auto first = spots_[v].counts;
    if (first == 0)
      return {};
    return std::span{tracked_}.subspan(first, tracked_[first].behind + 1);
  }
  void book(holding& h);
  void unbook(const holding& h);
  bool release_picks(holdings_map::iterator i, std::vector<char>& goes);
  void unbook_part(holding& h, const std::vector<char>& goes, const std::vector<char>& shared);

  const resource_graph& graph_;
  pruning_filter filter_;
  planner_pool pool_;
  std::vector<spot> spots_;                                // by vertex
  std::vector<tracked> tracked_ = std::vector<tracked>(1); // 0 is none
  std::vector<bool> counted_;                              // by type
  std::vector<bool> known_;                                // by vertex: it is counted
  std::vector<type_id> leaf_types_;                        // the root counts them
  std::vector<type_amounts> sums_;                         // scratch of book
  holdings_map holdings_;
  size_t reservations_ = 0;
  std::vector<change> changes_;
  uint64_t changes_first_ = 0;
};

} // namespace hactor
