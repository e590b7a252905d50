// See standard_streams.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/standard_streams.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace hactor {

void open_standard_streams() {
  // In order: open takes the lowest number that is free. What is open for reading only refuses
  // to be written to.
  int modes[] = {O_RDONLY, O_RDONLY, O_WRONLY};
  for (int fd = 0; fd < 3; ++fd)
    if (::fcntl(fd, F_GETFD) < 0)
      (void)::open("/dev/null", modes[fd]);
}

} // namespace hactor
