// See attach_core.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/attach_core.hpp"

#include <csignal>

namespace hactor::tools {

attach_action attach_core::on_signal(int number, int64_t now_ns) {
  bool recent = interrupted_ && now_ns - interrupted_ns_ <= window_ns;
  switch (number) {
    case SIGINT:
      // The pair is used up by the cancel, so that a third Ctrl-C warns again.
      interrupted_ = !recent;
      interrupted_ns_ = now_ns;
      return recent ? attach_action::cancel : attach_action::warn;
    case SIGTSTP:
      interrupted_ = false;
      return recent ? attach_action::detach : attach_action::suspend;
    case SIGTERM:
    case SIGHUP:
    case SIGALRM:
    case SIGUSR1:
    case SIGUSR2:
      return attach_action::forward;
    default:
      return attach_action::none;
  }
}

detach_keys::typed detach_keys::read(std::string_view keys) {
  typed result;
  for (char key : keys) {
    if (!escaped_ && key == escape) {
      escaped_ = true;
      continue;
    }
    if (escaped_ && key == 'd') {
      result.detach = true;
      return result;
    }
    if (escaped_ && key != escape)
      result.keys += escape;
    result.keys += key;
    escaped_ = false;
  }
  return result;
}

} // namespace hactor::tools
