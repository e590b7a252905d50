// tools/attach_core: what Ctrl-C, Ctrl-Z and other signals mean, by their times.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/attach_core.hpp"

#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace hactor::tools;

TEST_SUITE("unit") {

  TEST_CASE("each sequence of signals has its meaning") {
    // c Ctrl-C, z Ctrl-Z; the time in tenths of a second. w warn, C cancel, d detach, s suspend.
    struct row {
      std::vector<std::pair<char, int>> signals;
      const char* meaning;
    };
    for (const auto& [signals, meaning] :
         {row{{{'c', 0}}, "w"}, row{{{'c', 0}, {'c', 20}}, "wC"}, row{{{'c', 0}, {'c', 21}}, "ww"},
          row{{{'c', 0}, {'c', 21}, {'c', 40}}, "wwC"},
          row{{{'c', 0}, {'c', 1}, {'c', 2}, {'c', 3}}, "wCwC"}, row{{{'z', 0}}, "s"},
          row{{{'c', 0}, {'z', 20}}, "wd"}, row{{{'c', 0}, {'z', 21}}, "ws"},
          row{{{'c', 0}, {'c', 1}, {'z', 2}}, "wCs"}, row{{{'z', 0}, {'c', 1}}, "sw"},
          row{{{'c', 0}, {'z', 30}, {'c', 31}}, "wsw"}}) {
      attach_core core;
      std::string got;
      for (auto [key, tenths] : signals) {
        auto at = 1'000'000'000'000 + int64_t{tenths} * 100'000'000;
        switch (core.on_signal(key == 'c' ? SIGINT : SIGTSTP, at)) {
          case attach_action::warn: got += 'w'; break;
          case attach_action::cancel: got += 'C'; break;
          case attach_action::detach: got += 'd'; break;
          case attach_action::suspend: got += 's'; break;
          default: got += '?'; break;
        }
      }
      CHECK(got == meaning);
    }
  }

  TEST_CASE("other signals are the job's, and do not use up a Ctrl-C") {
    attach_core core;
    CHECK(core.on_signal(SIGINT, 5) == attach_action::warn);
    for (int number : {SIGTERM, SIGHUP, SIGALRM, SIGUSR1, SIGUSR2})
      CHECK(core.on_signal(number, 6) == attach_action::forward);
    for (int number : {SIGCONT, SIGCHLD, SIGWINCH, 0, 64})
      CHECK(core.on_signal(number, 7) == attach_action::none);
    CHECK(core.on_signal(SIGINT, 8) == attach_action::cancel);
  }

  TEST_CASE("Ctrl-] and d detaches, and all else is the job's") {
    detach_keys keys;
    auto typed = [&keys](std::string_view text) {
      auto t = keys.read(text);
      return t.keys + (t.detach ? " detached" : "");
    };
    CHECK(typed("abc\x03\x1a") == "abc\x03\x1a");
    CHECK(typed("a\x1d\x1d\x1dx") == "a\x1d\x1dx");
    CHECK(typed("a\x1d") == "a"); // it may come one by one
    CHECK(typed("\x1d") == "\x1d");
    CHECK(typed("\x1d") == "");
    CHECK(typed("x") == "\x1dx");
    CHECK(typed("b\x1d" "def") == "b detached");
  }
}
