// Durations as people write them: Flux Standard Duration (RFC 23) and, for time limits, the
// spellings of Slurm. Inside hactor a duration from text is a double of seconds.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/error.hpp"

namespace hactor {

/// Reads N[ms|s|m|h|d], N a decimal number >= 0, or inf|infinity in any case (HUGE_VAL). Without
/// a unit N is seconds. Errors: ec::bad_duration.
caf::expected<double> parse_fsd(std::string_view text);

/// Writes seconds in the largest fitting unit, e.g. "0.312s", "2m", "1.5h", "infinity", with four
/// digits, which is what fits a column; parse_fsd reads it back.
std::string format_fsd(double seconds);

/// Reads a time limit in seconds. A bare number is minutes; with a unit it is FSD; also MM:SS,
/// H:M:S, D-H, D-H:M, D-H:M:S, inf, infinity and unlimited (HUGE_VAL). 0 is returned as 0: what
/// it means is the caller's. Errors: ec::bad_duration, with examples.
caf::expected<double> parse_time_limit(std::string_view text);

/// `seconds` as clocks count them; a century at most, so that no sum of times overflows: every
/// duration that somebody has set becomes a time here. Requires: seconds >= 0.
inline std::chrono::nanoseconds span_of(double seconds) {
  constexpr double century_s = 100 * 366 * 86400.0;
  return std::chrono::nanoseconds{
      static_cast<int64_t>((seconds < century_s ? seconds : century_s) * 1e9)};
}

/// The same in milliseconds, for what the kernel or a library bounds: a day at most.
/// Requires: seconds >= 0.
inline uint32_t short_span_ms(double seconds) {
  constexpr double day_s = 86'400;
  return static_cast<uint32_t>((seconds < day_s ? seconds : day_s) * 1e3);
}

/// The moment `seconds` after `now_ns`; a century at most, as span_of. Requires: seconds >= 0.
inline int64_t moment_after(int64_t now_ns, double seconds) {
  return now_ns + span_of(seconds).count();
}

} // namespace hactor
