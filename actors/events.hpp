// EVENTS: the actor around events_core. On the lead the stream comes from the journal. On another
// rank it comes from the parent in the tree of ranks, from when somebody here or below wants it
// until nobody does; what is older than that is read from the lead's archive. A rank whose parent
// was lost goes on with the lead itself.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <map>
#include <vector>

#include "actors/events_core.hpp"
#include "actors/interfaces.hpp"

namespace hactor {

struct events_setup {
  rank_t rank = 0;
  uint32_t fanout = 16;  // of the tree of ranks
  broker_actor broker;   // finds the parent and the archive; not needed on the lead
  archive_actor archive; // on the lead
  uint64_t next = 1;     // on the lead: number of the next event that the journal will commit
};

struct events_state : events_out {
  static inline const char* name = "events";
  using pointer = events_actor::stateful_pointer<events_state>;

  explicit events_state(pointer self) : self{self} {}
  void deliver(uint64_t subscriber, std::string lines, uint64_t next_sequence, bool end) override;
  void fetch(uint64_t subscriber, uint64_t since) override;

  // -- subscribers (events.cpp) -------------------------------------------------------------------
  void subscribe(const subscribe_request& r);
  uint64_t key_of(const caf::actor& subscriber, uint64_t tag);
  void drop(uint64_t key);

  // -- the tree (events_relay.cpp) ----------------------------------------------------------------
  bool has_stream() const { return setup.rank == 0 || upstream == source::running; }
  /// Asks for the stream unless it is there or asked for.
  void want_stream();
  void seek_parent(rank_t rank);
  void join_parent(rank_t rank, const rank_services& lead);
  void begin(uint64_t next_sequence);
  /// Gives the stream up when nobody wants it.
  void rest();
  void on_batch(event_batch& b);
  void on_down(const caf::actor_addr& who);
  caf::result<relay_begin> add_relay(const relay_request& r);
  void remove_relay(const caf::actor_addr& relay);

  struct who {
    caf::actor handle;
    uint64_t tag;
  };
  enum class source : uint8_t { none, asked, running };

  pointer self;
  events_setup setup;
  archive_actor archive; // of the lead; known once the stream is there
  events_core core;
  std::map<std::pair<caf::actor_addr, uint64_t>, uint64_t> keys;
  std::map<uint64_t, who> subscribers;
  uint64_t last_key = 0;
  source upstream = source::none;
  caf::actor parent;
  rank_t parent_rank = 0;
  std::vector<caf::actor> relays; // children that have the stream from us
  std::vector<subscribe_request> waiting; // for the stream
  std::vector<std::pair<caf::actor, caf::typed_response_promise<relay_begin>>> waiting_relays;
  int64_t published = 0;
};

events_actor::behavior_type events_service(events_state::pointer self, events_setup setup);

} // namespace hactor
