// What is near what on a node, and how its cores and GPUs are dealt to tasks so that each task's
// GPUs are near its cores. Where it is known: from the graph, R says it (rset_extra); else hwloc
// tells it of the machine (actors/binding).
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/idset.hpp"

namespace hactor {

/// Cores and GPUs of a node that are near each other: those of a socket, of a numanode, ... One may
/// be in several, as a numanode is in a socket.
struct near_group {
  idset cores;
  idset gpus;

  friend bool operator==(const near_group&, const near_group&) = default;
};

/// What one task has.
struct task_parts {
  idset cores;
  idset gpus;
};

/// Deals to `count` tasks: cores in even runs, those of a group one behind the other; GPUs as
/// evenly, each task those that are in most groups with most of its cores. With fewer than tasks,
/// tasks share one. Without groups both are even runs of ids (task_part). Groups may name more than
/// there is to deal.
std::vector<task_parts> deal_near(const idset& cores, const idset& gpus,
                                  std::span<const near_group> groups, uint32_t count);

} // namespace hactor
