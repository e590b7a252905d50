// See unix_listener.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/unix_listener.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace hactor {

namespace {

caf::expected<sockaddr_un> address_at(const std::string& path) {
  sockaddr_un result{};
  result.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof result.sun_path)
    return make_error(ec::bad_argument,
                      path + ": the path of a socket has 1 to "
                        + std::to_string(sizeof result.sun_path - 1) + " bytes, this has "
                        + std::to_string(path.size()));
  std::memcpy(result.sun_path, path.data(), path.size());
  return result;
}

/// Removes the socket of a process that is gone. Errors: ec::busy when it is not gone, or no
/// socket.
caf::expected<void> clear_stale(const std::string& path) {
  struct stat found {};
  if (lstat(path.c_str(), &found) != 0)
    return caf::unit;
  if (!S_ISSOCK(found.st_mode))
    return make_error(ec::busy, path + ": exists and is no socket");
  if (auto fd = connect_unix(path); fd) {
    ::close(*fd);
    return make_error(ec::busy, path + ": another process listens there");
  }
  unlink(path.c_str());
  return caf::unit;
}

} // namespace

caf::expected<peer_credentials> credentials_of(int fd) {
  ucred who{};
  socklen_t size = sizeof who;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
    return make_errno_error(ec::system_failed, "SO_PEERCRED", errno);
  return peer_credentials{who.pid, who.uid, who.gid};
}

caf::expected<int> connect_unix(const std::string& path) {
  auto address = address_at(path);
  if (!address)
    return address.error();
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return make_errno_error(ec::system_failed, "socket", errno);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0) {
    auto error = make_errno_error(ec::disconnected, path, errno);
    ::close(fd);
    return error;
  }
  return fd;
}

caf::expected<std::shared_ptr<unix_listener>>
unix_listener::make(poller& p, const std::string& path, accepted what) {
  auto address = address_at(path);
  if (!address)
    return address.error();
  if (auto cleared = clear_stale(path); !cleared)
    return cleared.error();
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return make_errno_error(ec::system_failed, "socket", errno);
  // Nobody can connect before listen(), so that the mode is right from the start.
  if (bind(fd, reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0) {
    auto error = make_errno_error(ec::system_failed, path, errno);
    ::close(fd);
    return error;
  }
  std::shared_ptr<unix_listener> result{new unix_listener(p, fd, path, std::move(what))};
  if (chmod(path.c_str(), 0600) != 0 || listen(fd, SOMAXCONN) != 0)
    return make_errno_error(ec::system_failed, path, errno);
  if (auto watched = p.watch(fd, EPOLLIN, result); !watched)
    return watched.error();
  return result;
}

unix_listener::unix_listener(poller& p, int fd, std::string path, accepted what)
  : poller_(p), fd_(fd), path_(std::move(path)), accepted_(std::move(what)) {}

unix_listener::~unix_listener() {
  if (fd_ >= 0) {
    ::close(fd_);
    unlink(path_.c_str());
  }
}

void unix_listener::close() {
  if (fd_ < 0)
    return;
  int fd = fd_;
  fd_ = -1;
  accepted_ = nullptr;
  unlink(path_.c_str());
  poller_.unwatch(fd); // may be the end of `this`
  ::close(fd);
}

void unix_listener::on_ready(uint32_t) {
  loop_.run(fd_, [this](int fd) {
    auto who = credentials_of(fd);
    if (!who) {
      ::close(fd);
      return;
    }
    auto call = accepted_; // which may close us
    call(fd, *who);
  });
}

} // namespace hactor
