// See scheduler_core.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/scheduler_core.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace hactor {

namespace {

/// Moves the shares on `ranks` out of `from`.
std::vector<node_share> take_ranks(std::vector<node_share>& from, const idset& ranks) {
  std::vector<node_share> taken;
  auto rest = std::stable_partition(from.begin(), from.end(),
                                    [&](const node_share& x) { return !ranks.contains(x.rank); });
  std::move(rest, from.end(), std::back_inserter(taken));
  from.erase(rest, from.end());
  return taken;
}

} // namespace

// -- resources ----------------------------------------------------------------------------------

void scheduler_core::set_inventory(const rset& inventory) {
  pool_.reset(inventory);
  std::vector<node_share> taken;
  for (const auto& [id, nodes] : running_) {
    // A job keeps also what is gone: if the rank comes back, it is not given to another.
    auto e = pool_.take(nodes, taken);
    HACTOR_CHECK(!e); // running jobs never overlap
  }
  judged_ = nullptr;
  has_inventory_ = true;
  changed();
}

void scheduler_core::rank_down(rank_t rank) { pool_.set_up(rank, false); }

void scheduler_core::rank_up(rank_t rank) {
  if (pool_.set_up(rank, true))
    changed();
}

void scheduler_core::drain(rank_t rank) { pool_.set_drained(rank, true); }

void scheduler_core::undrain(rank_t rank) {
  if (pool_.set_drained(rank, false))
    changed();
}

// -- jobs ---------------------------------------------------------------------------------------

void scheduler_core::changed_if_first(queue::iterator job) {
  if (job == queue_.begin())
    changed();
}

void scheduler_core::enqueue(alloc_item item) {
  HACTOR_CHECK(item.request != nullptr);
  if (running_.count(item.id) != 0)
    return;
  auto [at, is_new] = index_.try_emplace(item.id);
  if (!is_new)
    return;
  auto job = queue_.insert({item.priority, item.t_submit_ns, item.id, std::move(item.request)});
  at->second = job.first;
  held_ += item.priority == 0;
  changed_if_first(job.first);
}

caf::error scheduler_core::recover(job_id id, const rset& r) {
  if (running_.count(id) != 0)
    return {};
  std::vector<node_share> taken;
  if (auto e = pool_.take(r.nodes, taken))
    return e;
  // What the inventory lacks now may come back: nobody else may hold that either.
  if (taken != r.nodes) {
    for (const auto& [other, nodes] : running_) {
      rset held;
      held.nodes = nodes;
      if (disjoint(held, r))
        continue;
      pool_.release(taken);
      return make_error(ec::busy, fmt::format("job {} holds resources of job {}", to_string(other),
                                              to_string(id)));
    }
  }
  if (auto i = index_.find(id); i != index_.end())
    drop(i->second);
  running_.emplace(id, r.nodes);
  return {};
}

/// Takes a job out of the queue.
void scheduler_core::drop(queue::iterator job) {
  changed_if_first(job);
  held_ -= job->priority == 0;
  index_.erase(job->id);
  queue_.erase(job);
}

void scheduler_core::cancel(job_id id) {
  auto i = index_.find(id);
  if (i == index_.end())
    return;
  drop(i->second);
  cancelled_.push_back(id);
}

void scheduler_core::prioritize(job_id id, uint32_t priority) {
  auto i = index_.find(id);
  if (i == index_.end() || i->second->priority == priority)
    return;
  changed_if_first(i->second);
  auto job = queue_.extract(i->second);
  held_ -= job.value().priority == 0;
  held_ += priority == 0;
  job.value().priority = priority;
  i->second = queue_.insert(std::move(job)).position;
  changed_if_first(i->second);
}

void scheduler_core::free(job_id id, const std::optional<idset>& ranks, bool final) {
  auto i = running_.find(id);
  if (i == running_.end())
    return;
  if (final || !ranks) {
    pool_.release(i->second);
    i->second.clear();
  } else {
    pool_.release(take_ranks(i->second, *ranks));
  }
  // Without `final` the job stays known, empty-handed: a late replay must not queue it again.
  if (final)
    running_.erase(i);
  changed();
}

// -- deciding -----------------------------------------------------------------------------------

