// tools/ending: the progress line.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "tools/ending.hpp"

using namespace hactor::tools;

TEST_SUITE("unit") {

  TEST_CASE("the progress line has counts, a bar, a rate and what is left") {
    CHECK(progress_line({100, 50, 4, 10, 80})
          == "CD:46 F:4 of 100 [=================>                   ] 50% 5.0 jobs/s ETA 10s");
    CHECK(progress_line({100, 0, 0, 0, 80}).ends_with("] 0% 0.0 jobs/s"));
    CHECK(progress_line({10, 10, 0, 2, 80}).ends_with("==] 100% 5.0 jobs/s in 2s"));
    CHECK(progress_line({1000, 999, 0, 1, 80}).find("99%") != std::string::npos);
    CHECK(progress_line({0, 0, 0, 0, 80}).find("100%") != std::string::npos);
  }

  TEST_CASE("the progress line fits its terminal") {
    for (size_t width = 0; width < 300; ++width)
      CHECK(progress_line({100, 50, 4, 10, width}).size() <= (width > 0 ? width - 1 : 0));
  }
}
