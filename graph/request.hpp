// A jobspec as an instance sees it: what resources it wants, in a form that all jobs of one shape
// share, and how many tasks run where. Any shape of RFC 14 goes to the matcher (match_request.hpp);
// the plain ones (node, slot, core and gpu) can be laid out over an R by counting, for the others R
// says how many slots each rank has (rset_extra.hpp).
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "graph/affinity.hpp"
#include "graph/jobspec.hpp"
#include "graph/rset.hpp"
#include "runtime/error.hpp"

namespace hactor {

/// How many tasks a job has.
enum class task_spread : uint8_t {
  per_slot, ///< task_count tasks in each slot
  total,    ///< task_count tasks over all nodes, evenly
  per_node, ///< task_count tasks on each node of R
  per_core, ///< task_count tasks for each core of R
};

/// In which order task ranks are dealt to nodes (RFC 34).
enum class task_order : uint8_t { block, cyclic };

/// One entry of `tasks`.
struct task_group {
  uint32_t slot = 0;  ///< Where its tasks run, in resource_request::slot_labels.
  uint32_t slots = 1; ///< So many of them, at least.
  task_spread spread = task_spread::per_slot;
  uint32_t count = 1;
};

/// What a job needs. Immutable once compiled; all jobs of one jobspec share it. The numbers are the
/// least ones where the jobspec leaves a choice; of slots that are options the first kind counts.
struct resource_request {
  uint32_t nnodes = 0;         ///< 0: as many as it takes.
  uint32_t slots = 1;          ///< In total, of those that tasks run in.
  uint32_t slots_per_node = 0; ///< 0 when nnodes is 0 or it varies, else slots / nnodes.
  uint32_t cores_per_slot = 1;
  uint32_t gpus_per_slot = 0;
  uint64_t ncores = 1; ///< In all.
  uint64_t ngpus = 0;
  bool plain = true;      ///< An R can be laid out by these numbers alone.
  bool exclusive = false; ///< Plain: whole nodes; the slots say what each must at least have.
  double duration_s = 0;  ///< 0: unlimited.
  std::vector<task_group> tasks = std::vector<task_group>(1);
  task_order order = task_order::block;
  uint32_t cyclic_stride = 1;          ///< Tasks dealt to a node at a time with task_order::cyclic.
  std::vector<uint32_t> task_nodes;    ///< In place of an order: the entry of R of each task.
  std::vector<std::string> task_hosts; ///< Likewise, the host of each.
  /// To what tasks are bound; who asked for nothing is not: it costs a migration, and surprises.
  affinity cpus{.kind = affinity_kind::off};
  affinity gpus; ///< What of GPUs they see.

  jobspec wants;                        ///< Resources, duration, constraints and queue; no more.
  std::string shape;                    ///< Text of `wants`: equal exactly when those are.
  std::vector<std::string> slot_labels; ///< Of the slots that tasks run in, each once.
  /// By place in slot_labels(wants.resources): for which of the labels above such a slot is one.
  /// Options that no entry of tasks names are run by the first that names one beside them.
  std::vector<std::optional<uint32_t>> label_of_slot;
};

/// Compiles a jobspec. Errors: ec::unsatisfiable (more slots than an instance can run),
/// ec::bad_jobspec (shell options that do not fit together), starting with the path.
caf::expected<resource_request> compile_request(const jobspec& spec);

/// For people: "4 nodes with 2 slots of 1 core and 1 gpu", "6 slots of 2 cores", "2 slots of 3
/// cores or of 1 gpu", "either 1 slot of 3 cores or 2 slots of 1 gpu".
std::string describe(const resource_request& request);

/// How many tasks there are at least, as far as that can be told before there is an R.
uint64_t least_tasks(const resource_request& request);

/// Which tasks run where. One entry per node of R, by rank.
struct job_layout {
  std::vector<uint32_t> slots;  ///< Slots on the node.
  std::vector<idset> tasks;     ///< Task ranks on the node; may be empty.
  std::vector<uint32_t> starts; ///< The first task rank of each entry of the jobspec's tasks.
  uint32_t ntasks = 0;

  /// The entry of the jobspec's tasks to which a task belongs.
  size_t entry_of(uint32_t task) const {
    return static_cast<size_t>(std::upper_bound(starts.begin(), starts.end(), task)
                               - starts.begin())
           - 1;
  }

  friend bool operator==(const job_layout&, const job_layout&) = default;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, job_layout& x) {
    return f(x.slots, x.tasks, x.starts, x.ntasks);
  }
};

/// Lays the job's tasks out over what was allocated, those of the first entry first. Errors:
/// ec::bad_rset when R cannot hold the slots, ec::too_big beyond tasks_max or what a node starts,
/// ec::bad_jobspec when the jobspec's own map of tasks does not fit.
caf::expected<job_layout> layout(const resource_request& request, const rset& r);

/// The task map of a layout (RFC 34): a JSON list of blocks [nodeid, nnodes, ppn, repeat].
std::string taskmap_json(const job_layout& where);

/// Tasks of one job; bounds what an oversubscribed "total" can make a layout allocate.
inline constexpr uint64_t tasks_max = uint64_t{1} << 24;

} // namespace hactor
