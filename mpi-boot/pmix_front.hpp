// Where tasks knock: takes their connections at the broker's door, reads (without taking it) which
// job each is of, and joins it with libpmix's own socket once the library knows the job. So a job
// is made known to the library by its first task that asks. One thread, one epoll.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/error.hpp"

namespace hactor {

/// The job that a client names in its first bytes; "" while it has not.
std::string_view find_space(std::string_view bytes);

class pmix_front {
public:
  /// `door`: a listening socket; `port`: of the library. `knocked` hears of each job once, and the
  /// front is told by let_in or turn_away.
  pmix_front(int door, uint16_t port, std::function<void(const std::string&)> knocked);

  /// Also calls `ready` when `fd` can be read.
  void watch(int fd, std::function<void()> ready);

  /// The library knows the job: joins all of it that wait and come.
  void let_in(const std::string& space);
  /// There is no such job; or no more.
  void turn_away(const std::string& space);

  /// Serves for ever.
  [[noreturn]] void run();

private:
  /// A task's connection and ours to the library, and what could not be passed on yet.
  struct link {
    int ends[2];
    std::string rest[2]; // for each end
  };

  void add(int fd, uint32_t events);
  void accept_all();
  void read_name(int fd);
  void join(int fd);
  void pass(const std::shared_ptr<link>& l, int from);
  void flush(const std::shared_ptr<link>& l, int to);
  void close_link(const std::shared_ptr<link>& l);
  void on_event(int fd, uint32_t events);

  int epoll_;
  int door_;
  uint16_t port_;
  std::function<void(const std::string&)> knocked_;
  int watched_ = -1;
  std::function<void()> ready_;
  std::set<std::string> known_;
  std::set<int> nameless_;                                    // have not said which job's
  std::unordered_map<std::string, std::vector<int>> waiting_; // by job
  std::unordered_map<int, std::shared_ptr<link>> links_;      // by either end
};

} // namespace hactor
