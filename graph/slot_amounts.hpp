// What one slot of a job has of cores and GPUs: by that the tasks of slots of different shapes get
// their parts of a node. Callers: the tasks' shell, nearness.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

namespace hactor {

struct resource_request;

struct slot_amounts {
  uint64_t cores = 0;
  uint64_t gpus = 0;
};

/// By entry of the jobspec's tasks, what each task of it has to itself. Empty where that is not
/// known: when tasks are not one for each slot, or the jobspec leaves a choice.
std::vector<slot_amounts> amounts_of_tasks(const resource_request& request);

} // namespace hactor
