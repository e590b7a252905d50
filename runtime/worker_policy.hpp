// How CAF's workers share their actors: what an actor wakes first is taken next by the same worker,
// everything else waits in one queue for whoever is free. CAF's own work sharing wakes another
// worker for each message of a chain, although the one that sends is free a moment later.
//
// A policy for caf::scheduler::coordinator; what the members mean is in caf/policy/unprofiled.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>

#include <caf/policy/unprofiled.hpp>
#include <caf/resumable.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

#include "runtime/memory.hpp"

namespace hactor {

class worker_policy : public caf::policy::unprofiled {
public:
  struct coordinator_data {
    explicit coordinator_data(caf::scheduler::abstract_coordinator*) {}
    std::mutex mutex;
    std::condition_variable filled;
    std::deque<caf::resumable*> queue;
    size_t asleep = 0;
    sleepers workers{[this] {
      std::lock_guard guard{mutex};
      filled.notify_all();
    }};
  };

  struct worker_data {
    explicit worker_data(caf::scheduler::abstract_coordinator*) {}
    caf::resumable* next = nullptr; // only the worker's own thread touches it
    int in_a_row = 0;               // taken from `next` since the queue was last looked at
  };

  template <class Coordinator>
  void central_enqueue(Coordinator* self, caf::resumable* job) {
    auto& all = d(self);
    bool wake = false;
    {
      std::lock_guard guard{all.mutex};
      all.queue.push_back(job);
      wake = all.asleep > 0;
    }
    if (wake)
      all.filled.notify_one();
  }

  template <class Worker>
  void external_enqueue(Worker* self, caf::resumable* job) {
    central_enqueue(self->parent(), job);
  }

  template <class Worker>
  void internal_enqueue(Worker* self, caf::resumable* job) {
    auto& own = d(self);
    if (own.next == nullptr)
      own.next = job;
    else
      central_enqueue(self->parent(), job);
  }

  template <class Worker>
  void resume_job_later(Worker* self, caf::resumable* job) {
    if (d(self).next != nullptr)
      return central_enqueue(self->parent(), job);
    // This worker looks at the queue next: nobody else need wake for it.
    auto& all = d(self->parent());
    std::lock_guard guard{all.mutex};
    all.queue.push_back(job);
  }

  template <class Worker>
  caf::resumable* dequeue(Worker* self) {
    auto& own = d(self);
    // Two actors that keep each other busy must not keep all others waiting.
    constexpr int in_a_row_max = 32;
    if (own.next != nullptr && own.in_a_row < in_a_row_max) {
      ++own.in_a_row;
      return std::exchange(own.next, nullptr);
    }
    own.in_a_row = 0;
    auto& all = d(self->parent());
    std::unique_lock guard{all.mutex};
    if (own.next != nullptr)
      all.queue.push_back(std::exchange(own.next, nullptr));
    while (all.queue.empty()) {
      guard.unlock();
      auto again_ns = on_idle_thread();
      guard.lock();
      if (!all.queue.empty())
        break;
      ++all.asleep;
      if (again_ns < 0)
        all.filled.wait(guard);
      else
        all.filled.wait_for(guard, std::chrono::nanoseconds{again_ns});
      --all.asleep;
    }
    auto job = all.queue.front();
    all.queue.pop_front();
    return job;
  }

  template <class Worker, class F>
  void foreach_resumable(Worker* self, F f) {
    if (auto job = std::exchange(d(self).next, nullptr))
      f(job);
  }

  template <class Coordinator, class F>
  void foreach_central_resumable(Coordinator* self, F f) {
    std::deque<caf::resumable*> rest;
    {
      std::lock_guard guard{d(self).mutex};
      rest.swap(d(self).queue);
    }
    for (auto job : rest)
      f(job);
  }
};

} // namespace hactor
