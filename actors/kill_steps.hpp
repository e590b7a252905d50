// How long a job that is to end is waited for between one SIGKILL and the next, and when it is
// enough. A process that hangs in the kernel (a file server that has gone) does not die of any
// number of them, and must not hold the rest of the machine. Called by shells.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <algorithm>
#include <optional>

namespace hactor {

/// Returns how long to wait before the next SIGKILL, in seconds, when `kills` have been sent:
/// `patience_s` at first, then twice that, and so on, up to 64 times; nothing when those were all
/// that are sent.
inline std::optional<double> wait_for_kill(int kills, int kills_max, double patience_s) {
  if (kills >= kills_max)
    return std::nullopt;
  return patience_s * (1 << std::min(kills, 6));
}

} // namespace hactor
