// A job's events (RFC 18 and 21) as they travel and rest: one flat struct, a JSON line for people
// and tools, a compact binary form for the journal. What an event means is decided elsewhere
// (actors/job_state.hpp); here is only how it is written.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/error.hpp"
#include "runtime/ids.hpp"

namespace hactor {

/// Values are on disk: append only. The comment says what a, b and text hold; the JSON context has
/// the names of RFC 21.
enum class event_kind : uint8_t {
  submit = 1,        ///< a urgency, b userid, c flags.
  validate,          ///< nothing
  invalidate,        ///< nothing
  dependency_add,    ///< text description
  dependency_remove, ///< text description
  depend,            ///< nothing
  priority,          ///< a priority
  urgency,           ///< a urgency, b userid
  jobspec_update,    ///< text: the JSON object of dotted keys
  restart,           ///< "hactor-restart": the job manager came back
  alloc,             ///< text: annotations as JSON object, or ""
  resource_update,   ///< a expiration, nanoseconds since the epoch; or text: its ranks now
  prolog_start,      ///< text description
  prolog_finish,     ///< text description, a status
  start,             ///< nothing
  finish,            ///< a wait status
  epilog_start,      ///< text description
  epilog_finish,     ///< text description, a status
  release,           ///< text ranks ("all" or idset), a 1 when final
  free,              ///< nothing
  clean,             ///< nothing
  exception, ///< text "type\nnote", a severity, b userid (-1 absent), c wait status (-1 absent)
  set_flags, ///< text: names, comma separated
  memo,      ///< text: JSON object
  debug,     ///< text: "name\ncontext JSON"; the event's name is debug.<name>
  retry,     ///< a the attempt that begins (2 ..), b 1: a node was lost, text why
  kind_count,
};

/// Job states of RFC 21 with their bit values.
enum class job_state : uint8_t {
  none = 0,
  new_job = 1,
  depend = 2,
  priority = 4,
  sched = 8,
  run = 16,
  cleanup = 32,
  inactive = 64,
};

/// Results of RFC 21 with their bit values; none while the job is active. Of our own: a job that
/// was lost with a node, which RFC 21 calls failed.
enum class job_result : uint8_t {
  none = 0,
  completed = 1,
  failed = 2,
  canceled = 4,
  timeout = 8,
  node_failed = 16,
};
inline constexpr uint32_t all_job_results = 31;

/// One thing that happened to one job.
struct job_event {
  job_id id;
  int64_t t_ns = 0; // nanoseconds since the epoch, never decreasing within a job
  event_kind kind = event_kind::submit;
  job_state after = job_state::none; // the job's state once this event was applied
  int64_t a = 0, b = 0, c = 0;       // see event_kind
  std::string text;                  // see event_kind

  friend bool operator==(const job_event&, const job_event&) = default;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, job_event& x) {
    return f(x.id, x.t_ns, x.kind, x.after, x.a, x.b, x.c, x.text);
  }
};

/// The event's name as RFC 21 has it, e.g. "dependency-add", "hactor-restart".
std::string_view name_of(event_kind kind);

/// The kind with this name; nothing when there is none.
std::optional<event_kind> kind_of(std::string_view name);

/// Full and one-letter names of states and results: "SCHED" "S"; "COMPLETED" "CD".
std::string_view name_of(job_state s);
std::string_view letter_of(job_state s);
std::string_view name_of(job_result r);
std::string_view abbreviation_of(job_result r);

/// Appends the event's context as a JSON object, e.g. {"urgency":16,...}; appends nothing and
/// returns false for events that have no context.
bool append_context(std::string& out, const job_event& e);

/// Appends one RFC 18 line: {"timestamp":S.NNNNNN,"name":"...","context":{...}}\n
void append_eventlog_line(std::string& out, const job_event& e);

/// Appends the binary form: varints, times as differences to `*previous_ns` (updated); the id is
/// written only when `with_id`.
void encode_event(std::string& out, const job_event& e, int64_t* previous_ns, bool with_id);

/// Reads one event that encode_event wrote and removes it from `in`. When `with_id` is false, the
/// caller's e.id is left as it is. Errors: ec::store_corrupt.
caf::error decode_event(std::string_view& in, job_event& e, int64_t* previous_ns, bool with_id);

} // namespace hactor
