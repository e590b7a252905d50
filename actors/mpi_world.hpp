// Which tasks of a job have one MPI_COMM_WORLD: all of them, or, with shell.options.worlds=each,
// those of each program (entry of the jobspec's tasks) one of their own. Plain values. Callers:
// what a shell makes for its tasks (shell_core, pmi_core, pmix_core, mpi_worlds).
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graph/request.hpp"

namespace hactor {

struct mpi_world {
  static constexpr int32_t whole = -1;

  int32_t number = whole; ///< Entry of the jobspec's tasks; whole: all tasks of the job.
  uint32_t first = 0;     ///< Task rank of its rank 0; the others follow.
  uint32_t size = 0;

  bool holds(uint32_t task) const { return task >= first && task - first < size; }
};

/// By task rank; none is empty, and one alone is the whole. `each`: every entry of the jobspec's
/// tasks that has any has its own.
std::vector<mpi_world> worlds_of(const job_layout& where, bool each);

/// Requires: one of them holds the task.
const mpi_world& world_of(const std::vector<mpi_world>& worlds, uint32_t task);

/// What tells the names of a world from those of the job's others: ".2"; "" of one that is whole.
std::string suffix_of(const mpi_world& world);

/// For people: "rank 3", or "rank 3 of world 1 (task 5)".
std::string rank_text(const mpi_world& world, uint32_t rank);

} // namespace hactor
