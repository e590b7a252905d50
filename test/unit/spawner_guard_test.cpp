// The guard and the supervisor below it, with real processes; each case must leave nothing.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include <initializer_list>
#include <string>

#include <sys/socket.h>

#include "test/support/supervised.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

bool exited_with(int status, int code) { return WIFEXITED(status) && WEXITSTATUS(status) == code; }

/// Blocks the signals, for sigtimedwait.
sigset_t blocked(std::initializer_list<int> signals) {
  sigset_t set;
  ::sigemptyset(&set);
  for (auto signo : signals)
    ::sigaddset(&set, signo);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  return set;
}

/// Tasks of all kinds: with children, in sessions of their own, deaf to SIGTERM.
void start_tasks(test_broker& b) {
  spawner_client::watch();
  b.client.spawn(b.shell(1, "sleep 100 & wait"));
  b.client.spawn(b.shell(2, "setsid sleep 100 <&- >&- 2>&- & exit 0"));
  b.client.spawn(b.shell(3, "trap '' TERM; while true; do sleep 100; done"));
  b.until([&] { return b.pids.size() == 3 && b.statuses.count(2) == 1; });
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("the guard exits with the code of what it guards") {
    for (int code : {0, 1, 77}) {
      auto result = guard({}, [=](test_broker&) { return code; });
      CHECK(exited_with(result.status, code));
      CHECK(result.clean);
    }
  }

  TEST_CASE("a guard that is killed takes everything along, also tasks of tasks") {
    auto result = guard({}, [](test_broker& b) {
      start_tasks(b);
      ::kill(parent_of(::getppid()), SIGKILL);
      ::poll(nullptr, 0, 25'000);
      return 0;
    });
    CHECK(WIFSIGNALED(result.status));
    CHECK(result.clean); // all were gone before the deadline
  }

  TEST_CASE("the guard ends what a killed supervisor leaves, and its exit code says so") {
    for (bool exit_zero : {false, true}) {
      auto result = guard({.exit_zero_on_kill = exit_zero}, [](test_broker& b) {
        b.client.ready();
        start_tasks(b);
        ::kill(::getppid(), SIGKILL);
        ::poll(nullptr, 0, 25'000);
        return 0;
      });
      CHECK(exited_with(result.status, exit_zero ? 0 : 128 + SIGKILL));
      CHECK(result.clean);
    }
  }

  TEST_CASE("whoever is killed before the broker is ready, it is an early loss") {
    for (bool broker : {false, true}) {
      auto result = guard({.exit_zero_on_kill = true}, [=](test_broker&) {
        ::kill(broker ? ::getpid() : ::getppid(), SIGKILL);
        ::poll(nullptr, 0, 25'000);
        return 0;
      });
      CHECK(exited_with(result.status, 100));
      CHECK(result.clean);
      auto late = guard({.exit_zero_on_kill = true}, [=](test_broker& b) {
        b.client.ready();
        b.run(b.request(1, {"true"})); // the supervisor has heard it
        ::kill(broker ? ::getpid() : ::getppid(), SIGKILL);
        ::poll(nullptr, 0, 25'000);
        return 0;
      });
      CHECK(exited_with(late.status, 0));
    }
  }

  TEST_CASE("signals to the guard reach the broker once") {
    for (int signo : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGALRM, SIGUSR1, SIGUSR2}) {
      auto result = guard({}, [=](test_broker&) {
        auto set = blocked({signo});
        ::signal(SIGUSR1, SIG_DFL);
        ::kill(parent_of(::getppid()), signo);
        timespec limit{10, 0}, moment{0, 50'000'000};
        auto first = ::sigtimedwait(&set, nullptr, &limit);
        return first == signo && ::sigtimedwait(&set, nullptr, &moment) < 0 ? 0 : 1;
      });
      CHECK(exited_with(result.status, 0));
      CHECK(result.clean);
    }
  }

  TEST_CASE("a task's signal to its parent counts for nothing, also when who sent it has gone") {
    // The supervisor is stopped meanwhile: it can only look later.
    auto result = guard({}, [](test_broker& b) {
      auto terminated = blocked({SIGTERM});
      auto status =
          b.run(b.shell(1, "kill -STOP $PPID; (kill -TERM $PPID); kill -CONT $PPID; exit 3"));
      timespec moment{0, 50'000'000};
      return exited_with(status, 3) && ::sigtimedwait(&terminated, nullptr, &moment) < 0 ? 0 : 1;
    });
    CHECK(exited_with(result.status, 0));
    CHECK(result.clean);
  }

  TEST_CASE("a signal to the guard is not lost beside one of a task's that counts for nothing") {
    auto result = guard({}, [](test_broker& b) {
      auto terminated = blocked({SIGTERM});
      auto guard_pid = std::to_string(parent_of(::getppid()));
      auto script =
          "kill -STOP $PPID; kill -TERM $PPID " + guard_pid + "; kill -CONT $PPID; exit 3";
      auto status = b.run(b.shell(1, script));
      timespec limit{10, 0}, moment{0, 50'000'000};
      auto first = ::sigtimedwait(&terminated, nullptr, &limit);
      auto once = ::sigtimedwait(&terminated, nullptr, &moment) < 0;
      return exited_with(status, 3) && first == SIGTERM && once ? 0 : 1;
    });
    CHECK(exited_with(result.status, 0));
    CHECK(result.clean);
  }

  TEST_CASE("a launcher's SIGUSR1, hydra's notice of a lost rank, ends only who is not ready") {
    for (bool ready : {true, false}) {
      auto result = run_watched([=] {
        int up[2];
        if (::pipe2(up, O_CLOEXEC) != 0)
          return 9;
        auto launched = ::fork();
        if (launched == 0) {
          auto end = run_guarded({.exit_zero_on_kill = true}, [&](int guard_fd) {
            if ((ready && ::write(guard_fd, "r", 1) != 1) || ::write(up[1], "", 1) != 1)
              return 8;
            pollfd gone{guard_fd, POLLIN, 0};
            if (!ready) // as the supervisor takes it: a killed broker's code
              return ::poll(&gone, 1, 10'000) == 1 ? 128 + SIGKILL : 2;
            char signo = 0; // of the first that is passed on
            return ::poll(&gone, 1, 10'000) == 1 && ::recv(guard_fd, &signo, 1, 0) == 1
                           && signo == SIGTERM
                       ? 0
                       : 1;
          });
          ::_exit(end.early ? 100 : end.code);
        }
        char c = 0;
        int status = 0;
        if (::read(up[0], &c, 1) != 1)
          return 7;
        ::kill(launched, SIGUSR1);
        ::kill(launched, SIGTERM);
        ::waitpid(launched, &status, 0);
        return WEXITSTATUS(status);
      });
      CHECK(exited_with(result.status, ready ? 0 : 100));
      CHECK(result.clean);
    }
  }

  TEST_CASE("children from before the guard are left alone") {
    auto result = run_watched([] {
      auto older = ::fork();
      if (older == 0) {
        ::execlp("sleep", "sleep", "100", static_cast<char*>(nullptr));
        ::_exit(127);
      }
      auto code = run_guarded({}, [](int) {
        ::raise(SIGKILL);
        return 0;
      }).code;
      auto alive = ::waitpid(older, nullptr, WNOHANG) == 0;
      ::kill(older, SIGKILL);
      ::waitpid(older, nullptr, 0);
      return code - (128 + SIGKILL) + (alive ? 0 : 10);
    });
    CHECK(exited_with(result.status, 0));
  }
}
