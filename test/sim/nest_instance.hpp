// One instance of the simulator of nested ones: what the actors around its job manager and its
// scheduler do. Included by nest_sim.cpp and nest_instance.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "actors/job_manager_core.hpp"
#include "actors/scheduler_core.hpp"
#include "nest_sim.hpp"

namespace hactor::test {

struct nest_sim::instance final : job_manager_out, scheduler_out {
  instance(nest_sim& sim, instance* around, job_id job, rank_t place, rank_t lead, rset inventory,
           std::vector<rank_t> nodes);

  // -- what its script does -----------------------------------------------------------------------
  void submit();
  void cancel();
  spec_text any_spec(bool holds);

  /// Asks the instance around for a node more, or gives one back when nothing runs there any more.
  void grow();
  void shrink();
  void take_nodes(rset part);
  void give_back();
  bool is_vacant() const;

  // -- its life -----------------------------------------------------------------------------------
  /// It is to end: what runs in it is cancelled.
  void end();
  void tell_if_drained();
  void on_rank_lost(rank_t rank);
  bool alive() const { return !over; }

  // -- what can happen in it: messages between its actors, a commit, a pass
  // -------------------------
  void list_moves(std::vector<std::function<void()>>& can);
  void on_time();
  void end_turn();

  // -- the job manager's shell --------------------------------------------------------------------
  void post(const job_event& e) override;
  void keep_spec(const spec_hash&, const std::string&) override {}
  void keep_record(job_record&&) override {}
  void want_room(const job_spec_ptr& spec, const alloc_entry& entry) override;
  void cancel_room(job_id id) override;
  void prioritize_room(const alloc_entry& entry) override;
  void extend_room(job_id id, int64_t end_ns) override;
  void free_room(job_id id) override;
  void launch(const job_spec_ptr& spec, launch_item&& item) override;
  void signal(const rset& where, const signal_item& item) override;
  void settle(job_id id, uint32_t attempt, const idset& brokers, const idset& lost) override;
  void ended(job_id id) override { gathering.ended.push_back(id); }
  void free_part(job_id id, const idset& ranks) override;
  void grown(job_id growth, const rset& part, const std::string& why) override;

  // -- the scheduler's ----------------------------------------------------------------------------
  void granted(job_id id, rset&& r, start_kind how) override;
  void denied(job_id id, std::string note) override;
  void cancelled(job_id id) override;
  void apply_grant(job_id id, rset r);

  struct effects {
    bool any = false; // an event was posted
    std::vector<std::function<void()>> then;
    std::vector<job_id> ended;
  };
  void do_launch(const job_spec_ptr& spec, launch_item item);

  nest_sim& sim;
  instance* const around;
  const job_id job;   // whose grant it has
  const rank_t place; // of its job manager in the network
  const rank_t lead;  // broker
  std::string path;
  uint32_t level = 0;
  rset inventory; // its own ranks
  rank_map where;
  job_manager_core manager;
  scheduler_core scheduler;
  bool lasting = false; // launches wait for commits
  bool draining = false;
  bool over = false; // its services are gone
  bool dead = false; // since its broker was lost
  effects gathering;
  std::deque<effects> committing; // at most one
  std::deque<std::function<void()>> to_scheduler, to_manager;
  std::map<job_id, rset> held;      // granted and not given back
  std::map<job_id, job_id> growths; // parts of `held` that are a job's besides its first
  /// All that the job has, as the brokers know it.
  rset room_of(job_id id) const;
  bool resizing = false;
  idset leaving;              // its own rank that is being given back
  std::set<rank_t> told_lost; // brokers of whose loss the job manager has heard
  bool pass_wanted = false;
};

} // namespace hactor::test
