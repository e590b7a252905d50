// The life of a job as RFC 21 has it: which event leads from which state to which, and everything
// about a job that follows from its events alone. Live jobs and records read back from disk go
// through the same fold, so the two can never disagree. Picture: doc/states.md.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "runtime/idset.hpp"
#include "store/event.hpp"

namespace hactor {

/// The one table of transitions: the state after `e` in state `from`, which is `from` itself for
/// events that only record something. Nothing when the event is not legal there.
std::optional<job_state> next_state(job_state from, const job_event& e);

/// A wait status as a shell shows it: the exit code, or 128 + the signal.
int shell_code(int wait_status);

/// The one of two wait statuses that counts for a whole job: the greater as a shell shows them.
int worse_status(int a, int b);

/// Set in a submit event's flags when HACTOR_JOB_CC is not to be set (--bcc). Not of RFC 21.
inline constexpr int64_t submit_flag_waitable = 4; // RFC 21
inline constexpr int64_t submit_flag_bcc = 256;

/// What a job's events say about it.
struct job_fold {
  job_state state = job_state::none;
  uint32_t userid = 0;
  int32_t urgency = 16;
  uint32_t priority = 0;
  uint32_t flags = 0;
  bool has_alloc = false;   // alloc seen, free not yet
  idset released;           // ranks of R that came back before the others
  bool has_started = false; // start seen
  bool has_finished = false;
  bool has_fatal = false;   // an exception of severity 0 was seen
  int32_t waitstatus = -1;  // of finish, or of the first fatal exception; -1 when none
  int32_t exception_severity = -1; // of the first fatal one, or of the latest
  std::string exception_type, exception_note;
  bool was_cancelled = false;         // whatever else came first
  uint32_t attempts = 1;              // that have begun, or wait to
  uint32_t node_losses = 0;           // attempts that ended because a node was lost
  std::string annotations;  // of the alloc event and of memos (as "user"), a JSON object, or ""
  std::set<std::string> dependencies; // that are open; none once the job is past DEPEND
  int64_t t_submit = 0, t_depend = 0, t_priority = 0, t_sched = 0;
  int64_t t_run = 0, t_cleanup = 0, t_inactive = 0;

  /// Applies one event. Requires: legal (next_state says so); sets e.after.
  void apply(job_event& e);

  /// What the attempt that is over has left behind is not the next one's.
  void annotate(const std::string& more); // a JSON object
  void begin_attempt(const job_event& retry);

  /// RFC 21's rule, with lost nodes told apart; none while the job is active.
  job_result result() const;

  /// A node was lost under it, or the instance as a whole; not for what its tasks have done.
  bool is_lost() const;

  /// What a shell would show as the exit code of this job: the code, 128+signal, 1 when it never
  /// ran because of an exception.
  int exit_code() const;
};

} // namespace hactor
