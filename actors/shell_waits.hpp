// What a job waits for on one node, as its shell knows it. Called by shell.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include "actors/shell.hpp"

namespace hactor {

/// Tasks that have not started, run, are told to end or do not come to MPI_Init; then what is left
/// beside them. Names processes that the kernel or a signal holds.
job_waits_reply waits_of(const shell_state& st);

} // namespace hactor
