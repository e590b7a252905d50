// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/end_guard.hpp"

#include <pthread.h>
#include <unistd.h>

#include "runtime/log.hpp"

namespace hactor {

end_guard::~end_guard() {
  if (!thread_.joinable())
    return;
  {
    std::lock_guard guard{mutex_};
    over_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void end_guard::begin(int code, std::chrono::milliseconds patience,
                      std::function<std::string()> waits_for) {
  thread_ = std::thread{[this, code, patience, waits_for = std::move(waits_for)] {
    pthread_setname_np(pthread_self(), "hactor-end");
    std::unique_lock guard{mutex_};
    if (changed_.wait_for(guard, patience, [this] { return over_; }))
      return;
    log_error("the end takes longer than {} s ({}): what is left is given up",
              static_cast<double>(patience.count()) / 1000, waits_for());
    ::_exit(code);
  }};
}

} // namespace hactor
