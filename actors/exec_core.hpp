// One rank's part in the running of every job: the k-ary tree of the job's brokers, down which
// launches and signals go and up which starts and ends are gathered, and jobs whose execution is
// simulated. Called by actors/exec.cpp and by the simulator.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/launch_plan.hpp"
#include "actors/messages.hpp"

namespace hactor {

/// Whose job it is.
struct job_origin {
  std::string instance; // path of the instance, "A/B"; "": the outermost
  caf::actor manager;   // its job manager
  std::vector<int64_t> memory{}; // what its jobs may use together, as in launch_request
  idset cpus{};                  // that its jobs may use on this rank; empty: all
};
using job_origin_ptr = std::shared_ptr<const job_origin>;

/// The limits that bind a job of this origin, then its own, as in memory_member. Empty: none does.
std::vector<int64_t> add_memory_limit(const job_origin& origin, int64_t own);

/// A job to launch: what all jobs of its jobspec share, and its own.
struct launch_order {
  launch_plan_ptr plan;
  launch_item item;
  job_origin_ptr origin{};
};

/// Everything exec can cause.
struct exec_out {
  virtual ~exec_out() = default;
  /// Start this node's tasks: those of the entries of R (by index) that this broker hosts.
  virtual void start_shell(const launch_order& order, const std::vector<uint32_t>& entries) = 0;
  virtual void signal_shell(const signal_item& item) = 0;
  /// A line for the job's standard error.
  virtual void note(job_id id, const std::string& text) = 0;
  virtual void forward_launch(rank_t to, const launch_order& order) = 0;
  virtual void forward_signal(rank_t to, const signal_item& item) = 0;
  /// A part of what the job's tasks tell each other, and the whole of it (exchange_part).
  virtual void pass_up(rank_t parent, exchange_part&& part) = 0;
  virtual void pass_down(const exchange_whole& whole, bool to_shell,
                         const std::set<rank_t>& children) = 0;
  /// To the job manager: nothing of the job runs here any more (see settled_report).
  virtual void settled(job_report&& r) = 0;
  /// Does the job hold an instance? What runs in it may be on any of the job's brokers.
  virtual bool holds_instance(job_id) const { return false; }
  /// To the parent in the job's tree, or, at its root, to whoever asked for the launch.
  virtual void report(bool at_root, rank_t parent, job_report&& r) = 0;
};

class exec_core {
public:
  exec_core() = default;
  /// `release_delay_ns`: for how long brokers of a job that are clean wait for the others, before
  /// they are told of alone. `mpi_patience_s`: when it is told that some of a job have come to
  /// MPI_Init and others not; 0: never.
  exec_core(rank_t self, uint32_t brokers, uint32_t fanout, int64_t release_delay_ns = 0,
            double mpi_patience_s = 0)
      : self_(self), brokers_(brokers), fanout_(fanout), release_delay_ns_(release_delay_ns),
        mpi_patience_s_(mpi_patience_s) {}

  /// Requires: this broker is one of the job's.
  void launch(int64_t now_ns, const launch_order& order, exec_out& out);

  /// The job could not be launched here; the tree is told.
  void refuse(const launch_item& item, const std::string& why, exec_out& out);

  void signal(int64_t now_ns, const signal_item& item, exec_out& out);
  /// The job holds no instance any more: what of it is clean may be told of.
  void on_instance_over(int64_t now_ns, job_id id) { await_others(now_ns, id); }
  void on_shell_report(int64_t now_ns, const job_report& r, exec_out& out);
  void on_child_report(int64_t now_ns, rank_t child, const job_report& r, exec_out& out);

  /// All tasks of the world below its `from` (ourselves: our own) wait for what the others of that
  /// world have to tell.
  void on_exchange_part(int64_t now_ns, const exchange_part& part, exec_out& out);
  /// From the parent: here it is.
  void on_exchange_whole(const exchange_whole& whole, exec_out& out);

  /// A broker died: what it had of our jobs has ended.
  void on_rank_lost(rank_t rank, exec_out& out);

  /// The job lost a broker (one of `lost`): end it here, and say once when it is gone. Where its
  /// parent in the tree is lost the answer also holds what the parent would have been told.
  void settle(int64_t now_ns, job_id id, uint32_t attempt, const idset& lost, exec_out& out);

  /// A message to a child did not arrive.
  void on_unreachable(job_id id, rank_t child, const std::string& why, exec_out& out);

  /// Ends simulated jobs whose time has come, and what others of a job have left too long ago;
  /// tells of brokers that waited for others, and of first tasks' ends. Call when next_wake_ns().
  void on_time(int64_t now_ns, exec_out& out);
  int64_t next_wake_ns() const; ///< 0: none.

  size_t running() const { return jobs_.size(); }
  /// What the job's tree waits for here, but for the tasks of this broker (exec_waits.cpp).
  std::vector<job_wait> waits_of(int64_t now_ns, job_id id) const;
  /// The job's brokers below this one that have not ended it.
  std::set<rank_t> below(job_id id) const;
  /// The same of all jobs, as sentences; some `max` of them.
  std::vector<std::string> waits(int64_t now_ns, size_t max) const;
  bool runs(job_id id) const { return jobs_.count(id) != 0; }
  /// True when the job runs and this is the root of its tree, the broker of its first task.
  bool leads(job_id id) const;
  /// True when the job runs, this is the root of its tree, and all of it has started.
  bool started(job_id id) const;
  /// True when the job runs, this is the root of its tree, and some of its brokers may have others'
  /// tasks already.
  bool gave_back(job_id id) const;

private:
  /// What the tasks of one world of a job tell each other.
  struct exchange {
    std::set<rank_t> from; // whose parts of the one under way are in the next
    std::string values;
    // Who else must give a part, among our children and ourselves, and whether others must; of all
    // tasks of the job: everybody.
    idset among;
    std::set<rank_t> below;
    bool own = false, above = false;
    bool by_mpi = false;     // the one under way is the tasks'
    bool met = false;        // their first is over
    int64_t since_ns = 0;    // where it is known who is missing: when the first part of it came
    int64_t note_at_ns = 0, end_at_ns = 0; // when that is told, and ends the job; 0: never
  };

