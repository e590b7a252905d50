// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "mpi-boot/pmi_farewell.hpp"

#include <cstdlib>
#include <string_view>

#include <poll.h>
#include <sys/socket.h>

namespace hactor {

void say_pmi_finalize() {
  auto* text = std::getenv("PMI_FD");
  if (text == nullptr)
    return;
  auto fd = std::atoi(text);
  constexpr std::string_view finalize = "cmd=finalize\n";
  // When the broker has ended MPI in order, the launcher has closed its end and this fails.
  if (::send(fd, finalize.data(), finalize.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
    return;
  pollfd answer{fd, POLLIN, 0};
  ::poll(&answer, 1, 200);
}

} // namespace hactor
