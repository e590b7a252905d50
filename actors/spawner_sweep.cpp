// See spawner_sweep.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/spawner_sweep.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include <sys/wait.h>

namespace hactor {

namespace {

/// Between two looks at /proc: soon after a change, rarely while nothing changes. A look costs
/// about 10 us for each process of the node.
constexpr int64_t look_ms_min = 5;
constexpr int64_t look_ms_max = 100;

} // namespace

void spawner_sweep::begin(int64_t now_ms, int64_t grace_ms, int64_t kill_wait_ms,
                          std::vector<process_mark> skip) {
  auto was = phase_;
  skip_ = std::move(skip);
  kill_wait_ms_ = kill_wait_ms;
  auto kill_at_ms = now_ms + std::max<int64_t>(grace_ms, 0);
  kill_at_ms_ = was == phase::terminate ? std::min(kill_at_ms_, kill_at_ms) : kill_at_ms;
  left_ = 0;
  interval_ms_ = look_ms_min;
  next_ms_ = now_ms;
  if (was == phase::kill)
    return;
  phase_ = phase::terminate;
  if (grace_ms <= 0 || nothing_left())
    return;
  for (auto pid : found_) {
    ::kill(pid, SIGTERM);
    ::kill(pid, SIGCONT); // a stopped process takes SIGTERM only when it goes on
  }
}

bool spawner_sweep::nothing_left() {
  found_.clear();
  // As a subreaper, we have no descendants once we have no children. Cheap, and usual at the end.
  siginfo_t info{};
  if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD)
    return true;
  found_ = descendants_of(self_, skip_);
  return found_.empty();
}

void spawner_sweep::step(int64_t now_ms, bool child_ended) {
  if (phase_ == phase::idle)
    return;
  if (child_ended) {
    interval_ms_ = look_ms_min;
    next_ms_ = std::min(next_ms_, now_ms + look_ms_min);
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD)
      next_ms_ = now_ms;
  }
  if (now_ms < next_ms_)
    return;
  if (nothing_left()) {
    phase_ = phase::idle;
    left_ = 0;
    return;
  }
  if (phase_ == phase::terminate && now_ms >= kill_at_ms_) {
    phase_ = phase::kill;
    give_up_ms_ = now_ms + kill_wait_ms_;
  }
  if (phase_ == phase::kill) {
    // Again at each look: a process may have forked between the look and its death.
    for (auto pid : found_)
      ::kill(pid, SIGKILL);
    if (now_ms >= give_up_ms_) {
      phase_ = phase::idle;
      left_ = found_.size();
      return;
    }
  }
  next_ms_ = now_ms + interval_ms_;
  if (phase_ == phase::terminate)
    next_ms_ = std::min(next_ms_, kill_at_ms_);
  interval_ms_ = std::min(interval_ms_ * 2, look_ms_max);
}

} // namespace hactor