const std::string&
scheduler_core::never_fits(const std::shared_ptr<const resource_request>& request) {
  if (judged_ != request) {
    auto e = pool_.feasible(*request);
    judged_ = request;
    judgement_ = e ? "unsatisfiable: " + render(e) : std::string();
  }
  return judgement_;
}

void scheduler_core::schedule(int64_t now_ns, scheduler_out& out) {
  for (auto id : std::exchange(cancelled_, {}))
    out.cancelled(id);
  if (stopped_ || blocked_ || !has_inventory_)
    return;
  auto now_s = static_cast<double>(now_ns) / 1e9;
  while (!queue_.empty()) {
    auto job = queue_.begin();
    if (job->priority == 0) // held, and so are all behind it
      break;
    auto id = job->id;
    if (auto r = pool_.allocate(*job->request)) {
      r->starttime = now_s;
      if (job->request->duration_s > 0)
        r->expiration = now_s + job->request->duration_s;
      drop(job);
      running_.emplace(id, r->nodes);
      out.granted(id, std::move(*r));
      continue;
    }
    const auto& never = never_fits(job->request);
    if (never.empty())
      break;
    drop(job);
    out.denied(id, never);
  }
  blocked_ = true;
}

void scheduler_core::stop(std::string reason) { stopped_ = std::move(reason); }

void scheduler_core::start() { stopped_.reset(); }

// -- asking -------------------------------------------------------------------------------------

explanation scheduler_core::explain_head(const waiting& job) const {
  if (auto e = pool_.feasible(*job.request))
    return {"unsatisfiable", "can never run here: " + render(e)};
  if (auto e = pool_.feasible(*job.request, true)) {
    const auto& c = pool_.counts();
    return {"down", fmt::format("waits for nodes that are down ({}) or drained ({}): {}",
                                c.nodes_down, c.nodes_drained, render(e))};
  }
  if (!blocked_)
    return {"next", "is first in the queue and will be looked at in the next pass"};
  const auto& c = pool_.counts();
  auto gpus = job.request->gpus_per_slot > 0
                  ? fmt::format(" and {} of {} gpus", c.gpus_free, c.gpus)
                  : std::string();
  return {"resources", fmt::format("is first in the queue and waits for {}; {} of {} cores{} are "
                                   "free",
                                   describe(*job.request), c.cores_free, c.cores, gpus)};
}

caf::expected<explanation> scheduler_core::explain(job_id id) const {
  if (auto i = running_.find(id); i != running_.end())
    return explanation{"running", fmt::format("holds resources on {} node{}", i->second.size(),
                                              i->second.size() == 1 ? "" : "s")};
  if (std::find(cancelled_.begin(), cancelled_.end(), id) != cancelled_.end())
    return explanation{"cancelled", "was withdrawn"};
  auto i = index_.find(id);
  if (i == index_.end())
    return make_error(ec::unknown_job,
                      fmt::format("{}: not known to the scheduler", to_string(id)));
  const auto& job = *i->second;
  if (job.priority == 0)
    return explanation{"held", "is held: its priority is 0; raise its urgency to release it"};
  if (stopped_)
    return explanation{"stopped", "scheduling is stopped: " + *stopped_};
  if (!has_inventory_)
    return explanation{"stopped", "scheduling has not begun: the resources are not known yet"};
  if (i->second == queue_.begin())
    return explain_head(job);
  if (auto e = pool_.feasible(*job.request))
    return explanation{"unsatisfiable", "can never run here: " + render(e)};
  uint32_t ahead = 0;
  for (auto k = i->second; k != queue_.begin() && ahead <= explain_ahead_max; --k)
    ++ahead;
  auto count = ahead > explain_ahead_max ? fmt::format("more than {} jobs are", explain_ahead_max)
               : ahead == 1              ? std::string("1 job is")
                                         : fmt::format("{} jobs are", ahead);
  const auto& first = *queue_.begin();
  return explanation{"behind",
                     fmt::format("{} ahead (first come, first served); the first, {}, {}", count,
                                 to_string(first.id), explain_head(first).sentence)};
}

scheduler_counts scheduler_core::counts() const {
  return {queue_.size(), held_, running_.size(), pool_.counts()};
}

const std::vector<node_share>* scheduler_core::held_by(job_id id) const {
  auto i = running_.find(id);
  return i == running_.end() ? nullptr : &i->second;
}

} // namespace hactor
