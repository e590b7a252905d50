// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/allocation_end.hpp"

#include <algorithm>
#include <cstdlib>

namespace hactor {

/// Soon before the end, so that jobs get the time that was added, and at the last moment of it.
void allocation_end::arm(int64_t now_s) {
  next_s_ = now_s + look_s;
  if (end_s_ != 0)
    for (auto at : {end_s_ - 60, end_s_ - 10, end_s_ - 2, end_s_ + grace_s})
      if (at > now_s)
        next_s_ = std::min(next_s_, at);
}

bool allocation_end::is_news(int64_t answer) const {
  if (answer == 0 || end_s_ == 0)
    return answer != end_s_;
  return std::abs(answer - end_s_) > grain_s_;
}

std::optional<int64_t> allocation_end::on_answer(int64_t now_s, std::optional<int64_t> answer) {
  auto moved = answer && is_news(*answer) && (*answer == 0 || *answer > now_s);
  auto outlived = end_s_ != 0 && now_s >= end_s_ + grace_s;
  if (moved)
    end_s_ = *answer;
  else if (outlived)
    end_s_ = 0;
  arm(now_s);
  return moved || outlived ? std::optional{end_s_} : std::nullopt;
}

} // namespace hactor
