// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/loopback.hpp"

#include <cerrno>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace hactor {

caf::expected<loopback_door> listen_on_loopback() {
  loopback_door door;
  door.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  auto* address = reinterpret_cast<sockaddr*>(&at);
  if (door.fd < 0 || ::bind(door.fd, address, size) != 0 || ::listen(door.fd, SOMAXCONN) != 0
      || ::getsockname(door.fd, address, &size) != 0) {
    auto problem = errno;
    if (door.fd >= 0)
      ::close(door.fd);
    return make_errno_error(ec::system_failed, "a listening socket on 127.0.0.1", problem);
  }
  door.port = ntohs(at.sin_port);
  return door;
}

} // namespace hactor
