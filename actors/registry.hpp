// The one place that tells CAF of our message types and error codes; called by hactor-start and by
// test fixtures.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <caf/fwd.hpp>

namespace hactor {

void register_messages(caf::actor_system_config& config);

} // namespace hactor
