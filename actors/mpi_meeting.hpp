// How the tasks of an MPI program come together on one node, for what people are told of it: that
// some have asked for the others (MPI_Init) and others have not, and that the MPI is one of which
// it is known that it does not work. Called by actors/shell.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "actors/mpi_world.hpp"

namespace hactor {

struct mpi_meeting {
  mpi_world world;
  std::set<uint32_t> came{}; // task ranks of this node
  bool begun = false;       // somebody has come
  int64_t note_ns = 0;      // when those that have not come are named; 0: never, or it is done
  int64_t end_ns = 0;       // when the job ends without them; 0: never
  int64_t look_ns = 0;      // when it is looked at next; 0: never again
};

/// What is known against the MPI among the files that a process has mapped (the text of
/// /proc/PID/maps), and what works; "" when nothing is.
std::string known_mpi_fault(std::string_view maps);

/// The same of a process and of those that it has started, one below the other: a task may be a
/// script. "" also when they cannot be looked at.
std::string known_mpi_fault_of(pid_t pid);

/// Says who has come and who has not (`missing`, task ranks): "on HOST rank 0 of 4 called MPI_Init,
/// and ranks 1-3 did not".
std::string missing_ranks_text(const mpi_meeting& m, const std::vector<uint32_t>& missing,
                               const std::string& host);

} // namespace hactor
