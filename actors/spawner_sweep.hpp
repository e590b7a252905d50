// Ending what is left of an instance: SIGTERM to all, a grace, then SIGKILL until none is left.
// A small state machine that the supervisor steps; it reads /proc, and takes the time from outside.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include <sys/types.h>

#include "actors/descendants.hpp"

namespace hactor {

class spawner_sweep {
public:
  explicit spawner_sweep(pid_t self) : self_(self) {}

  /// Starts (or, when running, hastens: the earlier deadline counts) a sweep of all descendants
  /// but `skip` and what comes from it. With grace_ms 0 SIGKILL comes at once.
  void begin(int64_t now_ms, int64_t grace_ms, int64_t kill_wait_ms,
             std::vector<process_mark> skip);

  /// Does what is due. Call after each child's end (`child_ended`) and at next_ms().
  void step(int64_t now_ms, bool child_ended);

  bool running() const { return phase_ != phase::idle; }

  /// When step() wants to be called next. Requires: running().
  int64_t next_ms() const { return next_ms_; }

  /// After a sweep: how many processes would not die.
  uint64_t left() const { return left_; }

private:
  enum class phase : uint8_t { idle, terminate, kill };
  bool nothing_left();

  pid_t self_;
  phase phase_ = phase::idle;
  std::vector<process_mark> skip_;
  std::vector<pid_t> found_;
  int64_t kill_at_ms_ = 0;
  int64_t give_up_ms_ = 0;
  int64_t kill_wait_ms_ = 0;
  int64_t next_ms_ = 0;
  int64_t interval_ms_ = 0;
  uint64_t left_ = 0;
};

} // namespace hactor
