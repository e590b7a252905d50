// RESOURCE: the instance's inventory, and which of it is up. Lead rank.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include "actors/interfaces.hpp"

namespace hactor {

struct resource_state {
  static inline const char* name = "resource";
  using pointer = resource_actor::stateful_pointer<resource_state>;

  resource_state() {} // not an aggregate: CAF would try to make its first member of the actor

  scheduler_actor scheduler;
  rset all;
  idset down;
  uint32_t brokers = 1;
};

/// `all` is handed to the scheduler at once. Nodes beyond the brokers (fake ones) are hosted at
/// rank modulo `brokers`, and lost with it.
resource_actor::behavior_type resource_service(resource_state::pointer self,
                                               scheduler_actor scheduler, rset all,
                                               uint32_t brokers);

} // namespace hactor
