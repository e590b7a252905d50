// See own_folder.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/own_folder.hpp"

#include <unistd.h>

namespace hactor::tools {

std::string own_folder() {
  char path[4096];
  auto n = ::readlink("/proc/self/exe", path, sizeof path - 1);
  if (n <= 0)
    return ".";
  std::string text{path, static_cast<size_t>(n)};
  return text.substr(0, text.rfind('/'));
}

} // namespace hactor::tools
