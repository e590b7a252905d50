// The end of a broker has a deadline. CAF waits without one for its actors, and MPI for its peers;
// an instance that is over must not keep its nodes because one of them does not come.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace hactor {

class end_guard {
public:
  end_guard() = default;
  end_guard(const end_guard&) = delete;
  end_guard& operator=(const end_guard&) = delete;
  ~end_guard(); // the end came in time

  /// From now on the process ends within `patience`, by force if need be: then with `code` and a
  /// line in the log that holds what `waits_for` says (called from another thread).
  void begin(int code, std::chrono::milliseconds patience, std::function<std::string()> waits_for);

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  std::thread thread_;
};

} // namespace hactor
