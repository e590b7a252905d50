// A thread of its own for a poller: for programs that speak to brokers and have no transport
// thread. Caller: workflow/instance.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include "runtime/poller.hpp"

namespace hactor {

class poller_thread {
public:
  /// Errors: ec::system_failed.
  static caf::expected<std::shared_ptr<poller_thread>> start();

  poller_thread(const poller_thread&) = delete;
  poller_thread& operator=(const poller_thread&) = delete;

  /// Runs what was posted, and ends the thread. Requires: nothing is posted afterwards.
  ~poller_thread();

  poller& sockets() { return *loop_->sockets; }

private:
  struct loop {
    std::unique_ptr<poller> sockets;
    std::atomic<bool> stopping{false};

    void run();
  };

  explicit poller_thread(std::shared_ptr<loop> l) : loop_{std::move(l)} {}

  std::shared_ptr<loop> loop_; // shared with the thread, which may be the one that lets go of us
  std::thread thread_;
};

} // namespace hactor
