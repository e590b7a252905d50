// Actors that take their turn on the transport thread. What a message from a peer or a client wakes
// is mostly over in microseconds, and waking a worker for it costs more than its turn: two wake-ups
// of six in a round trip, and half of the context switches of a short job. An actor that turns out
// to be slow, or that has more to do than a few messages, goes to the workers.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <unordered_map>
#include <vector>

#include <caf/fwd.hpp>
#include <caf/resumable.hpp>

namespace hactor {

/// All members belong to the transport thread.
class guests {
public:
  guests(caf::actor_system& system, caf::execution_unit& here) : system_(system), here_(here) {}
  guests(const guests&) = delete;
  guests& operator=(const guests&) = delete;
  ~guests();

  /// Takes over one reference to an actor that has become ready.
  void add(caf::resumable* actor) { ready_.push_back(actor); }
  bool empty() const { return ready_.empty(); }

  /// Lets all that are ready take their turn, with those that they wake. Returns whether there was
  /// one.
  bool run();

private:
  bool takes_turn_here(caf::resumable* actor);

  caf::actor_system& system_;
  caf::execution_unit& here_;
  std::vector<caf::resumable*> ready_;
  std::unordered_map<caf::resumable*, int> slow_; // turns that each is still sent to the workers
};

} // namespace hactor
