// runtime/hostlist: the vectors of RFC 29, folding, bounds.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/hostlist.hpp"

#include <random>

#include "runtime/limits.hpp"

#include <doctest/doctest.h>

using namespace hactor;

namespace {

using names = std::vector<std::string>;

names hosts(std::string_view text) {
  auto parsed = parse_hostlist(text);
  REQUIRE(parsed);
  return *parsed;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("hostlists expand as in RFC 29") {
    struct row {
      const char* text;
      names expected;
    };
    for (const auto& [text, expected] :
         {row{"", {}}, row{"foox,fooy,fooz", {"foox", "fooy", "fooz"}},
          row{"[1-3,5-6]", {"1", "2", "3", "5", "6"}},
          row{"foo[1-5]", {"foo1", "foo2", "foo3", "foo4", "foo5"}},
          row{"foo[0-2]-eth2", {"foo0-eth2", "foo1-eth2", "foo2-eth2"}},
          row{"foo1,foo1,foo1", {"foo1", "foo1", "foo1"}}, row{"[00-02]", {"00", "01", "02"}},
          row{"[00-2]", {"00", "01", "02"}}, row{"foo[1,1,2,1]", {"foo1", "foo1", "foo2", "foo1"}},
          row{"foo[005,4,11-13]", {"foo005", "foo004", "foo011", "foo012", "foo013"}},
          row{"foo[10,5]", {"foo10", "foo5"}}, row{"a[08-10],b", {"a08", "a09", "a10", "b"}},
          row{"a[1],a[2]x,c", {"a1", "a2x", "c"}}, row{"n[3-3]", {"n3"}}}) {
      INFO(std::string{text});
      CHECK(hosts(text) == expected);
      CHECK(hosts(format_hostlist(expected)) == expected);
    }
  }

  TEST_CASE("text that is no hostlist is refused") {
    for (auto text : {",",           "a,",
                      ",a",          "a,,b",
                      "a[",          "a]",
                      "a[]",         "a[1",
                      "a1]",         "a[1]]",
                      "a[[1]]",      "a[1][2]",
                      "a[2-1]",      "a[1-]",
                      "a[-1]",       "a[1,]",
                      "a[,1]",       "a[x]",
                      "a[1-2-3]",    "a[1 ,2]",
                      "a b",         " a",
                      "a\n",         "a[1;2]",
                      "caf\xC3\xA9", "a[1234567890123456789]",
                      "a]b[1",       "a[1],b]"}) {
      INFO(std::string{text});
      auto parsed = parse_hostlist(text);
      REQUIRE_FALSE(parsed);
      CHECK(code_of(parsed.error()) == ec::bad_hostlist);
    }
  }

  TEST_CASE("a hostlist may not expand beyond its bounds") {
    CHECK(hosts("n[0-262143]").size() == limits::hostlist_hosts_max);
    for (auto text : {"n[0-262144]", "n[0-999999999999999999]", "n[0-262143],m",
                      "n[0-99999,0-99999,0-99999]"}) {
      INFO(std::string{text});
      auto parsed = parse_hostlist(text);
      REQUIRE_FALSE(parsed);
      CHECK(code_of(parsed.error()) == ec::too_big);
    }
    CHECK(hosts(std::string(255, 'n')).size() == 1);
    CHECK(hosts(std::string(254, 'n') + "[1-9]").size() == 9);
    CHECK(code_of(parse_hostlist(std::string(256, 'n')).error()) == ec::too_big);
    CHECK(code_of(parse_hostlist(std::string(254, 'n') + "[1-10]").error()) == ec::too_big);
  }

  TEST_CASE("neighbours that differ in one number are folded") {
    struct row {
      names list;
      const char* expected;
    };
    for (const auto& [list, expected] :
         {row{{}, ""}, row{{"a"}, "a"}, row{{"foo7"}, "foo7"}, row{{"a", "b"}, "a,b"},
          row{{"foo1", "foo2", "foo3"}, "foo[1-3]"}, row{{"foo1", "foo2", "foo5"}, "foo[1-2,5]"},
          row{{"foo9", "foo10", "foo11"}, "foo[9-11]"}, row{{"foo09", "foo10"}, "foo[09-10]"},
          row{{"foo9", "foo010"}, "foo9,foo010"}, row{{"n099", "n100"}, "n[099-100]"},
          row{{"n99", "n100", "n101"}, "n[99-101]"},
          row{{"foo0-eth2", "foo1-eth2", "foo2-eth2"}, "foo[0-2]-eth2"},
          row{{"r1n1", "r1n2", "r2n1", "r2n2"}, "r1n[1-2],r2n[1-2]"},
          row{{"foo1", "foo1", "foo2", "foo1"}, "foo[1,1-2,1]"}, row{{"1", "2", "3"}, "[1-3]"},
          row{{"a1", "b1", "b2"}, "a1,b[1-2]"}, row{{"n1", "m", "n2"}, "n1,m,n2"},
          row{{"localhost", "localhost"}, "localhost,localhost"},
          row{{"n1234567890123456789", "n1234567890123456790"},
              "n1234567890123456789,n1234567890123456790"}}) {
      INFO(std::string{expected});
      CHECK(format_hostlist(list) == expected);
      CHECK(hosts(expected) == list);
    }
  }

  TEST_CASE("random lists read back as they were written") {
    std::mt19937 random{29};
    const char* prefixes[] = {"", "n", "rack0-n", "x1y"};
    const char* suffixes[] = {"", "-ib0", "s", ".lan"};
    for (int round = 0; round < 2000; ++round) {
      names list;
      auto size = random() % 12;
      for (size_t i = 0; i < size; ++i) {
        auto digits = std::to_string(random() % 12);
        if (random() % 3 == 0)
          digits = std::string(random() % 3, '0') + digits;
        list.push_back(prefixes[random() % 4] + digits + suffixes[random() % 4]);
      }
      INFO(format_hostlist(list));
      CHECK(hosts(format_hostlist(list)) == list);
    }
  }

} // TEST_SUITE
