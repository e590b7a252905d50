// See accept_loop.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/accept_loop.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace hactor {

namespace {

/// Accepted per turn of the transport thread.
constexpr int accept_batch = 64;

} // namespace

accept_loop::accept_loop() : reserve_fd_(open("/dev/null", O_RDONLY | O_CLOEXEC)) {}

accept_loop::~accept_loop() {
  if (reserve_fd_ >= 0)
    ::close(reserve_fd_);
}

void accept_loop::run(const int& listening, const std::function<void(int fd)>& take) {
  for (int i = 0; i < accept_batch && listening >= 0; ++i) {
    int fd = accept4(listening, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
      refuse_one(listening);
      return;
    }
    if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
      continue;
    if (fd < 0)
      return;
    take(fd);
  }
}

// Without this the waiting client would keep the transport thread busy without end.
void accept_loop::refuse_one(int listening) {
  ::close(reserve_fd_);
  int fd = accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd >= 0)
    ::close(fd);
  reserve_fd_ = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

} // namespace hactor
