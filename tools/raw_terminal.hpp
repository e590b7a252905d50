// The terminal on which a person sits while a task of theirs has one of its own: every key goes
// there as it is, and its size follows.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>

#include <termios.h>

namespace hactor::tools {

struct window_size {
  uint16_t rows = 0; ///< 0: no terminal.
  uint16_t columns = 0;
};

/// The size of the terminal that is standard input, if it is one.
window_size terminal_size();

/// Standard input without line editing, echo or signals of the keyboard, as long as this lives.
class raw_terminal {
public:
  raw_terminal() = default;
  raw_terminal(const raw_terminal&) = delete;
  raw_terminal& operator=(const raw_terminal&) = delete;
  ~raw_terminal() { leave(); }

  /// Does nothing when standard input is no terminal, or another job's of the user's shell.
  void enter();
  /// Back to what it was.
  void leave();

private:
  termios before_{};
  bool raw_ = false;
};

} // namespace hactor::tools
