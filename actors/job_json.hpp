// What a listing shows of a job, as JSON (RFC 43). Callers: the connector, 'hactor jobs --from'.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <array>
#include <string_view>

#include "actors/messages.hpp"
#include "runtime/json.hpp"

namespace hactor {

/// The attributes of RFC 43 that are set, with `status` and `note`.
json to_json(const job_summary& s);

/// All that a listing can say of a job.
constexpr std::array<std::string_view, 44> job_attributes{
  "id", "userid", "urgency", "priority", "state", "name", "queue", "cwd", "bank", "project",
  "ntasks", "ncores", "nnodes", "ranks", "nodelist", "duration", "expiration", "t_submit",
  "t_depend", "t_priority", "t_sched", "t_run", "t_cleanup", "t_inactive", "success", "result",
  "waitstatus", "status", "note", "exception_occurred", "exception_type", "exception_severity",
  "exception_note", "annotations", "dependencies", "reason", "attempts", "array", "index",
  "maxrss_kb", "user_s", "system_s", "read_kb", "written_kb"};

/// What a shell would show as the job's exit code: its code, 128+signal, 1 when it never ran.
int exit_code_of(const job_summary& s);

} // namespace hactor
