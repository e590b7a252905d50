// One instance that runs jobs, in virtual time: a real job manager core and a real scheduler core,
// whose CPU time is measured and is the time that passes there; jobs take the time that they are
// said to take, messages theirs. Nothing is started. Counts how often each job was launched and
// ended. Caller: tree_bench.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <random>
#include <vector>

#include "actors/job_manager_core.hpp"
#include "actors/scheduler_core.hpp"

namespace hactor::bench {

/// What a run is charged with besides the measured time.
struct tree_costs {
  double latency_us = 100; ///< Of a message, one way.
  double job_s = 0.1;      ///< Of a job, in the mean; half to one and a half times.
  double other_us = 0;     ///< CPU a job of what is not measured here: messages, journal, exec.
};

class tree_leaf final : job_manager_out, scheduler_out {
public:
  tree_leaf(uint32_t nodes, uint32_t cores, const tree_costs& costs, const job_spec_ptr& spec);

  struct result {
    double seconds = 0;     ///< From the first submission to the last end, virtual.
    double cpu_seconds = 0; ///< Of the cores, measured.
    uint64_t jobs = 0;      ///< That were launched once and ended once.
  };
  /// Ends the program when a job was launched or has ended twice, or never.
  result run(uint64_t jobs);

private:
  void post(const job_event& e) override;
  void keep_spec(const spec_hash&, const std::string&) override {}
  void keep_record(job_record&&) override {}
  void want_room(const job_spec_ptr& spec, const alloc_entry& entry) override;
  void cancel_room(job_id id) override { scheduler_.cancel(id); }
  void prioritize_room(const alloc_entry&) override {}
  void extend_room(job_id, int64_t) override {}
  void free_room(job_id id) override { freed_.push_back(id); }
  void launch(const job_spec_ptr&, launch_item&& item) override { launched_.push_back(item.id); }
  void signal(const rset&, const signal_item&) override {}
  void settle(job_id, uint32_t, const idset&, const idset&) override {}
  void ended(job_id id) override { ended_.push_back(id); }
  void granted(job_id id, rset&& r, start_kind how) override;
  void denied(job_id id, std::string note) override;
  void cancelled(job_id) override {}

  bool turn(uint64_t jobs);
  void take_in(uint64_t jobs);
  void start_launched();

  tree_costs costs_;
  job_spec_ptr spec_;
  job_manager_core manager_;
  scheduler_core scheduler_;
  std::mt19937_64 random_{1};
  int64_t now_ns_ = 0; // virtual
  int64_t cpu_ns_ = 0;
  uint64_t submitted_ = 0, over_ = 0;
  bool more_to_place_ = false;
  std::vector<job_id> freed_, launched_, ended_;
  std::vector<std::pair<job_id, rset>> grants_;
  std::vector<uint8_t> launches_, ends_;    // of each job
  using end = std::pair<int64_t, uint64_t>; // when the manager hears of it, which job
  std::priority_queue<end, std::vector<end>, std::greater<>> ends_due_;
};

} // namespace hactor::bench
