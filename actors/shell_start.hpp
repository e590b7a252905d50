// What a shell makes before its tasks: the job's folder, the files and pipes of each task. Called
// by shell.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "actors/shell.hpp"

namespace hactor {

/// Everything a task needs, in one request. Files are opened here.
struct prepared {
  spawn_request request;
  task_pipes pipes;
};

/// Errors: ec::exec_failed, naming the file that cannot be opened.
caf::expected<prepared> prepare(shell_state& st, const launch_plan& plan, const shell_work& work,
                                shell_task& t, bool first_node);

/// The most descriptors that the tasks may take here until each has got its own.
size_t descriptors_of(const launch_plan& plan, const shell_work& work);

/// On the job's first node: empties the files that tasks of several nodes write, before any of them
/// does. What cannot be opened is told when the tasks are prepared.
void empty_shared_files(shell_state& st, const shell_start& start);

/// Makes the file that HWLOC_XMLFILE names (-O hwloc.xmlfile). A look at the devices takes 8 ms.
/// Errors: ec::system_failed, ec::exec_failed.
caf::error write_topology(const launch_order& order, const std::vector<uint32_t>& entries,
                          const shell_place& place);

/// The job's folder with the files that are to be there before its tasks. Errors: ec::exec_failed.
caf::expected<job_folders::slot> make_folder(shell_state& st, const launch_order& order,
                                             const std::vector<uint32_t>& entries,
                                             shell_place& place);

} // namespace hactor
