// What every listening socket on the poller does when somebody waits there: accepts in batches, and
// turns away instead of spinning when the process has no descriptor left.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <functional>

namespace hactor {

class accept_loop {
public:
  accept_loop();
  accept_loop(const accept_loop&) = delete;
  accept_loop& operator=(const accept_loop&) = delete;
  ~accept_loop();

  /// Hands over who waits, as non-blocking descriptors that `take` owns; a batch at most. Ends when
  /// `listening` becomes negative meanwhile.
  void run(const int& listening, const std::function<void(int fd)>& take);

private:
  void refuse_one(int listening);

  int reserve_fd_; // given up for a moment to turn a client away when no descriptor is free
};

} // namespace hactor
