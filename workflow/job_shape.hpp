// How many nodes, tasks, cores and GPUs a job asks for, as the resources of its jobspec. The shapes
// are those of RFC 25:
//   -n            slot[n] > core[c] (, gpu[g])
//   -N [-n]       node[N] > slot[ceil(n/N)] > core[c] (, gpu[g])
//   -N --tasks-per-node=T alone: whole nodes with one slot, and the shell starts T tasks on each.
//   --cores=C: slot[C] > core; with -N node[N] > slot > core[C/N] (, gpu[G]), and what the shell
//   starts there is said by --tasks-per-node or --tasks-per-core. Without --cores: whole nodes.
// Callers: job_writer, and submit and run of tools/; what is wrong is named as their options are.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include "runtime/error.hpp"
#include "runtime/json.hpp"

namespace hactor::workflow {

/// What was asked about the size of a job; 0: not given.
struct job_sizes {
  uint64_t tasks = 0;
  uint64_t nodes = 0;
  uint64_t cores = 0; // of each task
  uint64_t gpus = 0;  // of each task
  uint64_t tasks_per_node = 0;
  uint64_t memory_gb = 0; // on each node
  uint64_t memory_mb_per_core = 0;
  // A job that is asked for by its resources, not by its tasks:
  uint64_t all_cores = 0; // of the job
  uint64_t tasks_per_core = 0;
  uint64_t gpus_per_node = 0;
  bool exclusive = false;
  json tasks_range; // Null: `tasks` says it.
  json nodes_range; // Null: `nodes` says it.
};

struct job_shape {
  json resources;                  ///< The list of a jobspec.
  json count;                      ///< Of its one entry of tasks, whose slot is "task".
  uint64_t tasks_on_each = 0;      ///< What the shell is to start on each ...; 0: see `count`.
  const char* each_type = "node";  ///< ... of these: node or core.
  bool beyond_version_1 = false;   ///< It has ranges.
};

/// What is said of each node (whole ones, memory, GPUs, tasks) without saying how many nodes, and
/// not otherwise of the whole job, is said of one.
void settle_one_node(job_sizes& sizes);

/// Errors: ec::bad_argument: the numbers contradict each other, and which would do.
caf::expected<job_shape> shape_of(job_sizes sizes);

} // namespace hactor::workflow
