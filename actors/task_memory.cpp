// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/task_memory.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

namespace hactor {

namespace {

/// The begin of a file of /proc; "" when the process is gone.
std::string read_start(const std::string& path) {
  char bytes[4096];
  auto fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return {};
  auto n = ::read(fd, bytes, sizeof bytes);
  ::close(fd);
  return {bytes, n > 0 ? static_cast<size_t>(n) : 0};
}

int64_t own_pages(const std::string& folder) {
  long long size = 0, resident = 0, shared = 0;
  auto text = read_start(folder + "/statm");
  if (std::sscanf(text.c_str(), "%lld %lld %lld", &size, &resident, &shared) != 3)
    return 0;
  return resident - shared;
}

void add_children(const std::string& folder, std::vector<pid_t>& to) {
  auto* threads = ::opendir((folder + "/task").c_str());
  if (threads == nullptr)
    return;
  while (auto* entry = ::readdir(threads)) {
    if (entry->d_name[0] == '.')
      continue;
    auto text = read_start(folder + "/task/" + entry->d_name + "/children");
    char* rest = text.data();
    for (char* end = nullptr;; rest = end) {
      auto pid = std::strtol(rest, &end, 10);
      if (end == rest)
        break;
      to.push_back(static_cast<pid_t>(pid));
    }
  }
  ::closedir(threads);
}

} // namespace

int64_t memory_of(std::vector<pid_t> roots) {
  int64_t pages = 0;
  while (!roots.empty()) {
    auto folder = "/proc/" + std::to_string(roots.back());
    roots.pop_back();
    pages += own_pages(folder);
    add_children(folder, roots);
  }
  return pages * ::sysconf(_SC_PAGESIZE);
}

} // namespace hactor
