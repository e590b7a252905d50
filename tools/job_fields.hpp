// What the listing shows of a job: from its attributes (RFC 43) to the texts of columns.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <span>
#include <string>

#include "runtime/json.hpp"
#include "tools/columns.hpp"

namespace hactor::tools {

/// States and results as bits (RFC 21).
inline constexpr unsigned states_pending = 14;
inline constexpr unsigned states_running = 48;
inline constexpr unsigned states_active = 62;
inline constexpr unsigned state_inactive = 64;
inline constexpr unsigned states_all = 127;

struct state_filter {
  unsigned states = 0;
  unsigned results = 0;
};

/// Reads names of states (also pending, running, active) and results, comma separated, in any case,
/// by name or by the letters of the ST column. Errors: ec::bad_argument, with near names.
caf::expected<state_filter> parse_state_filter(std::string_view text);

/// The fields that a job listing knows, with their titles.
std::span<const field_name> job_field_names();

/// The text of a field, "" if the job has none. `now` is seconds since the epoch. Requires: `field`
/// is known.
std::string job_field(const json& job, const std::string& field, double now);

/// "DEPEND", "RUN", .. of a bit; "" for what is none.
std::string_view state_name(unsigned state);

} // namespace hactor::tools
