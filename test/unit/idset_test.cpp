// runtime/idset: RFC 22 text and set operations, checked against std::set.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/idset.hpp"

#include <algorithm>
#include <iterator>
#include <random>
#include <set>

#include "runtime/limits.hpp"

#include <doctest/doctest.h>

using namespace hactor;

namespace {

idset ids(std::string_view text) {
  auto parsed = idset::parse(text);
  REQUIRE(parsed);
  return *parsed;
}

idset from(const std::set<uint32_t>& values) {
  idset result;
  for (auto value : values)
    result.add(value);
  return result;
}

void check_normal(const idset& x) {
  const auto& runs = x.runs();
  for (size_t i = 0; i < runs.size(); ++i) {
    REQUIRE(runs[i].first <= runs[i].last);
    if (i > 0)
      REQUIRE(uint64_t{runs[i - 1].last} + 1 < runs[i].first);
  }
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("idsets are read and written") {
    struct row {
      const char* text;
      const char* canonical;
      uint64_t size;
    };
    for (const auto& [text, canonical, size] :
         {row{"", "", 0}, row{"[]", "", 0}, row{"0", "0", 1}, row{"[7]", "7", 1},
          row{"1-3,5-6,42", "1-3,5-6,42", 6}, row{"[1-3,5-6,42]", "1-3,5-6,42", 6},
          row{"1,2,3", "1-3", 3}, row{"0-1,2-3", "0-3", 4}, row{"16777215", "16777215", 1}}) {
      INFO(std::string{text});
      CHECK(ids(text).to_string() == canonical);
      CHECK(ids(text).size() == size);
    }
  }

  TEST_CASE("text that is no idset is refused") {
    for (auto text : {"2,1",      "1,1",        "1-3,3",
                      "1-3,2",    "3-1",        "3-3",
                      "01",       "1-02",       "00",
                      "a",        "1,",         ",1",
                      "1,,2",     "1-",         "-1",
                      "1 ,2",     " 1",         "1-2-3",
                      "[1",       "1]",         "[",
                      "]",        "[[1]]",      "1[2]",
                      "16777216", "0-16777216", "99999999999999999999",
                      "1;2",      "+1",         "0x1"}) {
      INFO(std::string{text});
      auto parsed = idset::parse(text);
      REQUIRE_FALSE(parsed);
      CHECK(code_of(parsed.error()) == ec::bad_idset);
    }
  }

  TEST_CASE("an idset answers what it holds") {
    auto x = ids("1-3,5-6,42");
    CHECK(x.first() == 1);
    CHECK(x.last() == 42);
    CHECK(x.contains(6));
    CHECK_FALSE(x.contains(4));
    CHECK_FALSE(x.contains(43));
    CHECK(x.contains_all(ids("2,5-6")));
    CHECK(x.contains_all(idset{}));
    CHECK_FALSE(x.contains_all(ids("3-5")));
    CHECK_FALSE(x.contains_all(ids("42-43")));
    CHECK(x.intersects(ids("4,6")));
    CHECK_FALSE(x.intersects(ids("4,7-41")));
    CHECK_FALSE(x.intersects(idset{}));
    CHECK(x.nth(0) == 1);
    CHECK(x.nth(3) == 5);
    CHECK(x.nth(5) == 42);
    CHECK(x.expand() == std::vector<uint32_t>{1, 2, 3, 5, 6, 42});
    CHECK(idset::single(4).to_string() == "4");
    CHECK(idset{}.empty());
  }

  TEST_CASE("the ids at the end of 32 bits do not overflow") {
    auto top = UINT32_MAX;
    auto x = idset::range(top - 1, top);
    CHECK(x.size() == 2);
    CHECK(x.expand() == std::vector<uint32_t>{top - 1, top});
    x.add(top - 2);
    x.add_range(0, top);
    CHECK(x.size() == uint64_t{top} + 1);
    CHECK(x.nth(top) == top);
    x.remove(top);
    x.remove(0);
    CHECK(x.last() == top - 1);
    x.remove_all(idset::range(5, top));
    CHECK(x.to_string() == "1-4");
    x.add_all(idset::single(top));
    CHECK(x.take_first(5).size() == 5);
    CHECK(x.empty());
  }

  TEST_CASE("the smallest ids are taken out first") {
    auto x = ids("1-3,5-6,42");
    CHECK(x.take_first(0).empty());
    CHECK(x.take_first(2).to_string() == "1-2");
    CHECK(x.take_first(2).to_string() == "3,5");
    CHECK(x.to_string() == "6,42");
    CHECK(x.take_first(2).to_string() == "6,42");
    CHECK(x.empty());
  }

  TEST_CASE("set operations agree with std::set on random sets") {
    std::mt19937 random{20261123};
    for (int round = 0; round < 3000; ++round) {
      auto draw = [&] {
        std::set<uint32_t> values;
        auto count = random() % 24;
        for (size_t i = 0; i < count; ++i)
          values.insert(static_cast<uint32_t>(random() % 32));
        return values;
      };
      auto a = draw();
      auto b = draw();
      auto x = from(a);
      auto y = from(b);
      check_normal(x);
      CHECK(x.expand() == std::vector<uint32_t>(a.begin(), a.end()));
      CHECK(ids(x.to_string()) == x);

      std::set<uint32_t> expected = a;
      expected.insert(b.begin(), b.end());
      auto sum = x;
      sum.add_all(y);
      check_normal(sum);
      CHECK(sum == from(expected));

      expected.clear();
      std::set_difference(a.begin(), a.end(), b.begin(), b.end(),
                          std::inserter(expected, expected.end()));
      auto difference = x;
      difference.remove_all(y);
      check_normal(difference);
      CHECK(difference == from(expected));

      expected.clear();
      std::set_intersection(a.begin(), a.end(), b.begin(), b.end(),
                            std::inserter(expected, expected.end()));
      check_normal(x.intersect(y));
      CHECK(x.intersect(y) == from(expected));
      CHECK(x.intersects(y) == !expected.empty());
      CHECK(x.contains_all(y) == std::includes(a.begin(), a.end(), b.begin(), b.end()));

      auto first = static_cast<uint32_t>(random() % 32);
      auto last = static_cast<uint32_t>(first + random() % 8);
      auto widened = x;
      widened.add_range(first, last);
      expected = a;
      for (auto i = first; i <= last; ++i)
        expected.insert(i);
      check_normal(widened);
      CHECK(widened == from(expected));
      widened.remove(first);
      expected.erase(first);
      check_normal(widened);
      CHECK(widened == from(expected));
    }
  }

} // TEST_SUITE
