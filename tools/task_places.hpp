// Where a job's tasks are, as its jobspec and what it was granted say, and its plugins, whose map
// is the memo `taskmap` of the job (actors/plugin_turns.cpp).
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "graph/request.hpp"
#include "graph/rset.hpp"
#include "tools/client.hpp"

namespace hactor::tools {

struct task_places {
  job_layout where; ///< By node of the grant.
  rset resources;

  /// The place in the grant of each task's node, by the task's rank.
  std::map<uint64_t, size_t> nodes() const;
  std::string_view host(size_t node) const { return resources.host(node); }
};

/// Asks the instance for all three. Errors: those of job.info; what the texts are wrong in.
caf::expected<task_places> find_tasks(client& broker, const std::string& id);

} // namespace hactor::tools
