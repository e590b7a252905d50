// The allocation of a batch system around an outermost instance, which ends with it, and which may
// get another end while we live.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "actors/owned_fd.hpp"
#include "actors/task_host.hpp"
#include "runtime/allocation_end.hpp"
#include "runtime/allocation_question.hpp"

namespace hactor {

/// Knows until when the allocation lasts, and asks its batch system whether that has changed. Used
/// on main of the lead only.
class allocation_watch {
public:
  /// Reads the environment. Returns the end where that says it (Slurm), in seconds since the epoch;
  /// 0: it does not.
  int64_t begin(int64_t now_s);

  /// Where there is an allocation whose end the environment does not say: asks for it and waits for
  /// the answer, 3 s at most. Returns the end; none: there is none, or it is not known, and nothing
  /// more is asked. Blocks.
  std::optional<double> settle(task_host& tasks, int64_t now_s);

  /// Readable when an answer has come; -1: nothing is asked.
  int fd() const { return wake_ ? wake_->get() : -1; }

  /// Until the next look; -1: there is none.
  int wait_ms(int64_t now_ns) const;

  /// Asks when it is time, and takes an answer that has come. Returns the end when it has changed,
  /// which is logged; 0: none.
  std::optional<double> turn(task_host& tasks, int64_t now_ns);

private:
  struct outcome;
  class answer;
  void watch(int64_t end_s, int64_t now_s);
  void ask(task_host& tasks);
  std::optional<outcome> take_outcome(task_host& tasks, bool give_up);
  std::optional<int64_t> understand(const outcome& o, int64_t now_s);
  std::optional<double> tell(int64_t now_s, std::optional<int64_t> answer);

  std::optional<allocation_question> question_; // none: there is no allocation that ends
  allocation_end end_;
  std::shared_ptr<const owned_fd> wake_;
  std::shared_ptr<answer> asked_; // null: nothing is
  uint64_t token_ = 0;            // of the command
  bool complained_ = false;
};

} // namespace hactor
