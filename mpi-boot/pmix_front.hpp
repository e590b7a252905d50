// Where tasks knock: takes their connections at the broker's door, reads (without taking it) which
// job each is of, and joins it with libpmix's own socket once the library knows the job. So a job
// is made known to the library by its first task that asks. The library's thread reads a client's
// greeting to its end before it does anything else, so what passes it on has a thread of its own,
// which never waits for the library.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace hactor {

/// The job that a client names in its first bytes; "" while it has not.
std::string_view find_space(std::string_view bytes);

class pmix_front {
public:
  /// `door`: a listening socket; `port`: of the library. `knocked` hears of each job once, in the
  /// front's thread, and the front is told by let_in or turn_away.
  pmix_front(int door, uint16_t port, std::function<void(const std::string&)> knocked);

  /// The library knows the job: joins all of it that wait and come. From any thread.
  void let_in(const std::string& space) { decide(space, true); }
  /// There is no such job; or no more. From any thread.
  void turn_away(const std::string& space) { decide(space, false); }

  /// Serves for ever, in a thread of its own.
  [[noreturn]] void run();

private:
  /// A task's connection and ours to the library, and what could not be passed on yet.
  struct link {
    int ends[2];
    std::string rest[2]; // for each end
  };

  void decide(const std::string& space, bool known);
  void take_decisions();
  void add(int fd, uint32_t events);
  void accept_all();
  void read_name(int fd);
  void join(int fd);
  void pass(const std::shared_ptr<link>& l, int from);
  void flush(const std::shared_ptr<link>& l, int to);
  void close_link(const std::shared_ptr<link>& l);
  void on_event(int fd, uint32_t events);

  int epoll_;
  int decided_; // an eventfd: there are decisions
  int door_;
  uint16_t port_;
  std::function<void(const std::string&)> knocked_;
  std::mutex mutex_; // guards decisions_; all else is of the thread that runs
  std::vector<std::pair<std::string, bool>> decisions_; // jobs, and whether they are known
  std::set<std::string> known_;
  std::set<int> nameless_;                                    // have not said which job's
  std::unordered_map<std::string, std::vector<int>> waiting_; // by job
  std::unordered_map<int, std::shared_ptr<link>> links_;      // by either end
};

} // namespace hactor
