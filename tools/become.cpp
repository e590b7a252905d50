// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/become.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <unistd.h>

#include "tools/say.hpp"

namespace hactor::tools {

int become(const invocation& call, std::vector<std::string> words) {
  if (words.empty()) {
    auto* shell = std::getenv("SHELL");
    words.emplace_back(shell != nullptr && *shell != '\0' ? shell : "/bin/sh");
  }
  std::vector<char*> argv;
  for (auto& w : words)
    argv.push_back(w.data());
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  auto missing = errno == ENOENT;
  complain(call, words.front() + ": " + (missing ? "command not found" : std::strerror(errno)));
  return missing ? 127 : 126;
}

} // namespace hactor::tools
