// MEMORY GUARD: one a rank. It looks twice a second at what the tasks of jobs with a limit use of
// the node's memory, and of those within instances that have one, as long as there are such; who is
// to end, memory_core decides.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "actors/interfaces.hpp"
#include "actors/memory_core.hpp"

namespace hactor {

struct memory_guard_state {
  static inline const char* name = "memory-guard";
  using pointer = memory_guard_actor::stateful_pointer<memory_guard_state>;

  struct member {
    std::string path;
    std::vector<int64_t> limits;
    std::set<pid_t> tasks;
    shell_actor shell;
  };
  std::map<job_id, member> members; // with tasks that run, and that are not to end
  std::string host;
  bool watching = false; // a tick is due
  int64_t looks = 0, ended = 0;
};

memory_guard_actor::behavior_type memory_guard_service(memory_guard_state::pointer self,
                                                       std::string host);

} // namespace hactor
