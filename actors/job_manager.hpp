// JOB MANAGER: the actor around job_manager_core. It keeps the rule that an event is durable before
// its effect is seen outside: what a turn of the core wants done is gathered beside its events and
// done when the journal has committed them. One commit is under way at a time; what happens
// meanwhile gathers for the next. When the disk is full it takes back what it could not accept,
// says so, takes and starts nothing, and tries now and then (job_manager_pause.cpp).
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>
#include <vector>

#include "actors/interfaces.hpp"
#include "actors/job_manager_core.hpp"
#include "actors/rank_map.hpp"
#include "runtime/clock.hpp"
#include "runtime/memory.hpp"

namespace hactor {

/// Who the job manager talks to.
struct job_manager_peers {
  journal_actor journal;
  archive_actor archive;
  scheduler_actor scheduler;
  broker_actor broker;
  exec_actor exec;      // of this rank
  rank_t rank = 0;      // of this broker
  rank_map where;       // of the instance's nodes
  std::string instance{}; // the ids of the jobs that it is nested in, "A/B"; "": the outermost
  /// The state outlives the instance: what an event causes waits for its commit.
  bool lasting = true;
  bool distributes = false; // its scheduler gives jobs to those of children
  std::vector<int64_t> memory{}; // what they may use, as in launch_request
  double ends = 0;               // of the instance: seconds since the epoch; 0: never
};

struct job_manager_state : job_manager_out {
  static inline const char* name = "job-manager";
  using pointer = job_manager_actor::stateful_pointer<job_manager_state>;

  explicit job_manager_state(pointer self) : self{self} {}

  // -- what the core causes -----------------------------------------------------------------------
  void post(const job_event& e) override;
  void keep_spec(const spec_hash& hash, const std::string& text) override;
  void keep_record(job_record&& record) override;
  void want_room(const job_spec_ptr& spec, const alloc_entry& entry) override;
  void cancel_room(job_id id) override;
  void prioritize_room(const alloc_entry& entry) override;
  void free_room(job_id id) override;
  void extend_room(job_id id, int64_t end_ns) override;
  void launch(const job_spec_ptr& spec, launch_item&& item) override;
  void signal(const rset& where, const signal_item& item) override;
  void settle(job_id id, uint32_t attempt, const idset& brokers, const idset& lost) override;
  void ended(job_id id) override;
  void free_part(job_id id, const idset& ranks) override {
    room_freed.parts.emplace_back(id, ranks);
  }
  void grown(job_id growth, const rset& part, const std::string& why) override;

  // -- turns --------------------------------------------------------------------------------------
  /// Ends a turn: tells the scheduler, and starts a commit unless one is under way.
  void end_turn();
  /// Runs `then` once all events posted so far are durable, however long that takes.
  void when_durable(std::function<void()> then);
  /// The same, for whoever does not wait for room on a full disk: then it is given the error.
  void answer_when_durable(std::function<void(const caf::error&)> answer);

  struct follower {
    uint64_t tag;
    caf::actor handle;
  };
  struct launch_order {
    job_spec_ptr spec;
    launch_item item;
  };
  struct signal_order {
    rank_t rank;
    signal_item item;
  };
  /// The events of one commit and what waits for them, in the order of doing.
  struct commit_unit {
    journal_batch batch;
    bool submits = false; // a job of its launches may have its submit event here
    std::vector<launch_order> launches;
    std::vector<signal_order> signals;
    std::vector<std::function<void()>> after;
    std::vector<std::function<void(const caf::error&)>> answers;
    std::vector<job_id> ended;

    bool empty() const {
      return batch.events.empty() && batch.meta.empty() && after.empty() && answers.empty();
    }
  };

  void heard(job_id id) override;

  bool is_urgent() const;
  void start_commit();
  void on_committed();
  void on_commit_failed(const caf::error& e);
  void send_batch();
  // A full disk (job_manager_pause.cpp).
  void pause(const caf::error& e);
  /// What is told of a change that is in force while a full disk does not take it.
  caf::error unwritten() const;
  void withdraw_submitted();
  void take_ends();
  void go_on_or_probe();
  void go_on();
  void on_retry();
  void signal_now(std::vector<signal_order>& orders);
  bool is_drain_hopeless() const;
  void send_launches(std::vector<launch_order> orders);
  void send_signals(const std::vector<signal_order>& orders);
  void send_settles();
  void take_instance(const instance_opened& o);
  void tell_end(job_id holder);
  void serve_reapers();
  std::vector<std::string> waits() const;
  /// The wall clock. When it was set since it was last asked, what counts from a start moves along.
  int64_t now();
  void tell_followers(const std::vector<job_event>& events);
  void arm_deadline();
  void tell_if_drained();
  /// Calls `use` with the exec of a broker, now or when it has been dialled.
  void with_exec(rank_t broker, std::function<void(const caf::actor&)> use,
                 std::function<void(const caf::error&)> fail);

  pointer self;
  job_manager_peers peers;
  std::shared_ptr<spec_cache> specs;
  job_manager_core core;
  int64_t wall_ahead_ns = wall_ns() - steady_ns(); // of the steady clock, when last asked
  commit_unit gathering, committing;
  bool commit_under_way = false;
  int64_t commit_ns = 0; // when it was asked for
  std::string paused; // why nothing is taken in; "" when all is well
  bool retry_due = false; // the failed commit is to be tried again
  std::chrono::milliseconds retry_wait{0};
  int drain_tries = 0; // commits that failed while the instance was to end
  std::set<spec_hash> kept_specs; // of the gathering batch
  alloc_request room_wanted;
  std::map<const resource_request*, size_t> room_group;
  alloc_cancel room_cancelled;
  alloc_prioritize room_prioritized;
  alloc_extend room_extended;
  free_request room_freed;
  std::map<rank_t, settle_request> settles;
  std::set<job_id> holders; // jobs that hold an instance, or did
  // Jobs that are growing or shrinking (job_resize.cpp), and what follows a growth.
  struct resizing_job {
    uint64_t wish = 0;                          // of resize_request
    bool unwanted = false;                      // it shall not grow after all
    std::function<void(const caf::error&)> end; // once
  };
  std::map<job_id, resizing_job> resizing;
  std::map<job_id, std::function<void(const rset&, const std::string&)>> growing;
  struct reaper {
    reap_request request;
    caf::typed_response_promise<reap_reply> promise;
  };
  std::deque<reaper> reapers; // who waits for any job, or for all
  std::unordered_map<job_id, std::vector<follower>> followers;
  size_t follows_due = 0; // requests to follow that wait for a commit or the archive
  std::set<std::pair<caf::actor_addr, uint64_t>> withdrawn; // meanwhile: by whom, and which
  std::map<rank_t, caf::actor> execs;
  std::map<rank_t, std::vector<std::pair<std::function<void(const caf::actor&)>,
                                         std::function<void(const caf::error&)>>>> dialling;
  int64_t armed_ns = 0;
  bool commit_armed = false; // a flush of what is not urgent is on its way
  bool draining = false;
  std::vector<caf::typed_response_promise<done>> drained;
  burst_watch memory; // over the jobs that have not ended
};

/// Starts with what `restored` holds (jobs that had not ended when the instance last stopped).
job_manager_actor::behavior_type
job_manager_service(job_manager_state::pointer self, job_manager_peers peers,
                    std::shared_ptr<spec_cache> specs, std::shared_ptr<job_manager_core> restored);

} // namespace hactor
