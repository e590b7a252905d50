// EVENTS: the actor around events_core. Lead rank.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <map>

#include "actors/events_core.hpp"
#include "actors/interfaces.hpp"

namespace hactor {

struct events_state : events_out {
  static inline const char* name = "events";

  explicit events_state(events_actor::stateful_pointer<events_state> self) : self{self} {}
  void deliver(uint64_t subscriber, std::string lines, uint64_t next_sequence, bool end) override;
  void fetch(uint64_t subscriber, uint64_t since) override;
  uint64_t key_of(const caf::actor& subscriber, uint64_t tag);
  void drop(uint64_t key);

  struct who {
    caf::actor handle;
    uint64_t tag;
  };
  events_actor::stateful_pointer<events_state> self;
  archive_actor archive;
  events_core core;
  std::map<std::pair<caf::actor_addr, uint64_t>, uint64_t> keys;
  std::map<uint64_t, who> subscribers;
  uint64_t last_key = 0;
  int64_t published = 0;
};

/// `next` is the number of the next event that the journal will commit.
events_actor::behavior_type events_service(events_actor::stateful_pointer<events_state> self,
                                           archive_actor archive, uint64_t next);

} // namespace hactor
