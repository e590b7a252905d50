// See poller.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/poller.hpp"

#include <pthread.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace hactor {

namespace {

constexpr uint64_t bell_mark = ~uint64_t{0};

uint64_t mark_of(int fd, uint32_t generation) {
  return uint64_t{generation} << 32 | static_cast<uint32_t>(fd);
}

int wait(int epoll_fd, epoll_event* events, int count, int64_t timeout_ns) {
  if (timeout_ns <= 0)
    return epoll_wait(epoll_fd, events, count, timeout_ns < 0 ? -1 : 0);
  timespec limit{static_cast<time_t>(timeout_ns / 1'000'000'000),
                 static_cast<long>(timeout_ns % 1'000'000'000)};
  int result = epoll_pwait2(epoll_fd, events, count, &limit, nullptr);
  if (result < 0 && errno == ENOSYS) // Linux before 5.11 counts in milliseconds
    result = epoll_wait(epoll_fd, events, count, static_cast<int>(timeout_ns / 1'000'000) + 1);
  return result;
}

} // namespace

caf::expected<std::unique_ptr<poller>> poller::make() {
  auto own = bell::make();
  if (!own)
    return own.error();
  int fd = epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0)
    return make_errno_error(ec::system_failed, "epoll_create1", errno);
  std::unique_ptr<poller> result{new poller(fd, *own)};
  epoll_event event{};
  // Edge triggered: each ring is an edge, so that the counter need never be read back.
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = bell_mark;
  if (epoll_ctl(fd, EPOLL_CTL_ADD, (*own)->event_fd(), &event) != 0)
    return make_errno_error(ec::system_failed, "epoll_ctl of the bell", errno);
  return {std::move(result)};
}

poller::poller(int epoll_fd, std::shared_ptr<bell> own)
  : epoll_fd_(epoll_fd), bell_(std::move(own)) {}

poller::~poller() {
  close(epoll_fd_);
}

bool poller::is_own_thread() const {
  return thread_.load(std::memory_order_relaxed) == static_cast<uint64_t>(pthread_self());
}

caf::expected<void> poller::watch(int fd, uint32_t events, std::shared_ptr<handler> what) {
  HACTOR_CHECK(what != nullptr);
  std::lock_guard guard{mutex_};
  auto generation = next_generation_++;
  HACTOR_CHECK(entries_.find(fd) == entries_.end());
  epoll_event event{};
  event.events = events;
  event.data.u64 = mark_of(fd, generation);
  if (epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) != 0)
    return make_errno_error(ec::system_failed, "epoll_ctl ADD", errno);
  entries_.emplace(fd, entry{std::move(what), generation});
  return caf::unit;
}

caf::expected<void> poller::modify(int fd, uint32_t events) {
  std::lock_guard guard{mutex_};
  auto i = entries_.find(fd);
  if (i == entries_.end())
    return make_error(ec::system_failed, "poller: the descriptor is not watched");
  epoll_event event{};
  event.events = events;
  event.data.u64 = mark_of(fd, i->second.generation);
  if (epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd, &event) != 0)
    return make_errno_error(ec::system_failed, "epoll_ctl MOD", errno);
  return caf::unit;
}

void poller::unwatch(int fd) {
  std::shared_ptr<handler> last; // dies outside of the lock
  std::lock_guard guard{mutex_};
  auto i = entries_.find(fd);
  if (i == entries_.end())
    return;
  last = std::move(i->second.what);
  entries_.erase(i);
  epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
}

void poller::post(std::function<void()> what) {
  {
    std::lock_guard guard{mutex_};
    posted_.push_back(std::move(what));
    posted_count_.fetch_add(1, std::memory_order_seq_cst);
  }
  wake();
}

bool poller::run_posted() {
  thread_.store(static_cast<uint64_t>(pthread_self()), std::memory_order_relaxed);
  if (!has_posted())
    return false;
  {
    std::lock_guard guard{mutex_};
    running_.swap(posted_);
    posted_count_.store(0, std::memory_order_seq_cst);
  }
  for (auto& f : running_)
    f();
  running_.clear();
  return true;
}

bool poller::poll(int64_t timeout_ns) {
  thread_.store(static_cast<uint64_t>(pthread_self()), std::memory_order_relaxed);
  std::array<epoll_event, 64> events;
  int count = wait(epoll_fd_, events.data(), static_cast<int>(events.size()), timeout_ns);
  for (int i = 0; i < count; ++i) {
    auto& x = events[static_cast<size_t>(i)];
    if (x.data.u64 == bell_mark)
      continue;
    std::shared_ptr<handler> what;
    {
      std::lock_guard guard{mutex_};
      auto found = entries_.find(static_cast<int>(x.data.u64 & 0xffffffffu));
      // Unwatched by an earlier handler of this round, or a new user of the same number.
      if (found == entries_.end() || found->second.generation != x.data.u64 >> 32)
        continue;
      what = found->second.what;
    }
    what->on_ready(x.events);
  }
  return count > 0;
}

} // namespace hactor
