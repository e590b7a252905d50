// runtime/duration: FSD and Slurm's time limits.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/duration.hpp"

#include <cmath>

#include <doctest/doctest.h>

using namespace hactor;

namespace {

struct row {
  const char* text;
  double seconds;
};

// Approx does not hold for two infinities.
bool same(double a, double b) { return std::isinf(a) ? a == b : a == doctest::Approx(b); }

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("flux standard durations are read") {
    for (const auto& [text, seconds] :
         {row{"0", 0}, row{"90", 90}, row{"1.2h", 4320}, row{"250ms", 0.25}, row{"2m", 120},
          row{"1.5d", 129600}, row{"3s", 3}, row{".5s", 0.5}, row{"1e3", 1000}, row{"1e3ms", 1},
          row{"5.", 5}, row{"inf", HUGE_VAL}, row{"INFINITY", HUGE_VAL}, row{"Inf", HUGE_VAL}}) {
      INFO(std::string{text});
      auto parsed = parse_fsd(text);
      REQUIRE(parsed);
      CHECK(same(*parsed, seconds));
    }
  }

  TEST_CASE("text that is no duration is refused") {
    for (auto text : {"", "-1", "+1", " 1", "1 ", "1 s", "s", "1x", "1S", "1sec", "nan", "0x10",
                      "infs", "inf s", "1e999", "1e308d", ".", "1:30"}) {
      INFO(std::string{text});
      auto parsed = parse_fsd(text);
      REQUIRE_FALSE(parsed);
      CHECK(code_of(parsed.error()) == ec::bad_duration);
      CHECK(render(parsed.error()).find(text) != std::string::npos);
    }
  }

  TEST_CASE("durations are written in the largest fitting unit") {
    for (const auto& [text, seconds] :
         {row{"0s", 0}, row{"0.25ms", 0.00025}, row{"0.312s", 0.3121}, row{"1s", 1},
          row{"9.5s", 9.5}, row{"42.5s", 42.5}, row{"1m", 60}, row{"2m", 120}, row{"1.5h", 5400},
          row{"1d", 86400}, row{"1.25d", 108000}, row{"12345d", 86400.0 * 12345},
          row{"infinity", HUGE_VAL}, row{"-2m", -120}}) {
      INFO(std::string{text});
      CHECK(format_fsd(seconds) == text);
    }
    CHECK(format_fsd(std::nan("")) == "nan");
  }

  TEST_CASE("a written duration reads back to four digits") {
    for (double seconds = 0.0004; seconds < 1e9; seconds *= 1.7) {
      auto parsed = parse_fsd(format_fsd(seconds));
      REQUIRE(parsed);
      CHECK(std::abs(*parsed - seconds) <= std::max(seconds * 6e-4, 6e-4));
    }
  }

  TEST_CASE("time limits are read in the spellings of Flux and Slurm") {
    for (const auto& [text, seconds] :
         {row{"30", 1800}, row{"0", 0}, row{"0.5", 30}, row{"1e-1", 6}, row{"90s", 90},
          row{"1.5h", 5400}, row{"2d", 172800}, row{"500ms", 0.5}, row{"10:30", 630},
          row{"90:00", 5400}, row{"1:30:00", 5400}, row{"2-0", 172800}, row{"1-12", 129600},
          row{"1-12:30", 131400}, row{"1-12:30:15", 131415}, row{"0-0:0:1", 1},
          row{"inf", HUGE_VAL}, row{"Infinity", HUGE_VAL}, row{"UNLIMITED", HUGE_VAL}}) {
      INFO(std::string{text});
      auto parsed = parse_time_limit(text);
      REQUIRE(parsed);
      CHECK(same(*parsed, seconds));
    }
  }

  TEST_CASE("text that is no time limit is refused with examples") {
    for (auto text : {"", "-1", "1:", ":1", "1:2:3:4", "1-", "-5:00", "1-2:3:4:5", "1-2-3", "1:2s",
                      "1.5:00", "1x", "abc", "1:-2", "1: 2", "99999999999999999999:00", "1e999"}) {
      INFO(std::string{text});
      auto parsed = parse_time_limit(text);
      REQUIRE_FALSE(parsed);
      CHECK(code_of(parsed.error()) == ec::bad_duration);
      CHECK(render(parsed.error()).find("1:30:00") != std::string::npos);
    }
  }

  TEST_CASE("what somebody sets as for ever is a century of a clock, and sums of it fit") {
    constexpr int64_t century_ns = 100LL * 366 * 86'400 * 1'000'000'000;
    CHECK(span_of(0).count() == 0);
    CHECK(span_of(1.5).count() == 1'500'000'000);
    constexpr int64_t year_2255_ns = 9'000'000'000'000'000'000;
    static_assert(2 * century_ns < year_2255_ns);
    for (double huge : {4e9, 1e10, 1e18, 1e300, HUGE_VAL}) {
      INFO(huge);
      CHECK(span_of(huge).count() == century_ns);
      CHECK(moment_after(century_ns, huge) == 2 * century_ns);
      CHECK(short_span_ms(huge) == 86'400'000);
    }
    CHECK(short_span_ms(0.03) == 30);
    CHECK(moment_after(7, 1) == 1'000'000'007);
  }

} // TEST_SUITE
