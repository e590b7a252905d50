// Jobs on a network of exec cores, and what the job manager is told of them: for exec_core's tests.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "exec_network.hpp"
#include "spec_texts.hpp"

namespace hactor::test::exec_jobs {

inline constexpr job_id job{42};

/// An R of one core on each of these ranks.
inline rset on(const std::vector<rank_t>& ranks) {
  rset r;
  for (auto rank : ranks)
    r.nodes.push_back({rank, idset::single(0), {}});
  return r;
}

/// `count` of the ranks 0..universe-1, ascending.
inline std::vector<rank_t> some_ranks(random_source& r, uint32_t universe, uint32_t count) {
  std::vector<rank_t> all(universe);
  for (rank_t i = 0; i < universe; ++i)
    all[i] = i;
  std::shuffle(all.begin(), all.end(), r);
  all.resize(count);
  std::sort(all.begin(), all.end());
  return all;
}

inline launch_order order_on(const std::vector<rank_t>& ranks, const spec_text& s = {},
                             job_id id = job) {
  return {plan_of(s), {id, 1000, -1, true, on(ranks)}};
}

/// A network, and what the job manager was told of each job.
struct bench {
  bench(uint32_t brokers, uint32_t fanout, int64_t release_delay_ns = INT64_MAX / 4,
        double mpi_patience_s = 0)
      : net{brokers, fanout, release_delay_ns, mpi_patience_s} {
    net.to_manager = [this](rank_t, const job_report& r) { told[r.id].push_back(r); };
    net.settled_to_manager = [this](rank_t rank, const job_report& r) {
      for (auto& [where, shell] : net.shells)
        if (where == exec_network::place{rank, r.id})
          net.wrong.push_back("rank " + std::to_string(rank) + " is told to be done and is not");
      settled[r.id].emplace_back(rank, r);
    };
  }
  /// The job's end, after checking that start and end were each told at most once, in this order.
  job_report end_of(job_id id = job) {
    auto& list = told[id];
    REQUIRE_FALSE(list.empty());
    REQUIRE(list.size() <= 2);
    if (list.size() == 2) {
      CHECK(list[0].started);
      CHECK_FALSE(list[0].ended);
    }
    CHECK(list.back().ended);
    return list.back();
  }
  exec_network net;
  std::map<job_id, std::vector<job_report>> told;
  std::map<job_id, std::vector<std::pair<rank_t, job_report>>> settled;
};

} // namespace hactor::test::exec_jobs
