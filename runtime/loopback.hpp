// A door for processes of this host: a listening TCP socket on the loopback address.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>

#include "runtime/error.hpp"

namespace hactor {

struct loopback_door {
  int fd = -1; // listens, does not block; the caller closes it
  uint16_t port = 0;
};

/// Listens on 127.0.0.1 at a port that the kernel chooses. Errors: ec::system_failed.
caf::expected<loopback_door> listen_on_loopback();

} // namespace hactor
