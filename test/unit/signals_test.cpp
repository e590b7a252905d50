// runtime/signals: names and numbers.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/signals.hpp"

#include <csignal>

#include <doctest/doctest.h>

using namespace hactor;

TEST_SUITE("unit") {

  TEST_CASE("signals are read by name and by number") {
    for (auto text : {"TERM", "SIGTERM", "15", "term", "SigTerm"})
      CHECK(*parse_signal(text) == SIGTERM);
    CHECK(*parse_signal("USR1") == SIGUSR1);
    CHECK(*parse_signal("IO") == SIGPOLL);
    CHECK(*parse_signal("1") == SIGHUP);
    CHECK(*parse_signal("RTMIN") == SIGRTMIN);
    CHECK(*parse_signal("SIGRTMIN+2") == SIGRTMIN + 2);
    CHECK(*parse_signal("rtmax-1") == SIGRTMAX - 1);
    CHECK(*parse_signal(std::to_string(SIGRTMAX)) == SIGRTMAX);
  }

  TEST_CASE("what is no signal is refused with names that are near") {
    for (auto text : {"", "0", "-9", "65", "999999999999", "NOPE", "SIG", "9x", "RTMIN-1",
                      "RTMAX+1", "RTMIN+99", "RTMIN+", "RTMIN+-1", "RT"}) {
      INFO(std::string{text});
      auto parsed = parse_signal(text);
      REQUIRE_FALSE(parsed);
      CHECK(code_of(parsed.error()) == ec::bad_argument);
    }
    CHECK(render(parse_signal("SIGTREM").error()).find("did you mean TERM") != std::string::npos);
  }

  TEST_CASE("signals are named and put into words") {
    CHECK(signal_name(SIGKILL) == "SIGKILL");
    CHECK(signal_name(SIGABRT) == "SIGABRT");
    CHECK(signal_name(SIGRTMIN) == "SIGRTMIN");
    CHECK(signal_name(SIGRTMIN + 3) == "SIGRTMIN+3");
    CHECK(signal_name(99) == "signal 99");
    CHECK(signal_text(SIGSEGV) == "Segmentation fault");
    CHECK(signal_text(SIGRTMIN + 3) == "Real-time signal 3");
    CHECK(signal_text(99) == "signal 99");
    for (int number = 1; number < 32; ++number)
      CHECK(*parse_signal(signal_name(number)) == number);
  }

} // TEST_SUITE
