// The names of the limits that a process has, as shells and RFC 14 jobspecs write them: "core",
// "nofile". Callers: what makes jobspecs, and what starts tasks.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace hactor {

struct rlimit_name {
  std::string_view name;
  int which; // of setrlimit(2)
};

std::span<const rlimit_name> rlimit_names();

/// The limit of this name, in lower case; "ofile" is nofile.
std::optional<int> find_rlimit(std::string_view name);

} // namespace hactor
