// What a listing shows of a job, as JSON (RFC 43). Callers: the connector, 'hactor jobs --from'.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include "actors/messages.hpp"
#include "runtime/json.hpp"

namespace hactor {

/// The attributes of RFC 43 that are set, with `status` and `note`.
json to_json(const job_summary& s);

/// What a shell would show as the job's exit code: its code, 128+signal, 1 when it never ran.
int exit_code_of(const job_summary& s);

} // namespace hactor
