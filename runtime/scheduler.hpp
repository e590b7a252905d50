// CAF's scheduler with hactor's policy (worker_policy.hpp) and a clock that lets actors end in
// peace: CAF tells its clock thread of every actor that ends, which wakes it, although few actors
// have a timeout pending. A short job is an actor that ends.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <mutex>
#include <thread>
#include <unordered_set>

#include <caf/detail/thread_safe_actor_clock.hpp>
#include <caf/scheduler/coordinator.hpp>

#include "runtime/worker_policy.hpp"

namespace hactor {

/// Passes a cancellation of all timeouts on only for actors that ever set one.
class quiet_clock final : public caf::detail::thread_safe_actor_clock {
public:
  using super = caf::detail::thread_safe_actor_clock;

  void set_ordinary_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type,
                            uint64_t id) override;
  void set_request_timeout(time_point t, caf::abstract_actor* self, caf::message_id id) override;
  void set_multi_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type,
                         uint64_t id) override;
  void cancel_timeouts(caf::abstract_actor* self) override;

private:
  void note(caf::abstract_actor* self);

  std::mutex mutex_;
  std::unordered_set<caf::abstract_actor*> users_; // have set a timeout and not ended
};

class scheduler final : public caf::scheduler::coordinator<worker_policy> {
public:
  using super = caf::scheduler::coordinator<worker_policy>;
  using super::super;

  quiet_clock& clock() noexcept override { return clock_; }

protected:
  void start() override;
  void stop() override;

private:
  quiet_clock clock_;
  std::thread timer_;
};

} // namespace hactor
