// Instances within instances in one thread, without actors: in each a job manager and a scheduler,
// beneath all of them one network of exec cores, under virtual time. One seed decides everything:
// what scripts submit at which level, which of them are killed, which jobs are cancelled or reach
// their time limits, which brokers die, and in which order messages of different senders arrive.
// After each step: what a nested instance has, its job holds; no two processes have a core in
// common unless one's job holds the instance of the other's; a job that has given its room back has
// nothing left at or below it. At the end everything is free. Caller: the test beside it.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/exec_core.hpp"
#include "actors/inner_jobs.hpp"
#include "actors/job_state.hpp"
#include "exec_network.hpp"
#include "spec_texts.hpp"

namespace hactor::test {

struct nest_options {
  uint64_t seed = 1;
  uint32_t steps = 1200;
  uint32_t brokers = 5;
  uint32_t cores = 4; // of each
  uint32_t fanout = 2;
  uint32_t levels = 3; // of instances, with the outermost
  bool lose_ranks = true;
};

class nest_sim {
public:
  explicit nest_sim(const nest_options& options);
  ~nest_sim();

  /// Runs all steps, then lets everything come to its end. Returns "" or what went wrong at which
  /// step.
  std::string run();

  struct seen_counts {
    uint64_t jobs = 0, ended = 0, cancelled = 0, timeout = 0, retried = 0;
    uint64_t children = 0, grandchildren = 0; // instances
    uint64_t busy_three_levels = 0; // a child was told to end while its grandchildren ran jobs
    uint64_t scripts_killed = 0, ranks_lost = 0, leads_lost = 0;
    uint64_t grown = 0, shrunk = 0;
    uint64_t outlived = 0; // jobs of an instance whose job manager was lost ran on
    uint64_t refused = 0;  // jobs of such an instance were still to be launched

    seen_counts& operator+=(const seen_counts& other);
    std::string text() const;
  } seen;

private:
  struct instance;

  /// A job, whatever its instance: what the user of the simulator knows.
  struct known_job {
    instance* in = nullptr;
    bool holds = false; // its script asks for an instance
    job_fold fold;
    uint64_t launches = 0, ends = 0;
    rset placed; // of the attempt that was launched last, as the brokers know it
  };

  /// What the actor around a rank's exec core keeps.
  struct host {
    inner_jobs inner;
    std::unordered_map<job_id, job_origin_ptr> origins;
    std::map<job_id, instance*> instances;
    std::map<job_id, job_report> held; // ends of jobs whose instances have not ended
  };

  void hook_up();
  void random_step();
  bool deliver_one();
  void pass_time(int64_t ns);
  void lose_rank();
  void finale();

  // -- exec's instances ---------------------------------------------------------------------------
  void on_started(rank_t rank, job_id job);
  void begin_instance(rank_t rank, job_id job);
  void end_instance(rank_t rank, job_id job);
  void on_over(rank_t rank, job_id job);
  void on_gone(rank_t rank, job_id job);
  void settle(rank_t rank, job_id job, uint32_t attempt, const idset& lost);
  void end_tasks(job_id job);

  std::vector<instance*> alive();
  void check();
  void check_cores();
  void check_given_back(job_id job);
  void check_end();
  std::string stuck();
  void fail(std::string what);

  nest_options options_;
  random_source random_;
  int64_t now_ns_ = 1'700'000'000'000'000'000;
  uint64_t step_ = 0;
  std::string wrong_;
  spec_cache specs_;
  uint64_t last_id_ = 1000;
  exec_network net_;
  std::vector<host> hosts_;
  std::vector<std::unique_ptr<instance>> instances_; // also those that are over
  std::map<job_id, known_job> jobs_;
  std::vector<std::pair<rank_t, job_id>> asking_; // scripts that want an instance
};

} // namespace hactor::test
