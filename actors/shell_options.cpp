// See the header. Values are read by launch_plan.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/shell_options.hpp"

#include <algorithm>
#include <vector>

#include "runtime/mpi_settings.hpp"
#include "runtime/near.hpp"

namespace hactor {

namespace {

/// Options that are read by name.
constexpr std::string_view known[] = {
    "verbose",
    "output.stdout.type",
    "output.stdout.path",
    "output.stdout.label",
    "output.stdout.buffer.type",
    "output.stderr.type",
    "output.stderr.path",
    "output.stderr.label",
    "output.stderr.buffer.type",
    "output.mode",
    "output.limit",
    "output.batch-timeout",
    "input.stdin.type",
    "input.stdin.path",
    "input.stdin.ranks",
    "input.limit",
    "stdio-delay-commit",
    "pty.rows",
    "pty.columns",
    "pty.ranks",
    "pty.interactive",
    "pty.capture",
    "cpu-affinity",
    "gpu-affinity",
    "per-resource.type",
    "per-resource.count",
    "taskmap.scheme",
    "taskmap.value",
    "nosetpgrp",
    env_allow_option,
    "oom.adjust",
    "memory-limit",
    "memory-limit-per-core",
    "hwloc.xmlfile",
    "hwloc.restrict",
    "compat",
    "pmi",
    "mpi",
    "worlds",
    "stop-tasks-in-exec",
    "exit-on-error",
    "exit-timeout",
    "mpi-timeout",
    "signal.signum",
    "signal.timeleft",
    "sysmon.period",
    "coprocess-kill-timeout",
    "rexec-shutdown-timeout",
    "initrc",
    "userrc",
    "stage-in.names",
    "stage-in.pattern",
    "stage-in.destination",
};

/// Options below which names are anybody's own.
constexpr std::string_view open[] = {"rlimit", "coprocess", "plugins"};

/// Options of Flux's shell for which there is nothing here that they could change.
constexpr std::string_view without_effect[] = {"pmi-simple", "output.client"};

bool is_below(std::string_view name, std::string_view group) {
  return name == group || (name.starts_with(group) && name[group.size()] == '.');
}

} // namespace

std::string doubt_shell_option(std::string_view name) {
  auto leads_to = [name](std::string_view one) { return is_below(one, name); };
  auto holds = [name](std::string_view group) { return is_below(name, group); };
  if (std::any_of(std::begin(known), std::end(known), leads_to)
      || std::any_of(std::begin(open), std::end(open), holds))
    return {};
  if (std::any_of(std::begin(without_effect), std::end(without_effect), holds))
    return "has no effect here";
  std::vector<std::string_view> names{std::begin(known), std::end(known)};
  names.insert(names.end(), std::begin(open), std::end(open));
  for (auto group : {"pty", "signal", "sysmon", "taskmap", "per-resource", "stage-in"})
    names.emplace_back(group);
  return "is no option of the shell" + did_you_mean(name, names);
}

} // namespace hactor
