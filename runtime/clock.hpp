// The only place that reads a clock. Cores take times as arguments; actors read them here.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>

namespace hactor {

/// Nanoseconds since the Unix epoch (CLOCK_REALTIME): what timestamps in records are.
int64_t wall_ns();

/// Nanoseconds of CLOCK_MONOTONIC: what deadlines and durations are measured with.
int64_t steady_ns();

} // namespace hactor
