// See descendants.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/descendants.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unordered_map>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "actors/owned_fd.hpp"

namespace hactor {

namespace {

struct process_line {
  pid_t parent = -1; // -1: the process is gone
  uint64_t start_ticks = 0;
};

/// `path`: of a process's folder, seen from the folder `at`.
process_line read_line(int at, std::string path) {
  path += "/stat";
  owned_fd file{::openat(at, path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file)
    return {};
  char text[512];
  auto n = ::read(file.get(), text, sizeof text - 1);
  if (n <= 0)
    return {};
  text[n] = '\0';
  // "pid (name) state ppid": the name may hold blanks and parentheses, the rest holds neither. The
  // start is the 22nd of all.
  auto* end_of_name = std::strrchr(text, ')');
  process_line line;
  unsigned long long start = 0;
  if (end_of_name == nullptr
      || std::sscanf(end_of_name + 1,
                     " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d "
                     "%llu",
                     &line.parent, &start)
             != 2)
    return {};
  line.start_ticks = start;
  return line;
}

/// Every process below `root`, parents first.
std::vector<process_mark> find_below(pid_t root, const std::vector<process_mark>& skip) {
  std::unordered_multimap<pid_t, process_mark> children;
  auto* proc = ::opendir("/proc");
  if (proc == nullptr)
    return {};
  while (auto* entry = ::readdir(proc)) {
    auto pid = static_cast<pid_t>(std::atoi(entry->d_name));
    if (pid <= 0)
      continue;
    auto line = read_line(::dirfd(proc), entry->d_name);
    process_mark mark{pid, line.start_ticks};
    if (line.parent > 0 && std::find(skip.begin(), skip.end(), mark) == skip.end())
      children.emplace(line.parent, mark);
  }
  ::closedir(proc);
  std::vector<process_mark> found{{root, 0}};
  for (size_t i = 0; i < found.size(); ++i) {
    auto [first, last] = children.equal_range(found[i].pid);
    for (; first != last; ++first)
      found.push_back(first->second);
  }
  found.erase(found.begin());
  return found;
}

} // namespace

pid_t parent_of(pid_t pid) { return read_line(AT_FDCWD, "/proc/" + std::to_string(pid)).parent; }

process_mark mark_of(pid_t pid) {
  auto line = read_line(AT_FDCWD, "/proc/" + std::to_string(pid));
  return line.parent < 0 ? process_mark{} : process_mark{pid, line.start_ticks};
}

std::vector<pid_t> descendants_of(pid_t root, const std::vector<process_mark>& skip) {
  std::vector<pid_t> pids;
  for (auto& mark : find_below(root, skip))
    pids.push_back(mark.pid);
  return pids;
}

std::vector<process_mark> marked_descendants_of(pid_t root) { return find_below(root, {}); }

} // namespace hactor
