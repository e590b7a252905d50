// See waiting_list.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/waiting_list.hpp"

#include <algorithm>

namespace hactor {

namespace {

/// Places that an empty list keeps: what a burst of jobs needed beyond is given back.
constexpr size_t idle_places_max = 1024;

} // namespace

uint32_t waiting_list::add_queue(std::shared_ptr<const queue_policy> policy) {
  queues_.push_back({std::move(policy), {}, {}, 0, false});
  return static_cast<uint32_t>(queues_.size() - 1);
}

uint32_t waiting_list::shape_of(uint32_t queue,
                                const std::shared_ptr<const resource_request>& request) {
  auto text = std::to_string(queue) + request->shape;
  if (auto known = by_text_.find(text); known != by_text_.end())
    return known->second;
  if (by_text_.size() >= sweep_at_)
    forget_unused();
  uint32_t i;
  if (free_shapes_.empty()) {
    i = static_cast<uint32_t>(shapes_.size());
    shapes_.emplace_back();
  } else {
    i = free_shapes_.back();
    free_shapes_.pop_back();
  }
  shapes_[i] = {};
  shapes_[i].request = request;
  shapes_[i].queue = queue;
  by_text_.emplace(std::move(text), i);
  return i;
}

/// Shapes without jobs are kept for the next job, until there are many.
void waiting_list::forget_unused() {
  std::erase_if(by_text_, [this](const auto& known) {
    auto& s = shapes_[known.second];
    if (s.users > 0)
      return false;
    s = {};
    free_shapes_.push_back(known.second);
    return true;
  });
  sweep_at_ = 2 * by_text_.size() + 1024;
}

uint32_t waiting_list::add(job_id id, uint32_t priority, int64_t t_submit_ns, uint32_t shape) {
  uint32_t place;
  if (free_jobs_.empty()) {
    place = static_cast<uint32_t>(jobs_.size());
    jobs_.emplace_back();
  } else {
    place = free_jobs_.back();
    free_jobs_.pop_back();
  }
  auto& j = jobs_[place];
  j = {};
  j.id = id;
  j.t_submit_ns = t_submit_ns;
  j.priority = priority;
  j.shape = shape;
  index_.emplace(id, place);
  ++shapes_[shape].users;
  enter(place);
  return place;
}

void waiting_list::remove(uint32_t place) {
  leave(place);
  --shapes_[jobs_[place].shape].users;
  index_.erase(jobs_[place].id);
  jobs_[place] = {};
  free_jobs_.push_back(place);
  if (!index_.empty() || jobs_.size() <= idle_places_max)
    return;
  // Not of {}, which would empty them and keep their memory.
  jobs_ = decltype(jobs_){};
  free_jobs_ = decltype(free_jobs_){};
  index_ = decltype(index_){};
}

void waiting_list::set_priority(uint32_t place, uint32_t priority) {
  leave(place);
  jobs_[place].priority = priority;
  enter(place);
}

void waiting_list::enter(uint32_t place) {
  auto& s = shape_at(place);
  auto& q = queues_[s.queue];
  if (jobs_[place].priority == 0) {
    ++q.held;
    return;
  }
  auto order = [this](uint32_t a, uint32_t b) { return before(a, b); };
  if (s.jobs.empty()) {
    // While it had no jobs nobody kept what was known of it.
    s.reserved = 0;
    s.full = s.parked = false;
    s.at = static_cast<uint32_t>(q.shapes.size());
    q.shapes.push_back(jobs_[place].shape);
  }
  s.jobs.insert(jobs_, place, order);
  q.order.insert(jobs_, place, order);
}

void waiting_list::leave(uint32_t place) {
  auto& s = shape_at(place);
  auto& q = queues_[s.queue];
  if (jobs_[place].priority == 0) {
    --q.held;
    return;
  }
  s.jobs.erase(jobs_, place);
  q.order.erase(jobs_, place);
  if (!s.jobs.empty())
    return;
  shapes_[q.shapes.back()].at = s.at;
  q.shapes[s.at] = q.shapes.back();
  q.shapes.pop_back();
}

void waiting_list::reorder(uint32_t queue) {
  auto& q = queues_[queue];
  q.usual_order = true;
  q.order = {};
  for (auto shape : q.shapes)
    shapes_[shape].jobs = {};
  auto order = [this](uint32_t a, uint32_t b) { return before(a, b); };
  for (auto& [id, place] : index_) {
    auto& s = shape_at(place);
    if (s.queue != queue || jobs_[place].priority == 0)
      continue;
    s.jobs.insert(jobs_, place, order);
    q.order.insert(jobs_, place, order);
  }
}

job_facts waiting_list::facts(uint32_t place) const {
  auto& j = jobs_[place];
  return {j.id, j.priority, j.t_submit_ns, shapes_[j.shape].request.get()};
}

bool waiting_list::before(uint32_t a, uint32_t b) const {
  return queues_[shape_at(a).queue].policy->before(facts(a), facts(b));
}

uint64_t waiting_list::size(uint32_t queue) const {
  auto& q = queues_[queue];
  return q.order.size(jobs_) + q.held;
}

uint64_t waiting_list::held() const {
  uint64_t n = 0;
  for (auto& q : queues_)
    n += q.held;
  return n;
}

} // namespace hactor