  struct job {
    bool root = false;
    rank_t parent = 0;
    bool simulated = false;
    int64_t since_ns = 0; // it is here
    int64_t simulated_end_ns = 0;
    double exit_timeout_s = -1;     // for the others once a task has ended; < 0: for ever
    double mpi_timeout_s = -1;      // for the others once some have come to MPI_Init; likewise
    int64_t exit_at_ns = 0;         // at the root, when that is over; 0: no task has ended
    std::string first_end;          // likewise, which task it was and how it ended, if we know
    int32_t ended_status = 0;       // greatest wait status of tasks that have ended, as was told
    std::string worst_end;          // how the task of it ended; "": nobody said
    uint8_t told_exit = 0;          // to the parent: 1: a task has ended, 2: all have
    int64_t first_exit_at_ns = 0;   // at the root: when that is told, if others still run; 0: no
    std::set<rank_t> cleaning;      // ourselves and children that have no tasks left
    bool spread = false;            // it is on several brokers
    idset clean;                    // if so: those of the subtree that have ended
    uint64_t told_clean = 0;        // ... and how many whoever is above us has heard of
    int64_t clean_at_ns = 0;        // when it is to hear of the rest; 0: there is nothing to tell
    bool shell_due = false;         // our own tasks have not all ended
    std::set<rank_t> start_due;     // ourselves and children that have not started
    std::set<rank_t> children;      // that have not ended
    std::map<int32_t, exchange> exchanges; // by world, as in exchange_part
    std::vector<rank_t> brokers;           // of the job, in order of R
    std::vector<std::string> hosts;        // of these, at the root
    size_t position = 0;                   // ours in it
    /// For the children, until the files that all write are empty.
    std::unique_ptr<launch_order> held;
    bool told_start = false;
    bool ending = false;          // a failure has set the end in motion
    bool settling = false;        // the job manager waits until it is gone from here
    bool settled = false;         // ... and has been told
    job_report sum;
  };

  struct place {
    std::vector<rank_t> brokers; // of the job, in order of R
    std::vector<std::string> hosts; // of these, where we are the first
    size_t position = 0;         // ours
    std::vector<uint32_t> entries;
  };
  place find_place(const rset& r) const;
  void pass_launch(job& j, exec_out& out);
  void add(job& j, const job_report& part);
  void leave_others(int64_t now_ns, job_id id, job& j, rank_t from, const job_report& part,
                    exec_out& out);
  std::set<rank_t> running_parts(const job& j) const;
  bool runs_tasks(const job& j) const { return !running_parts(j).empty(); }
  static bool note_status(job& j, const job_report& part);
  static int32_t status_of(const job& j);
  std::string who_still_runs(const job& j) const;
  void await_others(int64_t now_ns, job_id id);
  void tell_clean(job_id id, job& j, exec_out& out);
  void note_first_exit(job& j, const job_report& part);
  void tell_first_exit(job_id id, job& j, exec_out& out);
  bool has_clean_news(const job& j) const;
  void take_child_report(rank_t child, const job_report& r, exec_out& out);
  void end_here(job_id id, job& j, exec_out& out);
  void tell_settled(job_id id, job& j, exec_out& out);
  std::optional<size_t> way_to(const job& j, size_t i) const;
  void find_participants(const job& j, exchange& x) const;
  std::set<rank_t> missing_parts(const job& j, int32_t world, const exchange& x) const;
  static bool leads_exchange(const job& j, int32_t world, const exchange& x);
  idset brokers_below(const job& j, const std::set<rank_t>& parts) const;
  static std::string brokers_text(const job& j, const idset& which);
  std::string who_is_missing(const job& j, int32_t world, const exchange& x) const;
  void begin_meeting(int64_t now_ns, job_id id, const job& j, int32_t world, exchange& x);
  void look_at_meetings(int64_t now_ns, job_id id, job& j, exec_out& out);
  void fail(int64_t now_ns, job_id id, job& j, std::string why, exec_out& out);
  void advance_exchanges(job_id id, job& j, exec_out& out);
  bool is_orphan(const job& j) const { return !j.root && lost_.count(j.parent) != 0; }
  void advance(job_id id, exec_out& out);

  rank_t self_ = 0;
  uint32_t brokers_ = 1;
  uint32_t fanout_ = 16;
  int64_t release_delay_ns_ = 0;
  double mpi_patience_s_ = 0;
  std::unordered_map<job_id, job> jobs_;
  std::set<rank_t> lost_;
  std::unordered_map<job_id, job_report> unheard_; // ends whose parent is lost, for settle()
  /// The attempt of which a launch that is still on its way comes too late.
  std::unordered_map<job_id, uint32_t> disowned_;
  std::multimap<int64_t, job_id> wakes_;
};

} // namespace hactor
