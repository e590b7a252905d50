// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/regular_file.hpp"

#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hactor {

namespace {

struct closing {
  int fd;
  ~closing() { ::close(fd); }
};

} // namespace

caf::expected<std::string> read_regular_file(const std::string& path, size_t bytes_max) {
  // Without O_NONBLOCK opening a pipe waits for who writes to it.
  auto fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0)
    return make_errno_error(ec::system_failed, path, errno);
  closing at_end{fd};
  struct stat is {};
  if (::fstat(fd, &is) != 0)
    return make_errno_error(ec::system_failed, path, errno);
  if (!S_ISREG(is.st_mode))
    return make_error(ec::bad_argument, fmt::format("{}: is {}, must be a file", path,
                                                    S_ISDIR(is.st_mode)    ? "a folder"
                                                    : S_ISFIFO(is.st_mode) ? "a pipe"
                                                                           : "a device or socket"));
  auto too_big = [&](const std::string& bytes) {
    return make_error(
        ec::too_big, fmt::format("{}: has {} bytes, at most {} are taken", path, bytes, bytes_max));
  };
  if (static_cast<uint64_t>(is.st_size) > bytes_max)
    return too_big(std::to_string(is.st_size));
  std::string text;
  text.reserve(static_cast<size_t>(is.st_size));
  std::string chunk(1u << 20, '\0');
  for (;;) {
    auto n = ::read(fd, chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return make_errno_error(ec::system_failed, path, errno);
    if (n == 0)
      return text;
    text.append(chunk, 0, static_cast<size_t>(n));
    if (text.size() > bytes_max) // it grows, or does not tell its size
      return too_big(fmt::format("more than {}", bytes_max));
  }
}

} // namespace hactor
