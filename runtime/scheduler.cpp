// See scheduler.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/scheduler.hpp"

#include <pthread.h>

namespace hactor {

void quiet_clock::note(caf::abstract_actor* self) {
  std::lock_guard guard{mutex_};
  users_.insert(self);
}

void quiet_clock::set_ordinary_timeout(time_point t, caf::abstract_actor* self,
                                       caf::atom_value type, uint64_t id) {
  note(self);
  super::set_ordinary_timeout(t, self, type, id);
}

void quiet_clock::set_request_timeout(time_point t, caf::abstract_actor* self,
                                      caf::message_id id) {
  note(self);
  super::set_request_timeout(t, self, id);
}

void quiet_clock::set_multi_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type,
                                    uint64_t id) {
  note(self);
  super::set_multi_timeout(t, self, type, id);
}

void quiet_clock::cancel_timeouts(caf::abstract_actor* self) {
  {
    std::lock_guard guard{mutex_};
    if (users_.erase(self) == 0)
      return;
  }
  super::cancel_timeouts(self);
}

// The base has a clock and a thread of its own, which nobody uses: the thread sleeps to the end.
void scheduler::start() {
  timer_ = std::thread{[this] {
    pthread_setname_np(pthread_self(), "hactor-clock");
    clock_.run_dispatch_loop();
  }};
  super::start();
}

void scheduler::stop() {
  super::stop();
  clock_.cancel_dispatch_loop();
  timer_.join();
}

} // namespace hactor
