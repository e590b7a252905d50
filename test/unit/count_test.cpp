// graph/count: the forms of RFC 14 and RFC 45, checked against the sequence written out.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/count.hpp"

#include <set>
#include <string>

#include <doctest/doctest.h>

using namespace hactor;

namespace {

count_spec count_of(const char* text) {
  auto value = parse_json(text);
  REQUIRE(value);
  auto count = parse_count(*value, "count");
  REQUIRE_MESSAGE(count, text);
  return *count;
}

/// All acceptable numbers up to `bound`, straight from the definition.
std::set<uint64_t> sequence(const count_range& x, uint64_t bound) {
  std::set<uint64_t> all;
  auto last = x.max == 0 ? bound : std::min(bound, x.max);
  for (uint64_t v = x.min; v <= last;) {
    all.insert(v);
    auto next = v;
    if (x.op == '+')
      next = v + x.operand;
    else if (x.op == '*')
      next = v * x.operand;
    else
      for (uint64_t i = 1; i < x.operand && next <= last; ++i)
        next *= v;
    if (next <= v)
      break;
    v = next;
  }
  return all;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("counts are read and written in their simplest form") {
    struct row {
      const char* text;
      const char* canonical; // JSON
      const char* shown;
    };
    for (const auto& [text, canonical, shown] :
         {row{"4", "4", "4"}, row{"\"4\"", "4", "4"}, row{"\"[4]\"", "4", "4"},
          row{"\"1,2,4\"", "\"1-2,4\"", "1-2,4"},
          row{"\"1,2,3\"", "{\"max\":3,\"min\":1}", "1-3"},
          row{"\"1-3\"", "{\"max\":3,\"min\":1}", "1-3"},
          row{"\"[1-3]\"", "{\"max\":3,\"min\":1}", "1-3"}, row{"\"3+\"", "{\"min\":3}", "3+"},
          row{"\"3-3\"", "3", "3"},
          row{"\"3+:2\"", "{\"min\":3,\"operand\":2,\"operator\":\"+\"}", "3+:2"},
          row{"\"1-9:2\"", "{\"max\":9,\"min\":1,\"operand\":2,\"operator\":\"+\"}", "1-9:2"},
          row{"\"1-9:2:+\"", "{\"max\":9,\"min\":1,\"operand\":2,\"operator\":\"+\"}", "1-9:2"},
          row{"\"2-16:2:*\"", "{\"max\":16,\"min\":2,\"operand\":2,\"operator\":\"*\"}",
              "2-16:2:*"},
          row{"\"2+:2:^\"", "{\"min\":2,\"operand\":2,\"operator\":\"^\"}", "2+:2:^"},
          row{"{\"min\":3,\"max\":3}", "3", "3"},
          row{"{\"min\":1,\"operator\":\"+\",\"operand\":1}", "{\"min\":1}", "1+"}}) {
      INFO(std::string{text});
      auto count = count_of(text);
      CHECK(dump(to_json(count)) == canonical);
      CHECK(to_string(count) == shown);
      // Equal counts have equal text, and the text reads as an equal count.
      CHECK(count_of(canonical) == count);
      auto again = parse_count_text(shown);
      REQUIRE(again);
      CHECK(*again == count);
    }
  }

  TEST_CASE("text that is no count is nothing") {
    for (auto text : {"",        "0",      "0-3",     "0+",      "3-1",     "1-3:0",  "1-3:1:*",
                      "1-3:2:-", "1-3:2:", "1-3::",   "1-3:",    "1+5",     "1+:",    "1-",
                      "-3",      "+",      "1+:2:^",  "1-8:2:^", "01-3",    "1-03",   "1-3:02",
                      "a",       "1,1",    "2,1",     "0,1",     "1 - 3",   "[1-3",   "1-3]",
                      "[]",      "[",      "1-3:2:*x", "2147483648+", "1-2147483648",
                      "99999999999999999999"}) {
      INFO(std::string{text});
      CHECK_FALSE(parse_count_text(text));
    }
  }

  TEST_CASE("the largest acceptable number is that of the sequence written out") {
    for (char op : {'+', '*', '^'})
      for (uint64_t operand : {1u, 2u, 3u, 7u})
        for (uint64_t min : {1u, 2u, 3u, 10u})
          for (uint64_t max : {0u, 3u, 10u, 100u, 1000u}) {
            count_range x{min, max, op, operand};
            if ((max != 0 && max < min) || (op != '+' && operand < 2) || (op == '^' && min < 2))
              continue;
            auto all = sequence(x, 2000);
            for (uint64_t available : {0u, 1u, 2u, 3u, 4u, 9u, 10u, 17u, 64u, 99u, 512u, 1999u}) {
              auto end = all.upper_bound(available);
              auto wanted = end == all.begin() ? std::optional<uint64_t>{}
                                               : std::optional{*std::prev(end)};
              INFO(to_string(count_spec{x}), " of ", available);
              REQUIRE(largest_within(x, available) == wanted);
            }
            auto few = max == 0 ? 2 : all.size();
            REQUIRE(exact(x).has_value() == (few == 1));
          }
  }

  TEST_CASE("an integer takes exactly itself, a set its largest member") {
    CHECK(largest_within(count_of("4"), 100) == 4);
    CHECK_FALSE(largest_within(count_of("4"), 3));
    auto set = count_of("\"2,5-7,11\"");
    CHECK_FALSE(largest_within(set, 1));
    CHECK(largest_within(set, 2) == 2);
    CHECK(largest_within(set, 4) == 2);
    CHECK(largest_within(set, 6) == 6);
    CHECK(largest_within(set, 10) == 7);
    CHECK(largest_within(set, 1000) == 11);
    CHECK(least(set) == 2);
    CHECK_FALSE(exact(set));
    CHECK(least(count_of("4")) == 4);
    CHECK(exact(count_of("4")) == 4);
    CHECK(least(count_of("\"3+\"")) == 3);
    // A step beyond the end leaves one number.
    CHECK(exact(count_of("{\"min\":2,\"max\":3,\"operator\":\"+\",\"operand\":5}")) == 2);
  }

  TEST_CASE("huge steps and bounds do not overflow") {
    count_range power{2, 0, '^', count_max};
    CHECK(largest_within(power, UINT64_MAX) == 2);
    count_range product{1, 0, '*', 2};
    CHECK(largest_within(product, UINT64_MAX) == uint64_t{1} << 63);
    count_range square{2, 0, '^', 2};
    CHECK(largest_within(square, UINT64_MAX) == uint64_t{1} << 32);
    count_range sum{1, 0, '+', count_max};
    CHECK(largest_within(sum, UINT64_MAX) == 1 + (UINT64_MAX - 1) / count_max * count_max);
  }

} // TEST_SUITE
