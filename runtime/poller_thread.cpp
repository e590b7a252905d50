// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/poller_thread.hpp"

#include <cerrno>
#include <csignal>
#include <system_error>

namespace hactor {

caf::expected<std::shared_ptr<poller_thread>> poller_thread::start() {
  auto sockets = poller::make();
  if (!sockets)
    return std::move(sockets.error());
  auto l = std::make_shared<loop>();
  l->sockets = std::move(*sockets);
  std::shared_ptr<poller_thread> made{new poller_thread{l}};
  // Signals are for the threads of the program that we are a part of.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int code = 0;
  try {
    made->thread_ = std::thread{[l] { l->run(); }};
  } catch (const std::system_error& e) {
    code = e.code().value();
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (code != 0)
    return make_errno_error(ec::system_failed, "a thread for sockets", code);
  return made;
}

poller_thread::~poller_thread() {
  if (!thread_.joinable())
    return;
  loop_->stopping = true;
  if (loop_->sockets->is_own_thread()) {
    thread_.detach(); // it ends after this turn
    return;
  }
  loop_->sockets->wake();
  thread_.join();
}

void poller_thread::loop::run() {
  while (!stopping || sockets->has_posted()) {
    sockets->own_bell()->about_to_sleep();
    auto sleeps = !sockets->has_posted() && !stopping;
    sockets->poll(sleeps ? -1 : 0);
    sockets->own_bell()->awake();
    sockets->run_posted();
  }
}

} // namespace hactor
