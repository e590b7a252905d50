// The end of an allocation of PBS, LSF or Flux, which must be asked for.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "actors/task_host.hpp"

namespace hactor {

/// Asks the batch system around us when what it has granted ends, and says what it answered in the
/// log. Returns seconds since the epoch; nothing when there is none, it does not know, or has not
/// answered within 3 s: then the instance has no end. Blocks. Requires: tasks can be started.
std::optional<double> ask_batch_system(task_host& tasks, int64_t now_s);

} // namespace hactor
