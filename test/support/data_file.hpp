// Files of test/data, for tests and the seeds of fuzzers.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <fstream>
#include <iterator>
#include <string>

#include <doctest/doctest.h>

namespace hactor {

/// `name`: from test/data on.
inline std::string read_data(const std::string& name) {
  std::ifstream file{std::string{HACTOR_TEST_DATA} + "/" + name, std::ios::binary};
  REQUIRE_MESSAGE(file, name);
  return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace hactor
