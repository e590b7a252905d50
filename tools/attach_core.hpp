// What the signals that reach `hactor run` and `hactor job attach` mean: one Ctrl-C warns, a second
// within 2 s cancels the job, Ctrl-Z within 2 s of a Ctrl-C detaches, other signals are the job's.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hactor::tools {

enum class attach_action : uint8_t {
  none,
  warn,    ///< Say what a second Ctrl-C and Ctrl-Z would do.
  cancel,  ///< Cancel the job and stay for its end.
  detach,  ///< Leave; the job goes on.
  suspend, ///< Stop this process, as the terminal asks.
  forward, ///< Send the same signal to the job's tasks.
};

class attach_core {
public:
  /// Says what signal `number`, which came at `now_ns` (steady), means.
  attach_action on_signal(int number, int64_t now_ns);

private:
  static constexpr int64_t window_ns = 2'000'000'000;
  int64_t interrupted_ns_ = 0;
  bool interrupted_ = false;
};

/// What a person types on a terminal that is the job's: Ctrl-] and d detaches, Ctrl-] twice is one
/// for the job, and with anything else both are its.
class detach_keys {
public:
  struct typed {
    std::string keys; ///< For the job.
    bool detach = false;
  };

  /// Keys may come one by one, or many at once; none follow a detach.
  typed read(std::string_view keys);

private:
  static constexpr char escape = 0x1d; // Ctrl-]
  bool escaped_ = false;
};

} // namespace hactor::tools
