// SCHEDULER: which job gets resources next, and which. Plain C++: the scheduler actor hands in
// events and times, the answers go out through scheduler_out.
//
// Each queue has an order, a policy and a depth (queue_policy.hpp). A pass drops the reservations
// of earlier passes and looks at the jobs of a queue in its order: a job that fits starts; of those
// that do not, as many as the policy says are promised the earliest time at which they will, and
// what is promised is taken into account for all behind them. `depth` jobs are looked at; jobs that
// fit at no known time do not count, and when something started there is another pass.
//
// Jobs of one shape are as good as each other: when one of them does not fit, none of them is tried
// again in this pass, though they count as looked at. So a pass costs about one match a shape. What
// did not fit is not tried again before something is freed; a pass in which nothing can have
// changed costs O(1).
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actors/queue_policy.hpp"
#include "actors/waiting_list.hpp"
#include "graph/match_policy.hpp"
#include "graph/request.hpp"
#include "graph/resource_pool.hpp"
#include "graph/rset.hpp"
#include "runtime/error.hpp"
#include "runtime/ids.hpp"
#include "runtime/idset.hpp"
#include "runtime/json.hpp"

namespace hactor {

/// A job that waits for resources.
struct alloc_item {
  job_id id;
  uint32_t priority = 16; ///< 0: held.
  int64_t t_submit_ns = 0;
  std::shared_ptr<const resource_request> request; ///< Shared by all jobs of one jobspec.
  bool tentative = false; ///< Denied once the nodes that are up could not take it, were they idle.
};

/// How a job came to start: at once, before jobs that were promised a time, or at its own promise.
enum class start_kind : uint8_t { immediate, backfill, reserved };

std::string_view name_of(start_kind how);

/// Everything the scheduler can cause. Each queued job gets exactly one of these, once. The calls
/// come from within scheduler_core::schedule and must not call back into the core.
struct scheduler_out {
  virtual ~scheduler_out() = default;
  virtual void granted(job_id id, rset&& r, start_kind how) = 0;
  /// The job can never run here; `note` says what was asked and what there is.
  virtual void denied(job_id id, std::string note) = 0;
  virtual void cancelled(job_id id) = 0;
};

/// Queue depth of those who do not say otherwise, and the most.
inline constexpr uint32_t queue_depth_default = 32;
inline constexpr uint32_t queue_depth_max = 1'000'000;

/// What a match for a claim may end in: Fluxion's match operations.
enum class claim_op : uint8_t {
  allocate,                     ///< Now, or not.
  allocate_with_satisfiability, ///< The same, and it is told when it can never be.
  allocate_orelse_reserve,      ///< Now, or as early as possible.
  satisfiability,               ///< Could it ever be? Nothing is held.
  without_allocating,           ///< As allocate, and nothing is held.
  without_allocating_future,    ///< As allocate_orelse_reserve, and nothing is held.
  reserve                       ///< Later than now, as early as possible.
};

struct queue_settings {
  std::string name; ///< "": the one queue of an instance without named ones.
  std::shared_ptr<const queue_policy> policy;
  uint32_t depth = queue_depth_default; ///< Jobs that a pass looks at.
  json where;                           ///< A constraint (RFC 31) on its nodes, or null.
};

struct scheduler_settings {
  std::vector<queue_settings> queues;        ///< Empty: one without name, first come first served.
  std::string default_queue;                 ///< Of jobs that name none; "": the first.
  std::shared_ptr<const match_policy> match; ///< Null: lonode.
  pool_options how;
  bool cut_at_end = false; ///< Jobs start although their limit is longer than what is left.
};

/// Why a job is where it is: a code for programs, a sentence for people.
struct explanation {
  /// running, cancelled, held, stopped, over, too-long, next, reserved, resources, down, behind,
  /// unsatisfiable
  std::string code;
  std::string sentence;
  double t_estimate = 0; ///< Seconds since the epoch: it starts then at the latest; 0: not known.

