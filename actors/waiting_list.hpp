// The jobs that wait for resources: in the order of their queue, and grouped by shape, so that a
// pass looks at each shape once, whatever number of jobs has it. Held jobs are known but in no
// order. Caller: scheduler_core.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/queue_policy.hpp"
#include "actors/ranked_tree.hpp"
#include "graph/match_request.hpp"
#include "graph/request.hpp"
#include "runtime/ids.hpp"

namespace hactor {

/// Kept small: there may be millions.
struct waiting_job {
  job_id id;
  int64_t t_submit_ns = 0;
  uint32_t priority = 0; ///< 0: held.
  uint32_t shape = 0;
  tree_link in_queue;
  tree_link in_shape;
  bool promised = false; ///< It had a reservation in an earlier pass.
};

/// All waiting jobs of one queue that want the same, and what is known of that.
struct job_shape {
  std::shared_ptr<const resource_request> request; ///< Null: the place is free.
  uint32_t queue = 0;
  uint32_t users = 0; ///< Jobs of this shape, held ones too.
  uint32_t at = 0;    ///< Its position in the queue's shapes, while it has jobs in the order.
  ranked_tree<waiting_job, &waiting_job::in_shape> jobs;

  // About the resources as they are: forgotten when the graph changes.
  std::shared_ptr<const match_request> compiled; ///< Null: not yet, or it cannot be.
  bool judged = false;
  std::string never; ///< Judged: why it can never be met; "" when it can.

  // About this moment: forgotten when something is freed.
  uint32_t reserved = 0; ///< Its first so many jobs have reservations.
  bool full = false;     ///< Does not fit now.
  bool parked = false;   ///< Fits at no time that is known, although it could.
  uint64_t room_pass = 0;
  std::string room; ///< In pass `room_pass`: how much of it there is room for, for people.
};

class waiting_list {
public:
  struct queue {
    std::shared_ptr<const queue_policy> policy;
    ranked_tree<waiting_job, &waiting_job::in_queue> order;
    std::vector<uint32_t> shapes; ///< Those with jobs in the order; themselves in none.
    uint32_t held = 0;
    bool usual_order = false; ///< Ordered anew since its policy gave up.
  };

  /// Adds a queue, and returns its number.
  uint32_t add_queue(std::shared_ptr<const queue_policy> policy);

  /// The shape of a request in a queue, made when it is new. O(text of the shape).
  uint32_t shape_of(uint32_t queue, const std::shared_ptr<const resource_request>& request);

  /// Requires: the job is not in the list. Returns its place. O(log jobs).
  uint32_t add(job_id id, uint32_t priority, int64_t t_submit_ns, uint32_t shape);
  void remove(uint32_t place);
  void set_priority(uint32_t place, uint32_t priority);

  /// Whether the order of a queue's policy has failed, so that its jobs must be ordered anew.
  bool must_reorder(uint32_t queue) const {
    return !queues_[queue].usual_order && queues_[queue].policy->gave_up();
  }
  /// Requires: no job of the queue has a reservation. O(jobs log jobs), once in a queue's life.
  void reorder(uint32_t queue);

  /// The place of a job, or `nothing`.
  uint32_t find(job_id id) const {
    auto i = index_.find(id);
    return i == index_.end() ? nothing : i->second;
  }

  waiting_job& job(uint32_t place) { return jobs_[place]; }
  const waiting_job& job(uint32_t place) const { return jobs_[place]; }
  job_shape& shape(uint32_t i) { return shapes_[i]; }
  const job_shape& shape(uint32_t i) const { return shapes_[i]; }
  job_shape& shape_at(uint32_t place) { return shapes_[jobs_[place].shape]; }
  const job_shape& shape_at(uint32_t place) const { return shapes_[jobs_[place].shape]; }
  queue& queue_at(uint32_t i) { return queues_[i]; }
  const queue& queue_at(uint32_t i) const { return queues_[i]; }
  const std::vector<waiting_job>& jobs() const { return jobs_; }
  std::vector<job_shape>& shapes() { return shapes_; }

  /// Whether the first stands before the second in their queue. Requires: neither is held.
  bool before(uint32_t a, uint32_t b) const;

  uint64_t size() const { return index_.size(); }
  uint64_t size(uint32_t queue) const;
  uint64_t held() const;

private:
  void enter(uint32_t place);
  void leave(uint32_t place);
  job_facts facts(uint32_t place) const;
  void forget_unused();

  std::vector<waiting_job> jobs_;
  std::vector<uint32_t> free_jobs_;
  std::vector<job_shape> shapes_;
  std::vector<uint32_t> free_shapes_;
  std::vector<queue> queues_;
  std::unordered_map<job_id, uint32_t> index_;
  std::unordered_map<std::string, uint32_t> by_text_; ///< Of shapes: the queue, then the text.
  size_t sweep_at_ = 1024;
};

} // namespace hactor
