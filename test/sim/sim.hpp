// A whole instance in one thread, without actors: job manager, scheduler, the exec cores of several
// ranks and a journal on disk, under virtual time. One seed decides everything: what users do, in
// which order messages of different senders arrive, which ranks die, when the instance crashes.
// After each step the invariants of the path of a job are checked. Caller: the tests beside it.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "actors/job_manager_core.hpp"
#include "actors/scheduler_core.hpp"
#include "exec_network.hpp"
#include "spec_texts.hpp"
#include "store/journal.hpp"
#include "temp_dir.hpp"

namespace hactor::test {

struct sim_options {
  uint64_t seed = 1;
  uint32_t steps = 400;
  uint32_t brokers = 5;
  uint32_t cores = 4; // of each
  uint32_t fanout = 2;
  bool lose_ranks = true;
  bool crash = true;
};

class sim : job_manager_out, scheduler_out {
public:
  explicit sim(const sim_options& options);
  ~sim() override;

  /// Runs all steps, then lets everything come to its end. Returns "" or what went wrong at which
  /// step.
  std::string run();

  struct seen_counts {
    uint64_t submitted = 0, ended = 0, lost = 0, cancelled = 0, timeout = 0, crashes = 0;
    uint64_t waited = 0, hopeless = 0; // for dependencies: that came to hold, that never could
    uint64_t parts = 0;                // of jobs that came back before the others

    seen_counts& operator+=(const seen_counts& other);
    std::string text() const;
  } seen;

private:
  /// What outlives a crash: what the user was told.
  struct known_job {
    bool acknowledged = false;
    bool over = false;
    bool ran = false; // it was launched
    job_spec_ptr spec;
  };

  // -- what users and the world do ----------------------------------------------------------------
  void random_step();
  void submit();
  void raise();
  void set_urgency();
  void move_end();
  void lose_rank();
  void crash();
  void finale();
  void pass_time(int64_t ns);
  bool deliver_one();

  // -- the job manager's shell: what the actor around the core does -------------------------------
  void post(const job_event& e) override;
  void keep_spec(const spec_hash& hash, const std::string& text) override;
  void keep_record(job_record&& record) override;
  void want_room(const job_spec_ptr& spec, const alloc_entry& entry) override;
  void cancel_room(job_id id) override;
  void prioritize_room(const alloc_entry& entry) override;
  void extend_room(job_id id, int64_t end_ns) override;
  void free_room(job_id id) override;
  void free_part(job_id id, const idset& ranks) override;
  void launch(const job_spec_ptr& spec, launch_item&& item) override;
  void signal(const rset& where, const signal_item& item) override;
  void settle(job_id id, uint32_t attempt, const idset& brokers, const idset& lost) override;
  void ended(job_id id) override;
  void commit();

  // -- the scheduler's ----------------------------------------------------------------------------
  void granted(job_id id, rset&& r, start_kind how) override;
  void denied(job_id id, std::string note) override;
  void cancelled(job_id id) override;
  void schedule();

  void boot();
  void end_turn();
  spec_text any_spec();
  json any_dependencies(bool named);
  known_ends ends() const;
  void check_invariants();
  void check_journal();
  verdict judge_durable(const job_event& e, const condition& c) const;
  void check_dependencies(const job_event& e);
  void check_restored();
  void check_ended(job_id id, const known_job& known);
  void fail(std::string what);

  struct effects {
    journal_batch batch;
    std::vector<std::function<void()>> then; // launches, signals, answers, in this order of doing
    std::vector<job_id> ended;
  };
  sim_options options_;
  random_source random_;
  temp_dir directory_;
  int64_t now_ns_ = 1'700'000'000'000'000'000;
  uint64_t step_ = 0;
  uint64_t boot_ = 0;
  std::string wrong_;

  std::unique_ptr<journal> store_;
  spec_cache specs_;
  fluid_generator ids_{0};
  rset inventory_;
  std::map<job_id, known_job> jobs_;
  uint64_t log_checked_ = 1; // events before this number have been folded
  std::map<job_id, job_fold> folds_; // of durable events

  // Of one life of the instance:
  std::shared_ptr<job_manager_core> core_;
  std::unique_ptr<scheduler_core> scheduler_;
  std::unique_ptr<exec_network> net_;
  effects gathering_;
  std::deque<effects> committing_; // at most one
  std::deque<std::function<void()>> to_scheduler_, to_manager_;
  std::map<job_id, rset> held_; // granted and not given back
  std::map<job_id, std::pair<job_spec_ptr, alloc_entry>> waiting_; // as the scheduler knows them
  std::set<rank_t> told_lost_; // ranks of whose loss the job manager has heard
  bool pass_wanted_ = false;
};

} // namespace hactor::test
