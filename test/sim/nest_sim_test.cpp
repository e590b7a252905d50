// Fixed seeds of instances within instances (seeds.hpp says how to replay and lengthen them).
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "nest_sim.hpp"
#include "seeds.hpp"

using namespace hactor::test;

TEST_SUITE("sim") {

  TEST_CASE("instances of three levels end children first, and no core is ever granted twice") {
    nest_options o;
    o.lose_ranks = false;
    auto all = run_seeds<nest_sim>(o, 1, 150);
    if (is_replay())
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
    auto all = run_seeds<nest_sim>(o, 1001, 200);
    if (is_replay())
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
    run_seeds<nest_sim>(o, 2001, 40);
    o.brokers = 3;
    o.fanout = 16;
    run_seeds<nest_sim>(o, 3001, 40);
  }
}
