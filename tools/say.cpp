// See say.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/say.hpp"

#include <cstdio>

namespace hactor::tools {

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void flush_output() { std::fflush(stdout); }

void complain(const invocation& call, std::string_view text) {
  flush_output();
  auto line = call.program + ": " + std::string{text} + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
}

int fail(const invocation& call, const caf::error& e) {
  complain(call, render(e));
  return exit_failed;
}

int fail_usage(const invocation& call, const caf::error& e) {
  complain(call, render(e));
  return exit_usage;
}

} // namespace hactor::tools
