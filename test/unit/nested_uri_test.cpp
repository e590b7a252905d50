// The way to instances within instances, by their URIs.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "tools/nested.hpp"

using namespace hactor;
using namespace hactor::tools;

TEST_SUITE("unit") {

  TEST_CASE("the instance around a nested one has its URI without the last id") {
    CHECK_FALSE(uri_around("local:///tmp/hactor-x/local"));
    CHECK_FALSE(uri_around(""));
    auto around = uri_around("local:///tmp/hactor-x/local/fA2/fB3");
    REQUIRE(around);
    CHECK(around->first == "local:///tmp/hactor-x/local/fA2");
    CHECK(around->second == "fB3");
  }

  TEST_CASE("an instance is reached below the one around, or by brokers of its own") {
    auto job = [](const char* uri) {
      return json{{"id", "fA2"}, {"annotations", {{"user", {{"uri", uri}}}}}};
    };
    auto here = "local:///tmp/here/local";
    // Noted on another rank, whose socket we need not have.
    CHECK(uri_of(here, job("local:///tmp/there/local/fA2")) == "local:///tmp/here/local/fA2");
    CHECK(uri_of(here, job("local:///tmp/own/local")) == "local:///tmp/own/local");
    auto elsewhere = job("local:///tmp/own/local");
    elsewhere["nodelist"] = "no-such-host[1-2]"; // nor does anybody answer here
    CHECK(uri_of(here, elsewhere) == "ssh://no-such-host1/tmp/own/local");
    CHECK(uri_of(here, json{{"id", "fA2"}}) == "local:///tmp/here/local/fA2");
    CHECK(*uri_inside(here, "fA2/fB3") == "local:///tmp/here/local/fA2/fB3");
    CHECK_FALSE(uri_inside(here, "fA2/"));
    CHECK_FALSE(find_inside(here, "no id"));
  }
}
