// Fixed seeds of the simulator of one instance (seeds.hpp says how to replay and lengthen them).
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "seeds.hpp"
#include "sim.hpp"

using namespace hactor::test;

namespace {

auto run(const sim_options& o, uint64_t first) { return run_seeds<sim>(o, first, 20); }

} // namespace

TEST_SUITE("sim") {

  TEST_CASE("without faults every job that was submitted ends, in order and within its room") {
    sim_options o;
    o.lose_ranks = false;
    o.crash = false;
    auto all = run(o, 1);
    CHECK(all.ended == all.submitted);
    CHECK(all.lost == 0);
    CHECK(all.waited > 0);
    CHECK(all.hopeless > 0);
    CHECK(all.parts > 0);
  }

  TEST_CASE("with lost ranks and crashes every acknowledged job ends exactly once") {
    sim_options o;
    o.steps = 800;
    auto all = run(o, 1001);
    CHECK(all.ended > 0);
  }

  TEST_CASE("a flat tree of one rank and a deep one behave alike") {
    sim_options o;
    o.brokers = 9;
    o.cores = 2;
    o.fanout = 1;
    o.steps = 300;
    run(o, 2001);
    o.brokers = 2;
    o.fanout = 16;
    run(o, 3001);
  }
}
