// Fixed seeds. A failure prints its seed and step; HACTOR_SIM_SEED=N replays one seed alone, and
// HACTOR_SIM_STEPS=N makes it longer (or, with HACTOR_SIM_SEEDS=N, runs that many seeds).
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include <cstdlib>

#include "nest_sim.hpp"

using namespace hactor::test;

namespace {

uint64_t from_environment(const char* name, uint64_t fallback) {
  auto* text = std::getenv(name);
  return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

/// Runs the seeds; returns how often each kind of thing was seen, over all.
auto run_seeds(nest_options o, uint64_t first, uint64_t count) {
  decltype(nest_sim::seen) all;
  o.steps = static_cast<uint32_t>(from_environment("HACTOR_SIM_STEPS", o.steps));
  auto single = from_environment("HACTOR_SIM_SEED", 0);
  auto last = single != 0 ? single : first + from_environment("HACTOR_SIM_SEEDS", count) - 1;
  for (o.seed = single != 0 ? single : first; o.seed <= last; ++o.seed) {
    nest_sim s{o};
    auto wrong = s.run();
    CHECK_MESSAGE(wrong == "", wrong);
    all.jobs += s.seen.jobs;
    all.ended += s.seen.ended;
    all.cancelled += s.seen.cancelled;
    all.timeout += s.seen.timeout;
    all.retried += s.seen.retried;
    all.children += s.seen.children;
    all.grandchildren += s.seen.grandchildren;
    all.busy_three_levels += s.seen.busy_three_levels;
    all.scripts_killed += s.seen.scripts_killed;
    all.ranks_lost += s.seen.ranks_lost;
    all.leads_lost += s.seen.leads_lost;
    all.grown += s.seen.grown;
    all.shrunk += s.seen.shrunk;
    all.outlived += s.seen.outlived;
    all.refused += s.seen.refused;
  }
  MESSAGE(all.jobs << " jobs, " << all.ended << " ended, " << all.cancelled << " cancelled, "
                   << all.timeout << " over time, " << all.retried << " tried again, "
                   << all.children << " children, " << all.grandchildren << " grandchildren, "
                   << all.busy_three_levels << " parents cancelled with three levels busy, "
                   << all.grown << " grown, " << all.shrunk << " shrunk, " << all.scripts_killed
                   << " scripts killed, " << all.ranks_lost
                   << " ranks lost, of them led an instance: " << all.leads_lost << ", "
                   << all.outlived << " times jobs outlived it, " << all.refused
                   << " came too late");
  return all;
}

} // namespace

TEST_SUITE("sim") {

  TEST_CASE("instances of three levels end children first, and no core is ever granted twice") {
    nest_options o;
    o.lose_ranks = false;
    auto all = run_seeds(o, 1, 150);
    if (from_environment("HACTOR_SIM_SEED", 0) != 0)
      return;
    CHECK(all.grandchildren > 0);
    CHECK(all.busy_three_levels > 0);
    CHECK(all.scripts_killed > 0);
    CHECK(all.timeout > 0);
    CHECK(all.grown > 0);
    CHECK(all.shrunk > 0);
  }

  TEST_CASE("the same holds when ranks are lost, those that lead instances among them") {
    nest_options o;
    auto all = run_seeds(o, 1001, 200);
    if (from_environment("HACTOR_SIM_SEED", 0) != 0)
      return;
    CHECK(all.leads_lost > 0);
    CHECK(all.ranks_lost > all.leads_lost);
    CHECK(all.retried > 0);
    CHECK(all.outlived > 0);
    CHECK(all.refused > 0);
  }

  TEST_CASE("a narrow tree of ranks and a wide one behave alike") {
    nest_options o;
    o.brokers = 8;
    o.cores = 2;
    o.fanout = 1;
    run_seeds(o, 2001, 40);
    o.brokers = 3;
    o.fanout = 16;
    run_seeds(o, 3001, 40);
  }
}
