// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/resource_limits.hpp"

#include <sys/resource.h>

namespace hactor {

namespace {

constexpr rlimit_name names[] = {
    {"as", RLIMIT_AS},
    {"core", RLIMIT_CORE},
    {"cpu", RLIMIT_CPU},
    {"data", RLIMIT_DATA},
    {"fsize", RLIMIT_FSIZE},
    {"memlock", RLIMIT_MEMLOCK},
    {"msgqueue", RLIMIT_MSGQUEUE},
    {"nice", RLIMIT_NICE},
    {"nofile", RLIMIT_NOFILE},
    {"nproc", RLIMIT_NPROC},
    {"rss", RLIMIT_RSS},
    {"rtprio", RLIMIT_RTPRIO},
    {"rttime", RLIMIT_RTTIME},
    {"sigpending", RLIMIT_SIGPENDING},
    {"stack", RLIMIT_STACK},
};

} // namespace

std::span<const rlimit_name> rlimit_names() { return names; }

std::optional<int> find_rlimit(std::string_view name) {
  if (name == "ofile")
    name = "nofile";
  for (auto& n : names)
    if (n.name == name)
      return n.which;
  return {};
}

} // namespace hactor
