// RESOURCE: what the instance has, what is lost, what is drained. The scheduler is told of every
// change; drains are kept in the journal.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>

#include "actors/interfaces.hpp"
#include "actors/rank_map.hpp"
#include "actors/resource_core.hpp"

namespace hactor {

/// What the actor is started with.
struct resource_setup {
  scheduler_actor scheduler;
  journal_actor journal;
  rset all;
  rank_map where; // of the nodes
  std::string drains; // as drain_table wrote them before; "" at the first start
  std::string title = "resource"; // in the log
};

/// The name in the journal's meta under which drains are kept.
inline constexpr auto drains_key = "drains";

struct resource_state {
  static inline const char* name = "resource";
  using pointer = resource_actor::stateful_pointer<resource_state>;

  explicit resource_state(pointer self) : self{self} {}
  void tell_scheduler();
  /// Nodes of brokers that were lost are down. False: nothing has changed.
  bool find_down();
  void take_nodes(const nodes_changed& c);

  pointer self;
  scheduler_actor scheduler;
  journal_actor journal;
  rset all;
  idset down;
  idset lost; // brokers
  drain_table drains;
  rank_map where;
  uint32_t changes_due = 0;   // that the scheduler has not answered
  bool telling_waits = false; // for them
  std::vector<nodes_changed> changed_meanwhile;
  std::string title;          // in the log
};

resource_actor::behavior_type resource_service(resource_state::pointer self, resource_setup setup);

} // namespace hactor
