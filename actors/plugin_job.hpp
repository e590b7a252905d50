// What a job is to its plugins, and what they make of it. Called by shell_plugins.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "actors/exec_core.hpp"
#include "actors/plugin_protocol.hpp"
#include "actors/shell_core.hpp"

namespace hactor {

/// What of plugins is the same for all jobs of this rank.
struct plugin_place {
  std::string program;                    // hactor-plugins
  std::string system_rc;                  // "": there is none
  std::string user_rc;                    // likewise
  std::vector<std::string> start_folders; // where mpi/NAME.lua may lie
  std::string search_path;                // of plugins
  uint32_t brokers = 1;                   // of the instance
  int64_t patience_ns = 0;                // for a plugin to return
};

/// True when the job has something to load here.
bool has_plugins(const launch_plan& plan, const plugin_place& here);

/// "0,2;1,3": the tasks of each node of R.
std::string tasks_by_node(const launch_order& order);

/// `self`: this broker. Requires: the work is that of the order.
plugin_job describe_to_plugins(const launch_order& order, const shell_work& work,
                               const plugin_place& here, const std::string& host, rank_t self);

/// The tasks as they are now, and the names of their files.
plugin_tasks tasks_for_plugins(const launch_plan& plan, const shell_work& work);

/// True when all shells of the job have plugins, of more than one broker: they can wait for each
/// other.
bool meets_others(const launch_order& order, const plugin_place& here);

/// The plan with these options of the shell. Errors: as make_launch_plan.
caf::expected<launch_plan_ptr> with_options(const launch_plan& plan, const std::string& options);

/// Changes commands, variables and names of files.
void apply_changes(const plugin_changes& changes, shell_work& work);

} // namespace hactor
