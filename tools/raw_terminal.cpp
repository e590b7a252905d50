// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/raw_terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

namespace hactor::tools {

window_size terminal_size() {
  winsize size{};
  if (::isatty(0) == 0 || ::ioctl(0, TIOCGWINSZ, &size) != 0)
    return {};
  return {size.ws_row, size.ws_col};
}

void raw_terminal::enter() {
  if (raw_ || ::isatty(0) == 0 || ::tcgetpgrp(0) != ::getpgrp() || ::tcgetattr(0, &before_) != 0)
    return;
  auto raw = before_;
  ::cfmakeraw(&raw);
  raw_ = ::tcsetattr(0, TCSADRAIN, &raw) == 0;
}

void raw_terminal::leave() {
  if (raw_)
    ::tcsetattr(0, TCSADRAIN, &before_);
  raw_ = false;
}

} // namespace hactor::tools
