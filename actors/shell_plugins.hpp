// A job's plugins on one node, as the shell has them: their process, and what waits for them.
// Called by shell.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "actors/interfaces.hpp"
#include "actors/plugin_core.hpp"
#include "actors/plugin_job.hpp"
#include "actors/task_host.hpp"

namespace hactor {

/// The plugins' process among the tasks of a shell.
inline constexpr uint32_t plugins_task = UINT32_MAX;

/// What the tasks of a shell are started with.
struct shell_start {
  launch_order order;
  std::vector<uint32_t> entries;
  shell_place place;
  shell_work work;
  caf::error refused; // why they will not be
};

/// Tasks that are not started yet.
struct shell_unbegun {
  shell_start start;
  std::set<int> signals{};            // that came for them meanwhile
  std::vector<modex_request> asked{}; // likewise, of ranks on other nodes
};

struct shell_plugins {
  plugin_core core;
  uint64_t token = 0;            // of the task host; 0: the process has ended
  uint32_t first_rank = 0;       // of the tasks here: what plugins log is in its stderr
  bool waits_for_others = false; // who have not come to the end of shell.init
  int64_t look_ns = 0;           // when their time is looked at next; 0: never again
};

/// How the process is started.
spawn_request plugin_process(const plugin_place& place, const shell_work& work);

/// How it has ended, for people.
std::string how_process_ended(int wait_status);

/// Takes the options that plugins have set into the start. Errors: as make_launch_plan and
/// plan_shell; ec::exec_failed when this node would have other tasks than it has room for.
caf::error take_options(const std::string& options, shell_start& start);

} // namespace hactor
