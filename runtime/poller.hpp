// The one place in which the transport thread sleeps: an epoll set that wakes at once for a local
// post, a socket, a peer's doorbell or a peer's death. Every instance has one, also of size 1.
//
// watch, modify, unwatch, post and wake are safe from every thread; poll and run_posted belong to
// the transport thread, on which all handlers and posted functions run.
//
// No wake-up is lost: the sleeper raises bell().sleeping, looks at all its queues once more, and
// only then waits; who fills a queue looks at the flag afterwards (both with full fences).
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "runtime/bell.hpp"
#include "runtime/error.hpp"

namespace hactor {

class poller {
public:
  /// What happens when a watched descriptor is ready.
  class handler {
  public:
    virtual ~handler() = default;
    /// `events` as epoll reports them (EPOLLIN, EPOLLOUT, EPOLLHUP, ...); level triggered.
    virtual void on_ready(uint32_t events) = 0;
  };

  /// Errors: ec::system_failed.
  static caf::expected<std::unique_ptr<poller>> make();
  poller(const poller&) = delete;
  poller& operator=(const poller&) = delete;
  ~poller();

  /// Watches `fd` until unwatch; the poller shares the handler. Requires: `fd` is not watched.
  /// Errors: ec::system_failed.
  caf::expected<void> watch(int fd, uint32_t events, std::shared_ptr<handler> what);

  /// Changes what is watched for; 0 leaves only hang-ups and errors. Errors: ec::system_failed.
  caf::expected<void> modify(int fd, uint32_t events);

  /// Stops watching; nothing happens when `fd` is not watched. From a handler or by way of post,
  /// no call of its handler follows. From another thread, a call that has begun may still be
  /// running: close the descriptor in a posted function.
  void unwatch(int fd);

  /// Runs the function on the transport thread, after what was posted before.
  void post(std::function<void()> what);

  /// Makes a sleeping transport thread look at its queues.
  void wake() { bell_->ring(); }

  /// What peers and other threads ring.
  const std::shared_ptr<bell>& own_bell() const { return bell_; }

  /// True on the thread that last called poll or run_posted.
  bool is_own_thread() const;

  /// Runs what was posted. Returns whether there was anything.
  bool run_posted();

  /// True when run_posted would find something.
  bool has_posted() const { return posted_count_.load(std::memory_order_acquire) != 0; }

  /// Waits at most `timeout_ns` (0: only looks; negative: for ever) and calls the handlers of what
  /// is ready. Returns whether a handler ran or the bell rang.
  bool poll(int64_t timeout_ns);

private:
  struct entry {
    std::shared_ptr<handler> what;
    uint32_t generation;
  };

  poller(int epoll_fd, std::shared_ptr<bell> own);

  int epoll_fd_;
  std::shared_ptr<bell> bell_;
  std::mutex mutex_;
  std::unordered_map<int, entry> entries_;
  uint32_t next_generation_ = 1;
  std::vector<std::function<void()>> posted_;
  std::vector<std::function<void()>> running_; // transport thread only
  std::atomic<uint32_t> posted_count_{0};
  std::atomic<uint64_t> thread_{0};
};

} // namespace hactor
