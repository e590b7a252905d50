// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "mpi-boot/launcher_settings.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <unistd.h>

#include "runtime/mpi_settings.hpp"

namespace hactor {

namespace {

/// Calls `use` with each entry until it returns true, which is then returned.
template <class Use>
bool any_entry(std::string_view environment, Use use) {
  while (!environment.empty()) {
    auto end = std::min(environment.find('\0'), environment.size());
    if (use(environment.substr(0, end)))
      return true;
    environment.remove_prefix(std::min(end + 1, environment.size()));
  }
  return false;
}

std::optional<std::string> read_process(int64_t pid, const char* file) {
  std::ifstream in{fmt::format("/proc/{}/{}", pid, file), std::ios::binary};
  if (!in)
    return std::nullopt;
  return std::string{std::istreambuf_iterator<char>{in}, {}};
}

/// 0: it is not known.
int64_t parent_of(int64_t pid) {
  auto stat = read_process(pid, "stat");
  auto name_end = stat ? stat->rfind(')') : std::string::npos;
  constexpr size_t state_size = 3; // " S "
  if (name_end == std::string::npos || name_end + 1 + state_size >= stat->size())
    return 0;
  return std::strtoll(stat->c_str() + name_end + 1 + state_size, nullptr, 10);
}

} // namespace

bool is_of_rank(std::string_view environment) {
  return any_entry(environment, [](std::string_view entry) {
    return entry.starts_with("OMPI_COMM_WORLD_RANK=") || entry.starts_with("PMI_RANK=")
           || entry.starts_with("PMIX_RANK=");
  });
}

launcher_settings launcher_settings::of_this_process() {
  auto own = read_process(::getpid(), "environ");
  if (!own || !is_of_rank(*own))
    return {false, {}};
  constexpr int ancestors_max = 64;
  int64_t pid = ::getppid();
  for (int i = 0; i < ancestors_max && pid > 0; ++i, pid = parent_of(pid)) {
    auto before = read_process(pid, "environ");
    if (!before || before->empty())
      break; // of another user
    if (!is_of_rank(*before))
      return {true, std::move(before)};
  }
  return {true, {}};
}

bool launcher_settings::made(std::string_view entry) const {
  if (!launched_ || !is_mpi_setting(entry.substr(0, entry.find('='))))
    return false;
  return !before_
         || !any_entry(*before_, [entry](std::string_view other) { return other == entry; });
}

} // namespace hactor
