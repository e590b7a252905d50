// What a job waits for before it may be scheduled (RFC 26): the dependencies of a jobspec, read and
// judged. Which jobs wait for which is kept in job_manager_core. Pure values; callers: job_spec,
// job_manager_core, job_listing.
// A dependency is one condition or several of which one suffices: entries of
// attributes.system.dependencies with the same value of the key "any" are alternatives.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/messages.hpp"
#include "runtime/error.hpp"
#include "runtime/idset.hpp"
#include "runtime/json.hpp"

namespace hactor {

enum class dependency_kind : uint8_t {
  after_start,  ///< The job has started.
  after_any,    ///< It has ended.
  after_ok,     ///< It has ended well.
  after_not_ok, ///< It has run and not ended well.
  after_except, ///< It has run and a fatal exception has ended it.
  after_corr,   ///< Of an array: the job of the same index has ended well.
  begin_time,   ///< A time has come.
  singleton,    ///< No other job of this user and name is past DEPEND and active.
  same_node,    ///< The job has a grant, of which this one is to be.
  other_node,   ///< It has a grant, of which this one is not to be, or never had one.
  in_flight,    ///< Fewer than so many of a group are past DEPEND and active.
};

/// One condition.
struct condition {
  dependency_kind kind = dependency_kind::after_any;
  job_id target;        // of the after_ kinds; of after_corr the first of the array
  int64_t begin_ns = 0; // of begin_time
  uint32_t most = 0;    // of in_flight
  std::string group;    // of in_flight
  bool named = false;   // the target is a name, or copies of a job: which jobs is not known yet
  std::string text;     // of its events, e.g. "after-success=f3xK2"
  std::shared_ptr<const idset> array{}; // of after_corr: the indices; null: not known yet

  /// What the events say after the '='.
  std::string_view value() const { return std::string_view{text}.substr(text.find('=') + 1); }
};

/// The job that a job of the index `cc` waits for; zero: there is none.
job_id target_of(const condition& c, int64_t cc);

/// Which jobs a condition means, as it is written: "f3xK2", "NAME", "name=NAME"; with "[3-7]" those
/// of its copies, with "[*]" all of them.
struct job_reference {
  job_id id;             // zero: it is none, or not meant as one
  std::string name;      // "": only an id
  bool of_copies = false;
  idset copies;          // of_copies: empty: all
};

/// Errors: ec::bad_jobspec (no idset between the brackets, or nothing before them).
caf::expected<job_reference> read_reference(std::string_view text);

/// Conditions of which one must hold.
struct dependency {
  std::vector<condition> any_of;
  std::string text; // of its events: those of the conditions, joined by '?'
};

/// All must hold. No two have the same text.
using dependency_list = std::vector<dependency>;
using dependency_list_ptr = std::shared_ptr<const dependency_list>; // null: none

/// The condition of a kind that stands for itself (in_flight); null when there is none.
const condition* find_condition(const dependency_list_ptr& list, dependency_kind kind);

/// Reads attributes.system.dependencies, which is a list of objects with scheme and value, or null.
/// `named`: the job has a name of its own. Errors: ec::bad_jobspec (starts with the key's path).
caf::expected<dependency_list_ptr> read_dependencies(const json& list, bool named);

enum class verdict : uint8_t { open, holds, never };

/// Does an after_ condition hold, given what its target has done so far? All but after_any need a
/// target that ran.
verdict judge(dependency_kind kind, const job_end& target);

/// The ends of jobs that are not in memory any more.
using known_ends = std::unordered_map<job_id, job_end>;

/// "job f3xK2 to end well", "2026-11-25T21:00:00Z to come".
std::string sentence_of(const condition& c);

/// "waits for A, and for B, or for C", for the first of those dependencies whose text is in `open`.
std::string sentence_of(const dependency_list& list, const std::set<std::string>& open);

/// Why the condition can never hold: "afterok:f3xK2 can never hold: the job has failed".
std::string why_never(const condition& c, const job_end& target);

} // namespace hactor
