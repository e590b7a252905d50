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

/// `path`: of a process's folder, seen from the folder `at`.
pid_t read_parent(int at, std::string path) {
  path += "/stat";
  owned_fd file{::openat(at, path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file)
    return -1;
  char text[512];
  auto n = ::read(file.get(), text, sizeof text - 1);
  if (n <= 0)
    return -1;
  text[n] = '\0';
  // "pid (name) state ppid": the name may hold blanks and parentheses, the rest holds neither.
  auto* end_of_name = std::strrchr(text, ')');
  int parent = -1;
  if (end_of_name == nullptr || std::sscanf(end_of_name + 1, " %*c %d", &parent) != 1)
    return -1;
  return parent;
}

} // namespace

pid_t parent_of(pid_t pid) { return read_parent(AT_FDCWD, "/proc/" + std::to_string(pid)); }

std::vector<pid_t> descendants_of(pid_t root, const std::vector<pid_t>& skip) {
  std::unordered_multimap<pid_t, pid_t> children;
  auto* proc = ::opendir("/proc");
  if (proc == nullptr)
    return {};
  while (auto* entry = ::readdir(proc)) {
    auto pid = static_cast<pid_t>(std::atoi(entry->d_name));
    if (pid <= 0 || std::find(skip.begin(), skip.end(), pid) != skip.end())
      continue;
    auto parent = read_parent(::dirfd(proc), entry->d_name);
    if (parent > 0)
      children.emplace(parent, pid);
  }
  ::closedir(proc);
  std::vector<pid_t> found{root};
  for (size_t i = 0; i < found.size(); ++i) {
    auto [first, last] = children.equal_range(found[i]);
    for (; first != last; ++first)
      found.push_back(first->second);
  }
  found.erase(found.begin());
  return found;
}

} // namespace hactor