  friend bool operator==(const explanation&, const explanation&) = default;
};

/// A queue, as people see it.
struct queue_status {
  std::string name;
  std::string policy;
  uint32_t depth = 0;
  uint32_t reservation_depth = 0;
  bool enabled = true;                    ///< Jobs may be submitted.
  bool started = true;                    ///< Jobs are started.
  std::string enabled_note, started_note; ///< Why not.
  bool is_default = false;
  std::string where; ///< Its constraint as JSON; "" when there is none.
  uint64_t queued = 0, held = 0, running = 0, reserved = 0;
};

struct scheduler_counts {
  uint64_t queued = 0; ///< Waiting jobs, held ones too.
  uint64_t held = 0;   ///< Waiting with priority 0.
  uint64_t running = 0;
  uint64_t reserved = 0;
};

class scheduler_core {
public:
  explicit scheduler_core(scheduler_settings settings = {});

  // -- resources --------------------------------------------------------------------------------

  /// Sets or replaces what there is; before the first call nothing is placed or denied. Running
  /// jobs keep what they hold of it; ranks that stay keep their marks, new ones are up. O(nodes +
  /// running jobs).
  void set_inventory(const rset& inventory);

  /// The same from a graph, with more than nodes, cores and GPUs in it. To be called once, before
  /// any set_inventory; from then on that adds and removes ranks. Errors: as resource_pool::make.
  caf::error set_graph(resource_graph graph);

  // -- the graph, while jobs run ----------------------------------------------------------------

  /// As resource_pool has them; jobs that run keep what they hold. Errors: ec::wrong_state before
  /// the resources are known; those of resource_pool.
  caf::expected<std::vector<std::string>> attach(std::string_view jgf, const idset& ranks);
  caf::error detach(const std::string& path);
  caf::error set_status(const std::string& path, vertex_status status);
  caf::error set_property(const std::string& path, const std::string& key,
                          const std::string& value);
  caf::error remove_property(const std::string& path, const std::string& key);

  /// The graph, for the scheduler that comes after this one, which is of no use any more; none when
  /// the resources are not known.
  std::optional<resource_graph> take_graph();

  /// Nothing new is placed on a rank that is down or drained. Unknown ranks are ignored.
  void rank_down(rank_t rank);
  void rank_up(rank_t rank);
  void drain(rank_t rank);
  void undrain(rank_t rank);

  // -- jobs -------------------------------------------------------------------------------------

  /// Queues a job. A job that is queued or running already is left as it is (replay).
  /// Requires: item.request. O(log queued).
  void enqueue(alloc_item item);

  /// Tells that a job holds resources, as granted by another scheduler. What the inventory lacks
  /// now is not counted but stays the job's. `request`: what it asked for, which says its queue;
  /// null: the first. Errors: ec::busy when another job holds some of it: nothing is claimed.
  caf::error recover(job_id id, const rset& r, const resource_request* request = nullptr);

  /// The name of a queue in which jobs wait and that `others` does not have.
  std::optional<std::string> lost_queue(const scheduler_settings& others) const;

  /// Withdraws a queued job; the next pass says `cancelled`. Running and unknown jobs: no effect,
  /// and no answer. O(log queued).
  void cancel(job_id id);

  /// Changes the priority of a queued job; others are ignored.
  void prioritize(job_id id, uint32_t priority);

  /// A job that runs is to end at another time than it was granted: seconds since the epoch, 0:
  /// never. What was promised to others is promised anew by the next pass; a claim for later that
  /// it reaches into is lost. Other jobs are ignored.
  void extend(job_id id, double expiration);

  /// Takes back what a job holds: on `ranks`, or all of it. `final`: the rest too, and the job is
  /// forgotten. Jobs that hold nothing are ignored, so a second free is harmless.
  void free(job_id id, const std::optional<idset>& ranks, bool final);

  // -- claims (scheduler_claims.cpp) --------------------------------------------------------------
  // What programs hold that are no jobs of the instance (doc/graph.md). They are in the ledger as
  // jobs are: no job gets what is claimed, and no claim what a job has or is promised. Errors of
  // all: ec::wrong_state before the resources are known; ec::unknown_job when there is no such
  // claim. Numbers are less than claims_max.

