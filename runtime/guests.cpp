// See guests.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/guests.hpp"

#include <caf/actor_system.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

#include "runtime/clock.hpp"

namespace hactor {

namespace {

/// Actors that take their turn in one round, a chain of them included, and messages that each may
/// handle: bounds on how long sockets and peers wait.
constexpr size_t round_max = 16;
constexpr size_t messages_max = 16;

/// A turn that takes longer makes its actor slow, for so many turns. An actor may have died since
/// and another be in its place: then that one is taken for slow, which does no harm.
constexpr int64_t turn_ns_max = 200'000;
constexpr int slow_turns = 100;

} // namespace

guests::~guests() {
  for (auto actor : ready_)
    caf::scheduler::abstract_coordinator::cleanup_and_release(actor);
}

bool guests::takes_turn_here(caf::resumable* actor) {
  if (slow_.empty())
    return true;
  auto it = slow_.find(actor);
  if (it == slow_.end())
    return true;
  if (--it->second == 0)
    slow_.erase(it);
  return false;
}

bool guests::run() {
  if (ready_.empty())
    return false;
  auto& workers = system_.scheduler();
  for (size_t i = 0; i < ready_.size(); ++i) { // a turn may add to the list
    auto actor = ready_[i];
    if (i >= round_max || !takes_turn_here(actor)) {
      workers.enqueue(actor);
      continue;
    }
    auto begin_ns = steady_ns();
    auto result = actor->resume(&here_, messages_max);
    if (steady_ns() - begin_ns > turn_ns_max)
      slow_[actor] = slow_turns;
    if (result == caf::resumable::resume_later)
      workers.enqueue(actor);
    else if (result != caf::resumable::shutdown_execution_unit)
      caf::intrusive_ptr_release(actor);
  }
  ready_.clear();
  return true;
}

} // namespace hactor
