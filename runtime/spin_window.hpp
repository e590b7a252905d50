// How long an idle thread looks for work before it sleeps, learnt from what looking brought. Waking
// a sleeper takes some 50 us; a thread whose answers come sooner than that is better awake, one
// that waits for longer is better asleep. As a hypervisor's polling before it halts a core.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>

namespace hactor {

class spin_window {
public:
  /// Never looks longer than `longest_ns`; 0: always sleeps at once.
  explicit spin_window(int64_t longest_ns) : longest_ns_(longest_ns) {}

  /// Whether to look again, after `idle_ns` without work.
  bool go_on(int64_t idle_ns) {
    if (!open_ || idle_ns >= longest_ns_)
      return false;
    looking_ = true;
    return true;
  }

  /// Work came while we looked: that was worth while.
  void found() {
    if (looking_)
      in_vain_ = 0;
    looking_ = false;
  }

  /// We go to sleep: what was looked was in vain, and too much of that ends it.
  void gave_up() {
    if (looking_ && ++in_vain_ == in_vain_max)
      open_ = false;
    looking_ = false;
  }

  /// Work woke us after `ns`: had it been found by looking, we look from now on.
  void woken_after(int64_t ns) {
    if (ns >= longest_ns_)
      return;
    open_ = true;
    in_vain_ = 0;
  }

private:
  /// Who sends now and then and has its answer at once looks in vain every second time.
  static constexpr int in_vain_max = 8;

  int64_t longest_ns_;
  bool open_ = false;
  bool looking_ = false;
  int in_vain_ = 0;
};

} // namespace hactor
