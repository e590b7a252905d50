// When the allocation around an instance ends, as far as is known: its batch system says so at the
// start, and may move it at any time (`scontrol update`, `qalter`). Decides when to ask and what an
// answer means. Pure; all times in seconds since the epoch. Caller: mpi-boot/allocation.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>

namespace hactor {

class allocation_end {
public:
  /// Who lives so long after the end has evidently been given more time.
  static constexpr int64_t grace_s = 60;
  /// Between two questions at most; others come before the end.
  static constexpr int64_t look_s = 600;

  /// There is none, and nothing is ever asked.
  allocation_end() = default;
  /// `end_s`: as the environment has it, which may be old, so that it is asked at once.
  /// `grain_s`: how far answers may lie from it that mean the same.
  allocation_end(int64_t end_s, int64_t grain_s, int64_t now_s)
      : end_s_{end_s}, grain_s_{grain_s}, next_s_{now_s} {}

  int64_t end_s() const { return end_s_; }        ///< 0: none, or it is not known any more.
  int64_t next_look_s() const { return next_s_; } ///< 0: never.

  /// It is asked now, and waited for until the next look.
  void await(int64_t now_s) { arm(now_s); }

  /// What was answered (0: there is no end); none: nothing that could be understood, or nobody was
  /// there to ask. Returns the end when it has changed thereby (0: there is none, or nobody knows).
  std::optional<int64_t> on_answer(int64_t now_s, std::optional<int64_t> answer);

private:
  void arm(int64_t now_s);
  bool is_news(int64_t answer) const;

  int64_t end_s_ = 0;
  int64_t grain_s_ = 0;
  int64_t next_s_ = 0;
};

} // namespace hactor
