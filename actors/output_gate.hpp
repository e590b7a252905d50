// Back-pressure from the spool to the tasks' pipes: bytes that were read from pipes and have not
// been spooled yet are counted; above the bound the pipes are left unread until the spool has
// caught up, so that a task that writes faster than the disk waits in write(2), as it would with a
// file.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>

namespace hactor {

class output_gate {
public:
  /// Bytes on their way from pipes to the spool above which no pipe is read: some 0.1 s of a disk.
  static constexpr int64_t bytes_max = 16 << 20;

  explicit output_gate(int64_t most = bytes_max) : most_{most} {}

  void add(int64_t bytes) {
    if (under_way_.fetch_add(bytes) + bytes > most_)
      shut_ = true;
  }

  /// Once it is, until half of the bound: pipes are left unread that long.
  bool closed() const {
    auto bytes = under_way_.load();
    return bytes > most_ || (bytes > most_ / 2 && shut_);
  }

  /// Called by who spooled or dropped the bytes; opens the gate at half of the bound.
  void done(int64_t bytes) {
    auto before = under_way_.fetch_sub(bytes);
    if (before > most_ / 2 && before - bytes <= most_ / 2) {
      shut_ = false;
      std::lock_guard guard{mutex_};
      if (on_open_)
        on_open_();
    }
  }

  /// What to do when the gate opens; called on the thread of `done`.
  void on_open(std::function<void()> f) {
    std::lock_guard guard{mutex_};
    on_open_ = std::move(f);
  }

private:
  const int64_t most_;
  std::atomic<int64_t> under_way_{0};
  std::atomic<bool> shut_{false}; // the bound was passed, and half of it not since
  std::mutex mutex_;
  std::function<void()> on_open_;
};

} // namespace hactor
