// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/owner_lock.hpp"

#include <cerrno>
#include <cstdlib>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/clock.hpp"

namespace hactor {

namespace {

/// How long an owner that may have been killed is waited for, milliseconds.
constexpr int ending_owner_ms = 1000;

std::string read_line(int fd) {
  char buffer[512];
  const auto size = pread(fd, buffer, sizeof buffer, 0);
  std::string text{buffer, static_cast<size_t>(size > 0 ? size : 0)};
  return text.substr(0, text.find('\n'));
}

std::string host_name() {
  char buffer[256] = {};
  return gethostname(buffer, sizeof buffer - 1) == 0 ? buffer : "unknown-host";
}

// 0, or the errno that says why not.
int try_lock(int fd) {
  return flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
}

// A killed owner keeps its lock until the kernel has taken all of it down, which whoever restarts
// it at once may see. Whether the owner that `line` names, on this host, is gone now.
bool has_gone(const std::string& line) {
  char* end = nullptr;
  const auto pid = std::strtol(line.c_str(), &end, 10);
  const auto host = ' ' + host_name() + ' ';
  if (pid <= 0 || pid == getpid() || line.compare(end - line.c_str(), host.size(), host) != 0)
    return false;
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0)
    return errno == ESRCH;
  pollfd owner{fd, POLLIN, 0};
  const bool gone = ::poll(&owner, 1, ending_owner_ms) == 1;
  ::close(fd);
  return gone;
}

// "pid host time who" as a sentence's end.
std::string describe(const std::string& line) {
  const auto pid_end = line.find(' ');
  const auto host_end = line.find(' ', pid_end + 1);
  const auto time_end = line.find(' ', host_end + 1);
  if (pid_end == std::string::npos || host_end == std::string::npos)
    return "a process that has not written its name yet";
  auto text = "process " + line.substr(0, pid_end) + " on "
              + line.substr(pid_end + 1, host_end - pid_end - 1);
  if (time_end != std::string::npos && time_end + 1 < line.size())
    text += " (" + line.substr(time_end + 1) + ")";
  return text;
}

} // namespace

owner_lock& owner_lock::operator=(owner_lock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

owner_lock::~owner_lock() {
  if (fd_ < 0)
    return;
  // An orderly end leaves no name behind; the file stays, for removing a locked file lets two in.
  [[maybe_unused]] const int rc = ftruncate(fd_, 0);
  ::close(fd_);
}

caf::expected<owner_lock> owner_lock::take(const std::string& directory, const std::string& who,
                                           std::vector<std::string>* notes) {
  const auto path = directory + "/owner";
  owner_lock result;
  result.fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (result.fd_ < 0)
    return make_errno_error(ec::store_failed, path, errno);
  const int fd = result.fd_;
  int why = try_lock(fd);
  if (why == EWOULDBLOCK && has_gone(read_line(fd)))
    why = try_lock(fd);
  if (why == ENOLCK || why == EOPNOTSUPP || why == ENOSYS) {
    notes->push_back(path + ": this file system has no locks; nothing keeps a second instance out");
  } else if (why != 0) {
    const auto owner = describe(read_line(fd));
    ::close(std::exchange(result.fd_, -1)); // not ours: its content must stay
    if (why == EWOULDBLOCK)
      return make_error(ec::busy, directory + ": in use by " + owner);
    return make_errno_error(ec::store_failed, path, why);
  }
  if (const auto before = read_line(fd); !before.empty())
    notes->push_back(directory + ": was not closed by " + describe(before));
  const auto line = std::to_string(getpid()) + ' ' + host_name() + ' '
                    + std::to_string(wall_ns() / 1'000'000'000) + ' ' + who + '\n';
  // For people only: a full disk must not keep an instance from opening its store.
  if (ftruncate(fd, 0) != 0 || pwrite(fd, line.data(), line.size(), 0) < 0)
    notes->push_back(path + ": could not be written");
  return result;
}

} // namespace hactor
