// Who owns a state directory: a file with flock, which the kernel drops with its holder however
// that ends, and a line that tells a second comer whom to ask. Caller: journal.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include "runtime/error.hpp"

namespace hactor {

class owner_lock {
public:
  owner_lock() = default;
  owner_lock(owner_lock&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  owner_lock& operator=(owner_lock&& other) noexcept;
  ~owner_lock();

  /// Takes the lock `directory`/owner and writes "pid host seconds-since-epoch `who`" into it; what
  /// a dead owner left is taken over, and said in `notes`. Blocks for up to a second where another
  /// process of this host has it, which may be about to end. Errors: ec::busy (names the owner),
  /// ec::store_failed.
  static caf::expected<owner_lock> take(const std::string& directory, const std::string& who,
                                        std::vector<std::string>* notes);

private:
  int fd_ = -1;
};

} // namespace hactor
