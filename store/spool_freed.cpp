// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/spool_freed.hpp"

#include <array>

#include <fcntl.h>
#include <unistd.h>

namespace hactor {

namespace {

constexpr size_t count_bytes = sizeof(uint64_t);

} // namespace

void spool_freed::load(const std::string& directory) {
  path_ = directory + "/freed";
  const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return;
  std::array<uint64_t, 512> counts{};
  uint32_t segment = 0;
  for (ssize_t n = 0; (n = ::read(fd, counts.data(), sizeof counts)) > 0;)
    for (size_t i = 0; i < static_cast<size_t>(n) / count_bytes; ++i, ++segment)
      if (counts[i] != 0)
        bytes_[segment] = counts[i];
  ::close(fd);
}

uint64_t spool_freed::of(uint32_t segment) const {
  const auto at = bytes_.find(segment);
  return at == bytes_.end() ? 0 : at->second;
}

void spool_freed::add(uint32_t segment, uint64_t bytes) {
  bytes_[segment] += bytes;
  changed_.insert(segment);
}

void spool_freed::reset(uint32_t segment) {
  bytes_.erase(segment);
  changed_.insert(segment);
}

void spool_freed::save() {
  if (changed_.empty())
    return;
  const int fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    return;
  std::erase_if(changed_, [this, fd](uint32_t segment) {
    const auto count = of(segment);
    return pwrite(fd, &count, count_bytes, static_cast<off_t>(segment * count_bytes))
           == static_cast<ssize_t>(count_bytes);
  });
  ::close(fd);
}

} // namespace hactor
