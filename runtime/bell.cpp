// See bell.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/bell.hpp"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <new>

namespace hactor {

namespace {

constexpr size_t page_size = 4096;
static_assert(std::atomic<uint32_t>::is_always_lock_free); // it is shared between processes

} // namespace

caf::expected<std::shared_ptr<bell>> bell::make() {
  int memory = memfd_create("hactor-bell", MFD_CLOEXEC);
  if (memory < 0)
    return make_errno_error(ec::system_failed, "memfd_create", errno);
  int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event < 0 || ftruncate(memory, page_size) != 0) {
    auto error = make_errno_error(ec::system_failed, "eventfd or ftruncate of a bell", errno);
    close(memory);
    if (event >= 0)
      close(event);
    return error;
  }
  return adopt(memory, event);
}

caf::expected<std::shared_ptr<bell>> bell::adopt(int memory_fd, int event_fd) {
  void* page = mmap(nullptr, page_size, PROT_READ | PROT_WRITE, MAP_SHARED, memory_fd, 0);
  if (page == MAP_FAILED) {
    auto error = make_errno_error(ec::system_failed, "mmap of a bell", errno);
    close(memory_fd);
    close(event_fd);
    return error;
  }
  // The page is zero when it is new, and zero is a valid flag.
  auto flag = static_cast<std::atomic<uint32_t>*>(page);
  return std::shared_ptr<bell>{new bell(memory_fd, event_fd, flag)};
}

bell::~bell() {
  munmap(sleeping_, page_size);
  close(memory_fd_);
  close(event_fd_);
}

void bell::ring() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (sleeping_->load(std::memory_order_relaxed) == 0 || sleeping_->exchange(0) == 0)
    return;
  uint64_t one = 1;
  // It fails only when the counter is full (2^64 - 2 rings): then the owner is awake anyway.
  [[maybe_unused]] auto written = write(event_fd_, &one, sizeof one);
}

} // namespace hactor
