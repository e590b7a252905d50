// What is kept of one job, as texts under the keys that RFC 16 and 41 give them. Plain values.
// Callers: the client protocol.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "actors/messages.hpp"

namespace hactor {

/// "jobspec" and "R" as they are now, or `original`: as they were before any update; "J": the
/// jobspec as it was submitted, signed by nobody (RFC 15, mechanism "none"); "eventlog";
/// "guest.exec.eventlog" (task_eventlogs.hpp); "record": what a listing shows, JSON. Errors:
/// ec::unknown_key, also for R of a job that was granted none.
caf::expected<std::string> job_document(const job_reply& job, std::string_view key, bool original);

/// Whether an event may make another text of the document.
bool changes_document(std::string_view key, event_kind kind);

} // namespace hactor
