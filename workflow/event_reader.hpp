// Lines of the event stream as events: 11 of them a job, so no JSON tree is built. Caller:
// instance.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "runtime/error.hpp"
#include "workflow/workflow.hpp"

namespace hactor::workflow {

/// Reads a line of the stream into a new event. "gap" is no event of a job: its context says how
/// many events are no longer kept. Errors: ec::bad_json.
caf::error read_event_line(std::string_view line, job_event& to);

/// How many events a line of the name "gap" tells of; 0 when it is another.
uint64_t lost_events(const job_event& e);

/// RUN for "RUN"; none for what is no state.
job_state state_named(std::string_view name);

/// What of the stream a subscription lets through. The broker filters by the names of events; it
/// lets some through by which a job stays in its state, and those are left out here.
class event_choice {
public:
  event_choice(uint32_t states, const std::vector<std::string>& names);

  /// The names to ask for; empty: all.
  std::vector<std::string> asked() const;
  bool wants(const job_event& e) const;

private:
  uint32_t states_;
  std::vector<std::string> names_;
};

} // namespace hactor::workflow
