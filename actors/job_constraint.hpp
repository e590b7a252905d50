// Which jobs a listing means, as a constraint object (RFC 31) over what jobs are listed with (RFC
// 43): {"and": [{"states": ["running"]}, {"not": [{"name": ["idle"]}]}]}. It counts how often it
// compares, and gives up at a bound. Plain values. Callers: the client protocol, which reads it;
// the job manager's list and the archive's, which ask it about each job.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/job_spec.hpp"
#include "actors/job_state.hpp"
#include "actors/messages.hpp"
#include "runtime/json.hpp"

namespace hactor {

/// What a request may compare unless it says otherwise, and what it may say at most: some seconds
/// of the job manager's or the archive's time.
constexpr uint64_t comparisons_default = 1'000'000;
constexpr uint64_t comparisons_max = 100'000'000;

class job_constraint {
public:
  /// Errors: ec::bad_argument, which names the operator and what it would take.
  static caf::expected<job_constraint> parse(const json& object, uint64_t comparisons);

  /// Whether a job is meant; each operator that is asked about it is a comparison, hostlist and
  /// ranks are one for each of its nodes. False once there are too many of them.
  bool matches(const job_fold& fold, const job_spec& spec, int64_t cc, const rset& resources);

  bool is_spent() const { return spent_; }
  caf::error spent_error() const;                       ///< ec::too_big; says how to ask for less.
  uint64_t comparisons() const { return comparisons_; } ///< that are left

  /// States of which jobs can match, as a mask, and the least end of an ended one in ns: bounds for
  /// who walks through many jobs. Nothing outside matches, not all inside does.
  uint32_t states() const;
  int64_t since_ns() const;

private:
  enum class op : uint8_t {
    any,
    all_of,
    one_of,
    not_all,
    userid,
    name,
    queue,
    states,
    results,
    hostlist,
    ranks,
    time
  };
  struct term {
    op what = op::any;
    std::vector<term> parts;                  // all_of, one_of, not_all
    std::set<std::string, std::less<>> texts; // name, queue, hostlist
    std::set<int64_t> userids;
    uint32_t mask = 0; // states, results
    idset ranks;
    int64_t job_fold::*time = nullptr;
    double bound_s = 0;
    bool greater = false, equal = false; // time: > or <, and the bound itself too
  };
  struct job;

  static caf::error read(const json& object, term& to);
  static caf::error read_operator(const std::string& name, const json& values, term& to);
  static caf::error read_time(const std::string& name, const json& values, term& to);
  bool matches(const term& t, const job& j);
  static uint32_t states(const term& t);
  static int64_t since_ns(const term& t);

  term root_;
  uint64_t comparisons_ = 0;
  uint64_t allowed_ = 0;
  bool spent_ = false;
};

/// The constraint of a request, whose states and time it narrows; nothing when it has none.
/// Errors: as job_constraint::parse; ec::bad_json.
caf::expected<std::optional<job_constraint>> read_constraint(list_request& r);

} // namespace hactor
