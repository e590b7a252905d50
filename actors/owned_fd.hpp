// A file descriptor that has one owner and is closed with it.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <utility>

#include <unistd.h>

namespace hactor {

/// Move-only owner of a descriptor; -1 is "none".
class owned_fd {
public:
  owned_fd() = default;
  explicit owned_fd(int fd) : fd_(fd) {}
  owned_fd(owned_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  owned_fd& operator=(owned_fd&& other) noexcept {
    if (this != &other)
      reset(std::exchange(other.fd_, -1));
    return *this;
  }
  owned_fd(const owned_fd&) = delete;
  owned_fd& operator=(const owned_fd&) = delete;
  ~owned_fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

  /// Gives the descriptor up; the caller closes it.
  int release() { return std::exchange(fd_, -1); }

  /// Closes the descriptor and holds `fd` instead.
  void reset(int fd = -1) {
    if (fd_ >= 0)
      ::close(fd_);
    fd_ = fd;
  }

private:
  int fd_ = -1;
};

} // namespace hactor
