// BROKER: a rank's root actor. Peers are dialled on first need, by the higher rank; every rank
// dials the lead when it starts, and through the lead asks a higher rank to dial. A lost peer is
// told to the actors here; a lost lead ends this rank.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/interfaces.hpp"

namespace hactor {

/// What a broker is told at its start.
struct broker_setup {
  rank_t rank = 0;
  uint32_t size = 1;
  uint32_t fanout = 16;
  std::vector<std::string> hosts; // by rank
  /// The instance is to end. On the lead: true when nothing runs any more and the others may be
  /// told; false: what runs is being ended, and who does that asks again.
  std::function<bool(std::string)> on_shutdown;
  std::function<void(rank_t)> on_peer_lost; // not the lead; the transport may know
  std::function<void()> on_lead_lost;
};

struct broker_state {
  static inline const char* name = "broker";
  using pointer = broker_actor::stateful_pointer<broker_state>;

  broker_setup setup;
  rank_services own;
  std::map<rank_t, rank_services> peers;
  std::set<rank_t> lost;
  std::set<rank_t> dialling;
  caf::error refusal;       // of us, by a peer of another version; then nobody is dialled any more
  std::set<rank_t> refused; // by us
  std::multimap<rank_t, dial_request> dials; // on the lead: to ranks that it has not met
  struct waiter {
    int64_t give_up_ns;
    caf::typed_response_promise<rank_services> promise;
  };
  std::multimap<rank_t, waiter> waiting;
  std::vector<caf::typed_response_promise<done>> wait_for_all;
  int64_t all_deadline_ns = 0;
  std::map<std::string, caf::actor> named;
  bool ticking = false;
  std::optional<shutdown_request> end; // once it has begun
  std::set<rank_t> untold;             // of the end: they, or a rank beneath them
  std::vector<caf::typed_response_promise<done>> wait_until_told;
};

/// It answers for this rank once it has been told local_services.
broker_actor::behavior_type broker_service(broker_state::pointer self, broker_setup setup);

} // namespace hactor
