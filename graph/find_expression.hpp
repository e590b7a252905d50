// The language of `find`: which vertices of a graph, by what is said of them and of who holds them.
//
//   status=up|down  sched-now=allocated|free  sched-future=reserved|free  property=NAME
//   names=HOSTLIST  jobid-alloc=ID  jobid-reserved=ID  jobid-tag=ID  jobid-span=ID  agfilter=t|f
//
// ID is that of a job, or the number of a claim (claim_id.hpp). Conditions are
// joined by `and`, `or`, `not`, parentheses; blanks alone mean `and`. `and` and `or` bind alike,
// from left to right, as Fluxion has it; `not` binds to what follows it. What is said of a vertex
// above (down, allocated, reserved) holds below it as well.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "graph/ledger.hpp"
#include "graph/match_writer.hpp"
#include "runtime/error.hpp"

namespace hactor {

/// What `find` finds.
struct found_vertices {
  selection what; ///< With all above them: shaped like a match; all exclusive, all units.
  aggregate_notes aggregates; ///< agfilter=true: by vertex that counts what is below it.
  uint64_t matches = 0;       ///< Vertices for which the expression itself is true ...
  std::vector<vertex> hits;   ///< ... which they are, children before parents.
};

class find_expression {
public:
  /// Errors: ec::bad_argument, naming the word and what would be right.
  static caf::expected<find_expression> parse(std::string_view text);

  /// The vertices for which it is true, and those above them. With agfilter=true only vertices that
  /// count something, with their amounts at `now`, or of the job that the expression names.
  /// O(vertices + what is held).
  found_vertices find(const ledger& held, int64_t now) const;

private:
  enum class op : uint8_t {
    all, ///< `terms` from left to right, each with its `joined_by_or`.
    status_down,
    allocated,
    reserved,
    allocated_to,
    reserved_to,
    tagged,
    spanned,
    constant,
    name,
    property,
  };

  struct term {
    op what = op::all;
    bool negated = false;
    bool joined_by_or = false; ///< To what stands before it.
    bool value = true;         ///< constant; for the first three: what is asked for.
    uint64_t job = 0;
    std::string text;                      ///< property
    std::unordered_set<std::string> names; ///< name
    std::vector<term> terms;
  };

  class parser;
  class search;

  term root_;
  bool aggregates_ = false;
  uint64_t job_ = 0; ///< The last one named; 0: none.
};

} // namespace hactor
