// How long a job that is to end is waited for between one SIGKILL and the next, and when it is
// enough. A process that hangs in the kernel (a file server that has gone) does not die of any
// number of them, and must not hold the rest of the machine. Called by shells.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <algorithm>
#include <optional>

namespace hactor {

/// Returns how long to wait before the next SIGKILL, in seconds, when `kills` have been sent; the
/// first comes `patience_s` after SIGTERM. Up to the fifth, which is the first of the last
/// `kills_max`, they are `patience_s` apart, then twice that, and so on, up to 300 s. Nothing when
/// those were all that are sent. Requires: kills >= 1.
inline std::optional<double> wait_for_kill(int kills, int kills_max, double patience_s) {
  constexpr int equal_max = 5;
  constexpr double wait_max_s = 300;
  if (kills >= equal_max - 1 + kills_max)
    return std::nullopt;
  auto doublings = std::clamp(kills - equal_max, 0, 30);
  return std::min(patience_s * (1 << doublings), std::max(wait_max_s, patience_s));
}

} // namespace hactor
