// tools/event_text: events in every time format.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/event_text.hpp"

#include <cstdlib>
#include <ctime>

#include <doctest/doctest.h>

using namespace hactor;
using namespace hactor::tools;

namespace {

std::string lines_in(const char* format) {
  setenv("TZ", "UTC", 1);
  tzset();
  auto f = parse_time_format(format);
  REQUIRE(f);
  event_text text{*f};
  std::string all;
  for (auto line : {R"({"timestamp":1763867890.25,"name":"submit","context":{"urgency":16}})",
                    R"({"timestamp":1763867891.5,"name":"alloc"})",
                    R"({"timestamp":1763867929.9999999,"name":"finish","context":{"status":0,)"
                    R"("note":"a b"}})"}) {
    auto one = text.line(line);
    REQUIRE(one);
    all += *one + "\n";
  }
  return all;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("each time format is written as it says") {
    CHECK(lines_in("raw") == "1763867890.250000 submit urgency=16\n"
                             "1763867891.500000 alloc\n"
                             "1763867930.000000 finish note=\"a b\" status=0\n");
    CHECK(lines_in("iso") == "2025-11-23T03:18:10.250000Z submit urgency=16\n"
                             "2025-11-23T03:18:11.500000Z alloc\n"
                             "2025-11-23T03:18:50.000000Z finish note=\"a b\" status=0\n");
    CHECK(lines_in("offset") == "0.000000 submit urgency=16\n"
                                "1.250000 alloc\n"
                                "39.750000 finish note=\"a b\" status=0\n");
    CHECK(lines_in("human") == "[Nov23 03:18] submit urgency=16\n"
                               "[  +1.250000] alloc\n"
                               "[ +38.500000] finish note=\"a b\" status=0\n");
  }

  TEST_CASE("a new minute is written anew") {
    setenv("TZ", "UTC", 1);
    tzset();
    event_text text{time_format::human};
    CHECK(*text.line(R"({"timestamp":0.5,"name":"a"})") == "[Jan01 00:00] a");
    CHECK(*text.line(R"({"timestamp":61,"name":"b"})") == "[Jan01 00:01] b");
    CHECK(*text.line(R"({"timestamp":62,"name":"c","context":1})") == "[  +1.000000] c");
  }

  TEST_CASE("what is no event or no format is refused") {
    event_text text{time_format::raw};
    for (auto line : {"", "{", "[]", "{}", R"({"timestamp":1})", R"({"name":"a"})",
                      R"({"timestamp":"1","name":"a"})", R"({"timestamp":1,"name":2})"}) {
      auto one = text.line(line);
      REQUIRE_FALSE(one);
      CHECK(code_of(one.error()) == ec::bad_json);
    }
    for (auto name : {"", "RAW", "utc"})
      CHECK(code_of(parse_time_format(name).error()) == ec::bad_argument);
  }

  TEST_CASE("times do not round to the second 60") {
    CHECK(iso_time(59.9999999) == "1970-01-01T00:01:00.000000Z");
    CHECK(iso_time(0) == "1970-01-01T00:00:00.000000Z");
  }

} // TEST_SUITE
