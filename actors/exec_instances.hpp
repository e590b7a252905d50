// The nested instances that are led from one rank, as its exec sees them: made on request, and
// gone before the job whose grant they have is said to have ended.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/exec_core.hpp"
#include "actors/inner_jobs.hpp"
#include "actors/instance.hpp"
#include "actors/interfaces.hpp"

namespace hactor {

struct exec_state;

class exec_instances {
public:
  explicit exec_instances(exec_state& exec) : exec_{exec} {}
  void start(std::shared_ptr<const instance_context> context) { context_ = std::move(context); }

  caf::result<instance_reply> begin(const instance_request& r);
  caf::result<instance_reply> enter(job_id job);
  caf::result<done> wait(const instance_wait& r);
  caf::result<resize_reply> grow(const instance_grow& r);
  caf::result<instance_shrunk> shrink(const instance_shrink& r);
  void end(job_id job, const std::string& reason);
  /// All that runs in it hears of this signal. Requires: has(item.id).
  void warn(const signal_item& item);
  void on_over(job_id job);
  /// All ranks of a job that is led from here run their tasks.
  void on_started(job_id job);
  void on_rank_lost(rank_t rank);
  /// The broker ends.
  void stop();

  /// The tasks of a job here have ended. True: its instance has not, and the report is kept.
  bool hold(const job_report& r);

  /// Nothing of the job runs here any more.
  void on_job_gone(job_id job);

  size_t count() const { return all_.size(); }
  bool has(job_id job) const { return all_.count(job) != 0; }

  inner_jobs inner; // who ends before whom when a broker is lost

private:
  struct entry {
    instance_actor handle;
    int64_t owner = 0; // pid of its script; 0: not known
    bool ending = false;
    bool serves = false; // listings of jobs may show it
    std::optional<job_report> held; // the end of the job's own tasks
    std::set<rank_t> grown; // nodes that it got later, whose execs keep its jobs within its share
  };
  using reply_promise = caf::typed_response_promise<instance_reply>;
  using waiting_begin = std::pair<instance_request, reply_promise>;

  /// Makes the instance, or keeps the request until it can be made.
  void consider(const instance_request& r, reply_promise promise);
  void make(instance_request r, reply_promise promise);
  void tell_manager(job_id job, const instance_reply& about);
  caf::result<resize_reply> grow_confined(entry& e, const instance_grow& r);
  void forget_grown(job_id job, const std::set<rank_t>& nodes);
  /// The job goes on without the instance: it is not shown as one that holds it any more.
  void take_back_uri(job_id job);

  exec_state& exec_;
  std::shared_ptr<const instance_context> context_;
  std::map<job_id, entry> all_;
  /// Tasks that wait for the end of an instance, with the brokers on which they run.
  using waiter = std::pair<rank_t, caf::typed_response_promise<done>>;
  std::map<job_id, std::vector<waiter>> waiters_;
  /// Who asked for nodes back: an instance that ends does not answer.
  std::map<job_id, caf::typed_response_promise<instance_shrunk>> shrinking_;
  /// That wait for the end of one before, or for the job's start on its other ranks.
  std::multimap<job_id, waiting_begin> begins_;
  std::set<job_id> had_one_; // jobs that run here, whose instance has ended
};

} // namespace hactor
