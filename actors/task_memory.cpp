// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/task_memory.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

namespace hactor {

namespace {

/// A file of /proc; "" when the process is gone.
std::string read_all(const std::string& path) {
  std::string text;
  auto fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return text;
  char bytes[4096];
  for (ssize_t n; (n = ::read(fd, bytes, sizeof bytes)) > 0;)
    text.append(bytes, static_cast<size_t>(n));
  ::close(fd);
  return text;
}

int64_t own_bytes(const std::string& folder) {
  long long size = 0, resident = 0, shared = 0;
  auto text = read_all(folder + "/statm");
  if (std::sscanf(text.c_str(), "%lld %lld %lld", &size, &resident, &shared) != 3)
    return 0;
  return (resident - shared) * ::sysconf(_SC_PAGESIZE);
}

/// Its part of memory that several processes have since one forked; where the kernel does not tell,
/// or not us, all of it.
int64_t exact_bytes(const std::string& folder) {
  constexpr std::string_view name = "\nPss_Anon:";
  auto text = read_all(folder + "/smaps_rollup");
  auto at = text.find(name);
  if (at == text.npos)
    return own_bytes(folder);
  return std::strtoll(text.c_str() + at + name.size(), nullptr, 10) * 1024;
}

void add_children(const std::string& folder, std::vector<pid_t>& to) {
  auto* threads = ::opendir((folder + "/task").c_str());
  if (threads == nullptr)
    return;
  while (auto* entry = ::readdir(threads)) {
    if (entry->d_name[0] == '.')
      continue;
    auto text = read_all(folder + "/task/" + entry->d_name + "/children");
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

int64_t own_cpu_us(const std::string& folder) {
  auto text = read_all(folder + "/stat");
  auto name_end = text.rfind(')'); // the name before it may hold anything
  long long user = 0, system = 0, of_children_user = 0, of_children_system = 0;
  if (name_end == text.npos
      || std::sscanf(text.c_str() + name_end + 1,
                     " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld %lld %lld", &user,
                     &system, &of_children_user, &of_children_system)
             != 4)
    return 0;
  auto ticks = user + system + of_children_user + of_children_system;
  return ticks * 1'000'000 / ::sysconf(_SC_CLK_TCK);
}

} // namespace

int64_t cpu_us_of(std::vector<pid_t> roots) {
  int64_t us = 0;
  while (!roots.empty()) {
    auto folder = "/proc/" + std::to_string(roots.back());
    roots.pop_back();
    us += own_cpu_us(folder);
    add_children(folder, roots);
  }
  return us;
}

int64_t memory_of(std::vector<pid_t> roots, bool exact) {
  int64_t bytes = 0;
  while (!roots.empty()) {
    auto folder = "/proc/" + std::to_string(roots.back());
    roots.pop_back();
    bytes += exact ? exact_bytes(folder) : own_bytes(folder);
    add_children(folder, roots);
  }
  return bytes;
}

} // namespace hactor
