// A bell wakes one transport thread, from another thread or from another process of the same node:
// a flag in shared memory that says whether its owner sleeps, and an eventfd that is written only
// then. Neither has a name, so that nothing is left behind, however a process ends.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "runtime/error.hpp"

namespace hactor {

class bell {
public:
  /// Makes a bell of our own. Errors: ec::system_failed.
  static caf::expected<std::shared_ptr<bell>> make();

  /// Makes the bell of a peer from the two descriptors that it sent, which it takes over.
  /// Errors: ec::system_failed.
  static caf::expected<std::shared_ptr<bell>> adopt(int memory_fd, int event_fd);

  bell(const bell&) = delete;
  bell& operator=(const bell&) = delete;
  ~bell();

  /// Wakes the owner if it sleeps or is about to. What it shall find must be written before.
  void ring();

  /// For the owner: look at all queues between the two, and sleep only when they are empty.
  void about_to_sleep() {
    sleeping_->store(1, std::memory_order_seq_cst);
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }
  void awake() { sleeping_->store(0, std::memory_order_relaxed); }

  int memory_fd() const { return memory_fd_; }
  int event_fd() const { return event_fd_; }

private:
  bell(int memory_fd, int event_fd, std::atomic<uint32_t>* sleeping)
    : memory_fd_(memory_fd), event_fd_(event_fd), sleeping_(sleeping) {}

  int memory_fd_;
  int event_fd_;
  std::atomic<uint32_t>* sleeping_;
};

} // namespace hactor
