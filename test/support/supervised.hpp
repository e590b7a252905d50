// Runs a whole supervisor with a broker written in the test: doctest's process plays the launcher
// and the reaper of what should not be left, a child is the supervisor, its child the broker.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/descendants.hpp"
#include "actors/spawner.hpp"
#include "actors/spawner_client.hpp"
#include "actors/spawner_guard.hpp"
#include "runtime/clock.hpp"

namespace hactor::test {

inline int64_t now_ms() { return steady_ns() / 1'000'000; }

/// What the spawner told, by token, and a loop that waits for a condition with a deadline.
class test_broker : public spawner_listener {
public:
  struct failure {
    spawn_step step;
    int errno_value;
  };

  explicit test_broker(int fd) : client(fd, *this) {}

  void started(uint64_t token, pid_t pid) override {
    pids[token] = pid;
    if (on_started)
      on_started(token);
  }
  void failed(uint64_t token, spawn_step step, int error) override {
    failures[token] = {step, error};
  }
  void exited(uint64_t token, int status, const task_usage& u) override {
    statuses[token] = status;
    usage = u;
  }
  void swept(uint64_t left) override { swept_left = static_cast<int64_t>(left); }
  void lost() override { is_lost = true; }
  void write_blocked() override { ++blocked; }

  /// Serves the spawner until `done`, or ends the broker with 99 after `limit_ms`.
  void until(const std::function<bool()>& done, int64_t limit_ms = 20'000) {
    auto deadline = now_ms() + limit_ms;
    while (!done()) {
      pollfd wait{client.fd(), POLLIN, 0};
      if (client.wants_write())
        wait.events |= POLLOUT;
      auto left = deadline - now_ms();
      if (left <= 0) {
        std::fprintf(stderr, "broker: deadline passed\n");
        ::_exit(99);
      }
      ::poll(&wait, 1, static_cast<int>(left));
      if ((wait.revents & POLLOUT) != 0)
        client.on_writable();
      if ((wait.revents & ~POLLOUT) != 0)
        client.on_readable();
    }
  }

  spawn_request request(uint64_t token, std::vector<std::string> argv) {
    spawn_request r;
    r.token = token;
    r.argv = std::move(argv);
    r.set_env("PATH", "/usr/bin:/bin");
    return r;
  }
  spawn_request shell(uint64_t token, const std::string& script) {
    return request(token, {"sh", "-c", script});
  }

  /// Spawns, waits for the end, and returns the wait status, -1 if it failed.
  int run(spawn_request r) {
    auto token = r.token;
    statuses.erase(token);
    failures.erase(token);
    if (client.spawn(std::move(r)))
      return -2;
    until([&] { return statuses.count(token) + failures.count(token) > 0; });
    return statuses.count(token) > 0 ? statuses[token] : -1;
  }

  /// As run, with the program's standard output in `output`.
  int run(spawn_request r, std::string& output) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
      return -3;
    owned_fd read_end{ends[0]};
    r.pass(1, owned_fd{ends[1]});
    auto status = run(std::move(r));
    char text[4096];
    for (ssize_t n; (n = ::read(read_end.get(), text, sizeof text)) > 0;)
      output.append(text, static_cast<size_t>(n));
    return status;
  }

  std::map<uint64_t, pid_t> pids;
  std::map<uint64_t, failure> failures;
  std::map<uint64_t, int> statuses;
  task_usage usage;
  int64_t swept_left = -1;
  bool is_lost = false;
  std::atomic<int> blocked{0};
  std::function<void(uint64_t)> on_started;
  spawner_client client;
};

/// Counts what was not as it should be, in the broker's process: its exit code.
struct expectations {
  void operator()(bool ok, const char* what, int line) {
    if (ok)
      return;
    ++failed;
    std::fprintf(stderr, "spawner_test.cpp:%d: in the broker: %s\n", line, what);
  }
  int failed = 0;
};

struct supervised_result {
  int status = -1;    ///< The supervisor's wait status; -1 if the deadline passed.
  bool clean = false; ///< Nothing was left once the supervisor and all it made had gone.
};

/// Runs `body` in a child, which exits with its result, and waits for it and for all that comes
/// from it.
inline supervised_result run_watched(const std::function<int()>& body, int64_t limit_ms = 30'000) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  std::fflush(nullptr);
  auto deadline = now_ms() + limit_ms;
  auto child = ::fork();
  if (child == 0)
    ::_exit(body());
  supervised_result result;
  bool ended = false;
  for (;;) {
    int status = 0;
    auto pid = ::waitpid(-1, &status, WNOHANG);
    if (pid < 0) {
      result.clean = ended;
      return result;
    }
    if (pid == child) {
      result.status = status;
      // A supervisor that ended by itself promises that there is nothing left right now.
      result.clean = ended = true;
      if (WIFEXITED(status) && !descendants_of(::getpid()).empty())
        ended = false;
    }
    if (pid == 0 && now_ms() > deadline) {
      for (auto left : descendants_of(::getpid()))
        ::kill(left, SIGKILL);
      result.status = -1;
    }
    if (pid == 0)
      ::poll(nullptr, 0, 2);
  }
}

/// Runs run_supervisor in a child.
inline supervised_result supervise(const supervisor_options& options,
                                   const std::function<int(test_broker&)>& broker) {
  return run_watched([&] {
    return run_supervisor(options, [&](int fd) {
      test_broker b{fd};
      return broker(b);
    });
  });
}

/// Runs run_guarded in a child, and run_supervisor in the guard's.
inline supervised_result guard(const guard_options& options,
                               const std::function<int(test_broker&)>& broker) {
  return run_watched([&] {
    auto end = run_guarded(options, [&](int guard_fd) {
      supervisor_options supervision{.term_grace_ms = 200,
                                     .exit_zero_on_kill = options.exit_zero_on_kill,
                                     .guard_fd = guard_fd};
      return run_supervisor(supervision, [&](int fd) {
        test_broker b{fd};
        return broker(b);
      });
    });
    return end.early ? 100 : end.code;
  });
}

} // namespace hactor::test
