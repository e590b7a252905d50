// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tree_leaf.hpp"

#include <algorithm>

#include "measure.hpp"
#include "spec_texts.hpp"

namespace hactor::bench {

namespace {

constexpr int64_t epoch_ns = 1'700'000'000'000'000'000;
constexpr uint64_t waiting_max = 4000;  // a script that submits goes no further ahead
constexpr uint64_t jobs_a_frame = 1000; // of one submission
constexpr uint64_t grants_a_turn = 128; // as the scheduler's actor has it

} // namespace

tree_leaf::tree_leaf(uint32_t nodes, uint32_t cores, const tree_costs& costs,
                     const job_spec_ptr& spec)
    : costs_{costs}, spec_{spec} {
  scheduler_.set_inventory(test::whole_nodes(nodes, cores));
}

void tree_leaf::post(const job_event& e) {
  if (e.kind == event_kind::clean && ++ends_[e.id.value - 1] > 1)
    fail("a job has ended twice");
}

void tree_leaf::want_room(const job_spec_ptr& spec, const alloc_entry& entry) {
  scheduler_.enqueue({entry.id, entry.priority, entry.t_submit_ns, spec->request});
  more_to_place_ = true;
}

void tree_leaf::granted(job_id id, rset&& r, start_kind) { grants_.emplace_back(id, std::move(r)); }

void tree_leaf::denied(job_id, std::string note) { fail("a job was denied: " + note); }

void tree_leaf::take_in(uint64_t jobs) {
  auto waiting = manager_.counts().sched;
  if (submitted_ == jobs || waiting > waiting_max)
    return;
  accepted_spec a;
  auto n = std::min(jobs_a_frame, jobs - submitted_);
  for (uint64_t i = 0; i < n; ++i)
    a.ids.push_back(job_id{++submitted_});
  manager_.accept(epoch_ns + now_ns_, 1000, spec_, a, *this);
}

/// What has arrived is taken in, and what follows is decided. False: nothing was to be done.
bool tree_leaf::turn(uint64_t jobs) {
  std::vector<uint64_t> arrived;
  for (; !ends_due_.empty() && ends_due_.top().first <= now_ns_; ends_due_.pop())
    arrived.push_back(ends_due_.top().second);
  auto before = submitted_;
  auto begin = thread_ns();
  auto at = epoch_ns + now_ns_;
  for (auto id : arrived) {
    job_report r;
    r.id = job_id{id};
    r.started = true;
    manager_.on_report(at, r, *this);
    r.ended = true;
    manager_.on_report(at, r, *this);
  }
  for (auto id : ended_)
    manager_.forget(id);
  take_in(jobs);
  more_to_place_ |= !freed_.empty();
  for (auto id : freed_)
    scheduler_.free(id, std::nullopt, true);
  if (more_to_place_)
    more_to_place_ = scheduler_.schedule(at, *this, grants_a_turn);
  for (auto& [id, r] : grants_)
    manager_.on_granted(at, id, std::move(r), *this, "immediate");
  auto took = thread_ns() - begin;
  cpu_ns_ += took;
  now_ns_ +=
      took + static_cast<int64_t>(costs_.other_us * 1e3 * static_cast<double>(arrived.size()));
  auto busy = !arrived.empty() || !grants_.empty() || submitted_ != before || more_to_place_;
  over_ += ended_.size();
  ended_.clear();
  freed_.clear();
  grants_.clear();
  start_launched();
  return busy;
}

/// A message goes to the node, the job runs, a message comes back.
void tree_leaf::start_launched() {
  std::uniform_real_distribution<double> part{0.5, 1.5};
  for (auto id : launched_) {
    if (++launches_[id.value - 1] > 1)
      fail("a job was launched twice");
    auto takes = 2e3 * costs_.latency_us + 1e9 * costs_.job_s * part(random_);
    ends_due_.emplace(now_ns_ + static_cast<int64_t>(takes), id.value);
  }
  launched_.clear();
}

tree_leaf::result tree_leaf::run(uint64_t jobs) {
  launches_.assign(jobs, 0);
  ends_.assign(jobs, 0);
  while (over_ < jobs)
    if (!turn(jobs)) {
      if (ends_due_.empty())
        fail("jobs are left, and nothing happens any more");
      now_ns_ = std::max(now_ns_, ends_due_.top().first);
    }
  auto once = [](const std::vector<uint8_t>& times) {
    return static_cast<uint64_t>(std::count(times.begin(), times.end(), 1));
  };
  if (once(launches_) != jobs || once(ends_) != jobs)
    fail("a job was never launched, or has never ended");
  return {static_cast<double>(now_ns_) * 1e-9, static_cast<double>(cpu_ns_) * 1e-9, jobs};
}

} // namespace hactor::bench
