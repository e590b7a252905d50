// Fixed seeds. A failure prints its seed and step; HACTOR_SIM_SEED=N replays one seed alone, and
// HACTOR_SIM_STEPS=N makes it longer (or, with HACTOR_SIM_SEEDS=N, runs that many seeds).
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include <cstdlib>

#include "sim.hpp"

using namespace hactor::test;

namespace {

uint64_t from_environment(const char* name, uint64_t fallback) {
  auto* text = std::getenv(name);
  return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

/// Runs the seeds; returns how often each kind of ending was seen, over all.
auto run_seeds(sim_options o, uint64_t first) {
  decltype(sim::seen) all;
  o.steps = static_cast<uint32_t>(from_environment("HACTOR_SIM_STEPS", o.steps));
  auto single = from_environment("HACTOR_SIM_SEED", 0);
  auto last = single != 0 ? single : first + from_environment("HACTOR_SIM_SEEDS", 20) - 1;
  for (o.seed = single != 0 ? single : first; o.seed <= last; ++o.seed) {
    sim s{o};
    auto wrong = s.run();
    CHECK_MESSAGE(wrong == "", wrong);
    all.submitted += s.seen.submitted;
    all.ended += s.seen.ended;
    all.lost += s.seen.lost;
    all.cancelled += s.seen.cancelled;
    all.timeout += s.seen.timeout;
    all.crashes += s.seen.crashes;
    all.waited += s.seen.waited;
    all.hopeless += s.seen.hopeless;
  }
  MESSAGE(all.submitted << " jobs, " << all.ended << " ended, " << all.cancelled << " cancelled, "
                        << all.timeout << " over time, " << all.lost << " lost, " << all.waited
                        << " had dependencies, " << all.hopeless << " could not go on, "
                        << all.crashes << " crashes");
  return all;
}

} // namespace

TEST_SUITE("sim") {

  TEST_CASE("without faults every job that was submitted ends, in order and within its room") {
    sim_options o;
    o.lose_ranks = false;
    o.crash = false;
    auto all = run_seeds(o, 1);
    CHECK(all.ended == all.submitted);
    CHECK(all.lost == 0);
    CHECK(all.waited > 0);
    CHECK(all.hopeless > 0);
  }

  TEST_CASE("with lost ranks and crashes every acknowledged job ends exactly once") {
    sim_options o;
    o.steps = 800;
    auto all = run_seeds(o, 1001);
    CHECK(all.ended > 0);
  }

  TEST_CASE("a flat tree of one rank and a deep one behave alike") {
    sim_options o;
    o.brokers = 9;
    o.cores = 2;
    o.fanout = 1;
    o.steps = 300;
    run_seeds(o, 2001);
    o.brokers = 2;
    o.fanout = 16;
    run_seeds(o, 3001);
  }
}