  struct claim {
    hold_kind kind = hold_kind::allocated;
    rset r;             ///< With its times, also what the inventory lacks just now.
    double seconds = 0; ///< That the match took; the caller's to fill in.
  };

  /// Finds room, and holds it unless the operation only asks. Errors: ec::busy (none now),
  /// ec::unsatisfiable (never; only operations that tell), ec::wrong_state (the number is in use),
  /// ec::bad_argument (no such queue), ec::bad_jobspec.
  caf::expected<claim> match_claim(uint64_t number, claim_op op,
                                   const std::shared_ptr<const resource_request>& request,
                                   int64_t now_s);
  /// Holds what the text of an R says. Errors: those of resource_pool::take_text; ec::wrong_state.
  caf::expected<claim> update_claim(uint64_t number, const std::string& r, int64_t now_s);
  /// Takes up a claim that another core had. Errors: as resource_pool::take; it is none then.
  caf::error restore_claim(uint64_t number, claim c);
  caf::error cancel_claim(uint64_t number);
  /// Releases what the text of an R names; true when nothing is left, and so no claim. Errors:
  /// ec::bad_argument (it is for later); those of resource_pool::release_text.
  caf::expected<bool> cancel_claim_part(uint64_t number, const std::string& r);
  const std::map<uint64_t, claim>& claims() const { return claims_; }
  claim* find_claim(uint64_t number);
  /// Those that the graph, as it is now, has no room for any more, and why; each is told once.
  std::vector<std::pair<uint64_t, std::string>> take_lost_claims() {
    return std::exchange(lost_claims_, {});
  }
  /// The number of the next claim that has none.
  uint64_t next_claim() const { return next_claim_; }

  // -- deciding ---------------------------------------------------------------------------------

  /// One pass over all queues. R gets starttime now, and expiration now + duration unless that is
  /// unlimited, but none later than the inventory's. True: it ended after `grants_max` grants, and
  /// there may be more to decide.
  bool schedule(int64_t now_ns, scheduler_out& out, uint64_t grants_max = UINT64_MAX);

  /// When a pass may decide otherwise although nothing has happened: some job that waits can then
  /// not finish any more before ends(). Seconds since the epoch; 0: never.
  double next_pass() const { return next_late_; }

  /// Judges a job that is to be submitted, as if all nodes were up and idle. Errors:
  /// ec::unsatisfiable, with a sentence; ec::bad_argument (no such queue); ec::wrong_state (the
  /// queue takes no jobs); as resource_pool::compile.
  caf::error feasible(const std::shared_ptr<const resource_request>& request);

  // -- queues -----------------------------------------------------------------------------------

  /// A stopped queue places nothing; cancels are still answered. A disabled one takes no new jobs.
  /// "" names all queues. Errors: ec::bad_argument, naming the queues that there are.
  caf::error stop(const std::string& queue, std::string reason);
  caf::error start(const std::string& queue);
  caf::error disable(const std::string& queue, std::string reason);
  caf::error enable(const std::string& queue);
  std::vector<queue_status> queues() const;

  /// The nodes that a queue may use. Requires: the resources are known, the queue exists.
  rset nodes_of(const std::string& queue) const;

  // -- asking -----------------------------------------------------------------------------------

  /// Errors: ec::unknown_job. A few matches, once for all jobs of a shape.
  caf::expected<explanation> explain(job_id id, int64_t now_ns);
  scheduler_counts counts() const;
  /// Does a job or a claim have anything on these ranks? O(what runs).
  bool is_held(const idset& ranks) const;
  bool is_queued(job_id id) const { return waiting_.find(id) != nothing; }
  /// What a running job holds, by rank; null when it holds nothing.
  const std::vector<node_share>* held_by(job_id id) const;
  /// Requires: the resources are known.
  const resource_pool& pool() const { return *pool_; }
  bool knows_resources() const { return pool_ != nullptr; }
  /// When what there is ends, and all jobs with it: seconds since the epoch; 0: never.
  double ends() const { return ends_; }
  /// That end has come: nothing is started any more, since nothing of it would be left.
  bool is_over(int64_t now_ns) const;

private:
  /// As granted, also what the inventory lacks just now.
  struct running_job {
    std::vector<node_share> nodes;
    double starttime = 0;
    double expiration = 0;
    std::string scheduling;
    uint32_t queue = 0;
    uint64_t came_back = 0; // nodes that it has no more
  };

