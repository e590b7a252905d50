// runtime/near: distances and suggestions.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/near.hpp"

#include <doctest/doctest.h>

using namespace hactor;

TEST_SUITE("unit") {

  TEST_CASE("the edit distance counts the smallest number of slips") {
    CHECK(edit_distance("", "") == 0);
    CHECK(edit_distance("", "abc") == 3);
    CHECK(edit_distance("abc", "") == 3);
    CHECK(edit_distance("submit", "submit") == 0);
    CHECK(edit_distance("sumbit", "submit") == 1); // swap
    CHECK(edit_distance("submt", "submit") == 1);
    CHECK(edit_distance("subbmit", "submit") == 1);
    CHECK(edit_distance("kitten", "sitting") == 3);
  }

  TEST_CASE("near names come nearest first and at most as many as asked") {
    std::vector<std::string_view> commands{"submit", "run",     "cancel", "jobs",
                                           "job",    "getattr", "setattr"};
    CHECK(near_names("sumbit", commands) == std::vector<std::string>{"submit"});
    CHECK(near_names("jbo", commands) == std::vector<std::string>{"job", "jobs"});
    CHECK(near_names("jbo", commands, 1) == std::vector<std::string>{"job"});
    CHECK(near_names("canceljob", commands) == std::vector<std::string>{"cancel"});
    CHECK(near_names("get", commands) == std::vector<std::string>{"getattr"});
    CHECK(near_names("xyzzy", commands).empty());
    CHECK(near_names("", commands).empty());
    CHECK(near_names("x", {"", "y"}).empty());
    CHECK(near_names(std::string(1000, 'a'), {std::string_view{"a"}}).empty());
  }

  TEST_CASE("suggestions read as the tail of a sentence") {
    CHECK(did_you_mean("aab", {"aaa"}) == "; did you mean aaa?");
    CHECK(did_you_mean("aab", {"aaa", "aac"}) == "; did you mean aaa or aac?");
    CHECK(did_you_mean("aab", {"aaa", "aac", "aad"}) == "; did you mean aaa, aac or aad?");
    CHECK(did_you_mean("zzz", {"aaa"}).empty());
  }

} // TEST_SUITE
