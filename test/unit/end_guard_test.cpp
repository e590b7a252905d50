// runtime/end_guard: who does not end in time is ended, and who does is left alone.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/end_guard.hpp"

#include <csignal>

#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

using namespace hactor;
using namespace std::chrono_literals;

namespace {

/// The exit code of a process of its own that does this; 255: it did not exit by itself.
int exit_code_of(const std::function<void()>& what) {
  auto child = ::fork();
  if (child == 0) {
    std::signal(SIGALRM, SIG_DFL);
    ::alarm(20); // whoever is not ended here would not end at all
    what();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

} // namespace

TEST_CASE("the end has a deadline") {
  CHECK(exit_code_of([] {
          end_guard guard;
          guard.begin(7, 10ms, [] { return "one that never comes"; });
          for (;;)
            ::pause();
        })
        == 7);
}

TEST_CASE("an end in time is left alone, as is one that was never guarded") {
  CHECK(exit_code_of([] {
          end_guard unused;
          end_guard guard;
          guard.begin(7, 1h, [] { return ""; });
        })
        == 0);
}
