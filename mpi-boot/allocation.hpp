// The Slurm allocation around an outermost instance, which may get another end while we live.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "actors/owned_fd.hpp"
#include "actors/task_host.hpp"
#include "runtime/allocation_end.hpp"

namespace hactor {

/// Knows until when the allocation lasts, and asks squeue whether that has changed. Used on main of
/// the lead only.
class allocation_watch {
public:
  /// Reads SLURM_JOB_END_TIME. Returns the end, in seconds since the epoch; 0: none is known, and
  /// nothing is asked.
  int64_t begin(int64_t now_s);

  /// Readable when squeue has answered; -1: there is no allocation to ask for.
  int fd() const { return wake_ ? wake_->get() : -1; }

  /// Until the next look; -1: there is none.
  int wait_ms(int64_t now_ns) const;

  /// Asks when it is time, and takes an answer that has come. Returns the end when it has changed,
  /// which is logged; 0: none.
  std::optional<double> turn(task_host& tasks, int64_t now_ns);

private:
  struct outcome;
  class answer;
  void ask(task_host& tasks);
  std::optional<double> take(int64_t now_s, const outcome& o);

  allocation_end end_;
  std::string job_; // SLURM_JOB_ID
  std::shared_ptr<const owned_fd> wake_;
  std::shared_ptr<answer> asked_; // null: nothing is
  uint64_t token_ = 0;            // of squeue
  bool complained_ = false;
};

} // namespace hactor
