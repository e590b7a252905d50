// Maps of tasks to nodes that people write themselves: --taskmap=manual:MAP and hostfile:FILE.
// Called by graph/request.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include "graph/request.hpp"

namespace hactor {

/// Reads a map of RFC 34: a JSON list of blocks [NODE, NODES, TASKS, REPEAT], the same in
/// {"version": 1, "map": ..}, or the tasks of each node ("0-1;2-3"). Returns the node of each task.
/// Errors: ec::bad_jobspec with what is wrong, ec::too_big beyond tasks_max.
caf::expected<std::vector<uint32_t>> read_taskmap_nodes(const std::string& text);

/// Numbers the tasks anew by request.task_nodes or task_hosts: each node keeps as many as it has.
/// Errors: ec::bad_jobspec when the map does not fit to them, naming what does not.
caf::error renumber_tasks(const resource_request& request, const rset& r, job_layout& where);

} // namespace hactor
