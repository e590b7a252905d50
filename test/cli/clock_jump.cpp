// Preloaded by clock_jumps.sh: moves the wall clock of a process by the seconds that stand in the
// file HACTOR_TEST_CLOCK, as they stand there at each look, so that it jumps while programs run.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <cstdint>
#include <cstdlib>
#include <ctime>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

/// The file's first page; its text ends with a space.
const char* map_offset() {
  auto* name = std::getenv("HACTOR_TEST_CLOCK");
  auto fd = name == nullptr ? -1 : ::open(name, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return nullptr;
  auto* page = ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0);
  ::close(fd);
  return page == MAP_FAILED ? nullptr : static_cast<const char*>(page);
}

} // namespace

extern "C" int clock_gettime(clockid_t which, timespec* to) noexcept {
  static const char* const offset = map_offset();
  auto result = static_cast<int>(::syscall(SYS_clock_gettime, which, to));
  if (result == 0 && which == CLOCK_REALTIME && offset != nullptr)
    to->tv_sec += std::strtoll(offset, nullptr, 10);
  return result;
}
