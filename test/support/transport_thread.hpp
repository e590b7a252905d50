// What the transport thread does with a poller, on the test's own thread: sleeps as the
// multiplexer does, so that a lost wake-up shows as a test that runs into its deadline.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <sys/socket.h>
#include <sys/time.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "runtime/poller.hpp"

namespace hactor::test {

inline std::unique_ptr<poller> make_poller() {
  auto p = poller::make();
  HACTOR_CHECK(static_cast<bool>(p));
  return std::move(*p);
}

/// One turn: what was posted, then sleep until something comes.
inline void turn(poller& p, int64_t timeout_ns) {
  p.own_bell()->about_to_sleep();
  bool sleeps = !p.has_posted();
  p.poll(sleeps ? timeout_ns : 0);
  p.own_bell()->awake();
  p.run_posted();
}

/// Turns until `done`; false when that takes longer than 20 s.
inline bool run_until(poller& p, const std::function<bool()>& done) {
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline)
      return false;
    turn(p, 5'000'000'000);
  }
  return true;
}

/// Turns as long as there is something to do at once.
inline void run_idle(poller& p) {
  for (int quiet = 0; quiet < 2;) {
    bool some = p.poll(0);
    some = p.run_posted() || some;
    quiet = some ? 0 : quiet + 1;
  }
}

/// A connected pair of stream sockets; blocking calls on them end after 20 s.
struct socket_pair {
  socket_pair() {
    HACTOR_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == 0);
    timeval limit{20, 0};
    for (int one : fd) {
      setsockopt(one, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
      setsockopt(one, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    }
  }
  int fd[2] = {-1, -1};
};

} // namespace hactor::test
