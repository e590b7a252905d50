// mpi-boot/pmix_front: which job a client of PMIx names.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "mpi-boot/pmix_front.hpp"

#include <string>

#include <doctest/doctest.h>

using namespace hactor;

TEST_SUITE("unit") {

  TEST_CASE("a client's job is found wherever it stands in the first bytes, once it is whole") {
    const std::string name = "hactor-0123456789abcdef-f2dtD35";
    const std::string before{"\0\0\0\1native\0hactor-pmix\0", 23};
    auto bytes = before + name + std::string{"\0\0\0\0\2", 5};
    CHECK(find_space(bytes) == name);
    CHECK(find_space(bytes.substr(0, before.size() + name.size())) == "");
    CHECK(find_space(bytes.substr(0, before.size())) == "");
    CHECK(find_space("") == "");
  }

  TEST_CASE("what only looks like a job's name is none") {
    for (std::string text : {"hactor-pmix", "hactor-0123456789abcdef", "hactor-0123456789abcdeg-f1",
                             "hactor-0123-f1", "hactor-"})
      CHECK(find_space(text + '\0') == "");
  }
}
