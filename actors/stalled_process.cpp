// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/stalled_process.hpp"

#include <fstream>
#include <iterator>
#include <sstream>

#include <fmt/format.h>

namespace hactor {

namespace {

/// The name and state of a process; a space as the state when it has gone. proc(5): stat.
std::pair<std::string, char> name_and_state(pid_t pid) {
  std::ifstream in{fmt::format("/proc/{}/stat", pid)};
  std::string line{std::istreambuf_iterator<char>{in}, {}};
  auto open = line.find('('), close = line.rfind(')'); // a name may hold both
  if (open == line.npos || close == line.npos || close + 2 >= line.size())
    return {"", ' '};
  return {line.substr(open + 1, close - open - 1), line[close + 2]};
}

/// The function of the kernel in which a process waits; "" when that is not told.
std::string wait_channel(pid_t pid) {
  std::string name;
  std::ifstream in{fmt::format("/proc/{}/wchan", pid)};
  in >> name;
  return name == "0" ? "" : name;
}

std::string how_stalled(pid_t pid, char state) {
  if (state == 'T')
    return "is stopped by a signal (SIGCONT has it go on)";
  if (state == 't')
    return "is stopped by a debugger";
  if (state != 'D')
    return {};
  auto channel = wait_channel(pid);
  return fmt::format("waits in the kernel{}: its file system or device does not answer (state D)",
                     channel.empty() ? "" : ", in " + channel);
}

} // namespace

std::vector<stalled_process> stalled_below(pid_t root, size_t max) {
  std::vector<stalled_process> found;
  std::vector<pid_t> open{root};
  while (!open.empty() && found.size() < max) {
    auto pid = open.back();
    open.pop_back();
    auto [name, state] = name_and_state(pid);
    if (auto how = how_stalled(pid, state); !how.empty())
      found.push_back({pid, std::move(name), std::move(how)});
    std::ifstream children{fmt::format("/proc/{0}/task/{0}/children", pid)};
    for (pid_t child = 0; children >> child;)
      open.push_back(child);
  }
  return found;
}

} // namespace hactor