  struct reservation {
    uint32_t place = 0; // of the job
    int64_t at = 0;     // seconds
  };

  /// What has happened since the last pass: nothing, new jobs behind the reserved ones, or more.
  enum class news : uint8_t { none, arrivals, all };

  struct queue_state {
    queue_settings settings;
    std::optional<std::string> stopped, disabled;
    std::vector<reservation> reservations; // in the order of the queue
    std::vector<uint32_t> parked;          // shapes
    uint32_t blocked = nothing;            // the job at which a pass stopped
    bool cut = false;                      // the last pass ended at the queue's depth, or sooner
    uint64_t running = 0;
  };

  struct candidates;

  uint32_t queue_of(const resource_request& request) const;
  std::vector<uint32_t> named(const std::string& queue) const;
  caf::error no_queue(const std::string& name) const;
  void changed() { news_ = news::all; }
  void resources_changed();
  caf::error begin_change();
  void drop(uint32_t place);
  void retake(const rset& before);
  void retake_claims(const idset& differ, bool all);
  bool retake_claim(uint64_t number, const claim& c);
  caf::error free_number(uint64_t number) const;
  void keep_claim(uint64_t number, claim c);
  static rset r_of(const running_job& job);

  bool settle_orders();
  bool pass(int64_t now_ns, scheduler_out& out);
  void begin_pass(uint32_t queue);
  void set_aside(uint32_t queue, int64_t now_s);
  void forget_reservation(uint32_t place);
  bool run_queue(uint32_t queue, int64_t now_ns, scheduler_out& out);
  bool counts_as_seen(uint32_t queue, uint32_t place, uint64_t started) const;
  const match_request_ptr& compiled(job_shape& s);
  const std::string& never(job_shape& s);
  std::string judge(const job_shape& s);
  double end_after(double start, double duration_s) const;
  bool lasts_too_long(uint32_t place, double from) const;
  double latest_start(const job_shape& s) const;
  void note_late(double now);
  void park(uint32_t shape);
  match_result try_job(uint32_t place, bool reserving, int64_t now_s);
  void grant(uint32_t place, match_result&& found, int64_t now_ns, scheduler_out& out);
  void deny(uint32_t place, scheduler_out& out);
  bool fits_what_is_up(const resource_request& request) const;
  void judge_tentative();

  std::optional<uint64_t> room_for(const job_shape& s, match_op op, int64_t now_s);
  std::string room_text(const job_shape& s, match_op op, int64_t now_s);
  explanation explain_waiting(uint32_t place, int64_t now_s);
  explanation explain_reserved(uint32_t place, int64_t at, int64_t now_s) const;
  explanation explain_full(uint32_t place, int64_t now_s);
  std::string holders_until(uint32_t place, int64_t at) const;

  scheduler_settings settings_;
  std::unique_ptr<resource_pool> pool_; ///< Null: not known yet.
  double began_ = 0, ends_ = 0;         ///< Of the inventory.
  double next_late_ = 0;                ///< See next_pass().
  waiting_list waiting_;
  std::vector<queue_state> queues_;
  std::unordered_map<job_id, running_job> running_;
  std::map<uint64_t, claim> claims_;
  std::vector<std::pair<uint64_t, std::string>> lost_claims_;
  uint64_t next_claim_ = 1;
  std::vector<job_id> cancelled_; ///< To be answered by the next pass.
  std::vector<std::pair<job_id, std::string>> denied_;
  std::set<job_id> tentative_; ///< Of those that wait, and of some that did.
  idset down_, drained_;       ///< Ranks.
  news news_ = news::all;
  uint64_t pass_ = 1;
  uint64_t grants_left_ = 0; ///< Of this call of schedule().
};

} // namespace hactor
