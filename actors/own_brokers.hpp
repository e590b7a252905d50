// Jobs that hold an instance with brokers of its own (hactor start --boot=mpi): it is none of those
// that the brokers here serve, which know of it by a note beside the job only. Callers: the
// connector, the job manager.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include "actors/messages.hpp"

namespace hactor {

/// True when the job is noted to hold such an instance.
bool has_own_brokers(const job_summary& s);

} // namespace hactor
