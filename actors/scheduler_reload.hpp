// A scheduler that is taken out of use and another that takes its place, while jobs run.
// Caller: scheduler.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include "actors/scheduler.hpp"

namespace hactor {

caf::result<scheduler_reply> change_scheduler(scheduler_state& st, const scheduler_request& r);

} // namespace hactor
