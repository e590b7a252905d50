// Listings of many jobs: which of them are shown, and in what order.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include <algorithm>

#include "recording_out.hpp"
#include "spec_texts.hpp"

using namespace hactor;
using namespace hactor::test;

TEST_SUITE("unit") {

  TEST_CASE("the first of many jobs are listed, whatever order they came in") {
    constexpr uint64_t jobs = 1'000;
    spec_cache specs;
    recording_out out;
    job_manager_core core;
    // Odd ones stand before even ones; the last ids come first.
    for (uint64_t id = jobs; id > 0; --id) {
      accepted_spec a;
      a.ids = {{id}};
      a.urgency = id % 2 == 0 ? 16 : 17;
      core.accept(1, 1000, intern(specs, spec_text{}), a, out);
    }
    list_request r;
    for (uint64_t most : {1, 2, 7, 499, 500, 501, 999, 1'000, 2'000}) {
      CAPTURE(most);
      r.max = most;
      auto found = core.list(r);
      REQUIRE(found.size() == std::min(most, jobs));
      for (uint64_t i = 0; i < found.size(); ++i)
        REQUIRE(found[i].id.value == (i < 500 ? 2 * i + 1 : 2 * (i - 500) + 2));
    }
  }

}
