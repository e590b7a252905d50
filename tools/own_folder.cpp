// See own_folder.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/own_folder.hpp"

#include <cstdlib>
#include <sstream>

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

std::vector<std::string> configuration_folders() {
  auto variable = [](const char* name) {
    auto* value = std::getenv(name);
    return std::string{value == nullptr ? "" : value};
  };
  std::vector<std::string> found;
  auto sites = variable("XDG_CONFIG_DIRS");
  std::stringstream list{sites.empty() ? "/etc/xdg" : sites};
  for (std::string one; std::getline(list, one, ':');)
    found.insert(found.begin(), one);
  auto own = variable("XDG_CONFIG_HOME");
  if (own.empty() && !variable("HOME").empty())
    own = variable("HOME") + "/.config";
  if (!own.empty())
    found.push_back(own);
  return found;
}

} // namespace hactor::tools
