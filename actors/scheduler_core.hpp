// Which waiting job gets which nodes, and when: first come first served over nodes, cores and GPUs.
// Plain C++: the scheduler actor hands in events and times, the answers go out through
// scheduler_out. The graph scheduler will stand behind the same two interfaces.
//
// Order: priority descending, submit time ascending, id ascending. A pass stops at the first job
// that does not fit; a job that never can fit is denied and does not stop it; priority 0 is held.
// A pass in which nothing can have changed since the last one costs O(1).
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "graph/pool.hpp"
#include "graph/request.hpp"
#include "graph/rset.hpp"
#include "runtime/error.hpp"
#include "runtime/ids.hpp"
#include "runtime/idset.hpp"

namespace hactor {

/// A job that waits for resources.
struct alloc_item {
  job_id id;
  uint32_t priority = 16; ///< 0: held.
  int64_t t_submit_ns = 0;
  std::shared_ptr<const resource_request> request; ///< Shared by all jobs of one jobspec.
};

/// Everything the scheduler can cause. Each queued job gets exactly one of these, once. The calls
/// come from within scheduler_core::schedule and must not call back into the core.
struct scheduler_out {
  virtual ~scheduler_out() = default;
  virtual void granted(job_id id, rset&& r) = 0;
  /// The job can never run here; `note` says what was asked and what there is.
  virtual void denied(job_id id, std::string note) = 0;
  virtual void cancelled(job_id id) = 0;
};

/// Why a job is where it is: a code for programs, a sentence for people.
struct explanation {
  std::string
      code; ///< running, cancelled, held, stopped, behind, unsatisfiable, down, resources, next
  std::string sentence;

  friend bool operator==(const explanation&, const explanation&) = default;
};

struct scheduler_counts {
  uint64_t queued = 0; ///< Waiting jobs, held ones too.
  uint64_t held = 0;   ///< Waiting with priority 0.
  uint64_t running = 0;
  pool_counts pool;
};

class scheduler_core {
public:
  // -- resources --------------------------------------------------------------------------------

  /// Sets or replaces what there is; before the first call nothing is placed or denied. Running
  /// jobs keep what they hold of it; ranks that stay keep their marks, new ones are up. O(nodes +
  /// running jobs).
  void set_inventory(const rset& inventory);

  /// Nothing new is placed on a rank that is down or drained. Unknown ranks are ignored.
  void rank_down(rank_t rank);
  void rank_up(rank_t rank);
  void drain(rank_t rank);
  void undrain(rank_t rank);

  // -- jobs -------------------------------------------------------------------------------------

  /// Queues a job. A job that is queued or running already is left as it is (replay).
  /// Requires: item.request. O(log queued).
  void enqueue(alloc_item item);

  /// Tells that a job holds resources (restart). What the inventory lacks now is not counted but
  /// stays the job's. Errors: ec::busy when another job holds some of it: nothing is claimed.
  caf::error recover(job_id id, const rset& r);

  /// Withdraws a queued job; the next pass says `cancelled`. Running and unknown jobs: no effect,
  /// and no answer. O(log queued).
  void cancel(job_id id);

  /// Changes the priority of a queued job; others are ignored.
  void prioritize(job_id id, uint32_t priority);

  /// Takes back what a job holds: on `ranks`, or all of it. `final`: the rest too, and the job is
  /// forgotten. Jobs that hold nothing are ignored, so a second free is harmless.
  void free(job_id id, const std::optional<idset>& ranks, bool final);

  // -- deciding ---------------------------------------------------------------------------------

  /// One pass. R gets starttime now, and expiration now + duration unless that is unlimited.
  void schedule(int64_t now_ns, scheduler_out& out);

  /// A stopped scheduler places nothing; cancels are still answered.
  void stop(std::string reason);
  void start();
  bool stopped() const { return stopped_.has_value(); }

  /// Judged as if all nodes were up and idle. Errors: ec::unsatisfiable, with a sentence.
  caf::error feasible(const resource_request& request) const { return pool_.feasible(request); }

  // -- asking -----------------------------------------------------------------------------------

  /// Errors: ec::unknown_job. O(position in the queue), at most explain_ahead_max.
  caf::expected<explanation> explain(job_id id) const;
  scheduler_counts counts() const;
  bool is_queued(job_id id) const { return index_.count(id) != 0; }
  /// What a running job holds, by rank; null when it holds nothing.
  const std::vector<node_share>* held_by(job_id id) const;
  const node_pool& pool() const { return pool_; }

  /// Jobs ahead that explain counts, so that asking about the millionth job stays cheap.
  static constexpr uint32_t explain_ahead_max = 1'000;

private:
  /// Kept small: there may be millions.
  struct waiting {
    uint32_t priority;
    int64_t t_submit_ns;
    job_id id;
    std::shared_ptr<const resource_request> request;
  };

  struct earlier {
    bool operator()(const waiting& a, const waiting& b) const {
      if (a.priority != b.priority)
        return a.priority > b.priority;
      if (a.t_submit_ns != b.t_submit_ns)
        return a.t_submit_ns < b.t_submit_ns;
      return a.id < b.id;
    }
  };
  using queue = std::set<waiting, earlier>;

  void changed() { blocked_ = false; }
  void changed_if_first(queue::iterator job);
  void drop(queue::iterator job);
  /// Why the request can never be met, "" if it can. Remembers the last request.
  const std::string& never_fits(const std::shared_ptr<const resource_request>& request);
  explanation explain_head(const waiting& job) const;

  node_pool pool_;
  queue queue_;
  std::unordered_map<job_id, queue::iterator> index_;
  std::unordered_map<job_id, std::vector<node_share>> running_; ///< As granted, see set_inventory.
  std::vector<job_id> cancelled_; ///< To be answered by the next pass.
  uint64_t held_ = 0;
  std::optional<std::string> stopped_;
  bool has_inventory_ = false;
  bool blocked_ = false; ///< The first job did not fit, and nothing has changed since.
  std::shared_ptr<const resource_request> judged_;
  std::string judgement_;
};

} // namespace hactor
