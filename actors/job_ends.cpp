// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/job_ends.hpp"

#include <algorithm>

#include "runtime/limits.hpp"

namespace hactor {

bool job_ends::is_new_to(const waiter& w, const end& e) {
  if (e.closed)
    return w.waits && e.number > w.since;
  return e.told == 0 || e.number > w.heard;
}

std::deque<job_ends::end>::const_iterator job_ends::after(uint64_t number) const {
  return std::upper_bound(ends_.begin(), ends_.end(), number,
                          [](uint64_t n, const end& e) { return n < e.number; });
}

std::deque<job_ends::end>::const_iterator job_ends::first_for(const waiter& w) const {
  return std::find_if(after(std::min(open_ - 1, w.heard)), ends_.end(),
                      [&w](const end& e) { return is_new_to(w, e); });
}

void job_ends::add(ended_job e) {
  auto [it, is_new] = numbers_.emplace(e.id, last_ + 1);
  if (!is_new)
    return;
  ends_.push_back({.number = ++last_, .job = std::move(e)});
  ++untold_;
  trim();
}

void job_ends::put_back(const std::vector<ended_job>& jobs) {
  for (auto& job : jobs) {
    auto it = numbers_.find(job.id);
    if (it == numbers_.end()) {
      add(job);
      continue;
    }
    auto& e = ends_[static_cast<size_t>(after(it->second - 1) - ends_.begin())];
    if (e.told == 0 || --e.told > 0 || e.closed)
      continue;
    ++untold_;
    open_ = std::min(open_, e.number);
  }
}

void job_ends::on_waited_for(job_id id) {
  if (auto it = numbers_.find(id); it != numbers_.end())
    close(ends_[static_cast<size_t>(after(it->second - 1) - ends_.begin())]);
  trim();
}

void job_ends::wait(const waiter_key& who, bool all) {
  auto [it, is_new] = waiters_.try_emplace(who);
  auto& w = it->second;
  if (!w.known) // who waits for all is told, too, of what another takes meanwhile
    w.heard = all ? open_ - 1 : last_;
  w.heard_before = w.heard;
  w.known_before = w.known;
  w.since = last_;
  w.waits = true;
  w.all = all;
  w.asked = ++asks_;
  waiting_for_all_ += all;
  if (first_for(w) == ends_.end())
    w.heard = last_; // what has come so far need not be looked at again
  if (is_new)
    forget_waiters();
}

bool job_ends::has(const waiter_key& who) const {
  auto it = waiters_.find(who);
  return it != waiters_.end() && first_for(it->second) != ends_.end();
}

std::vector<ended_job> job_ends::take(const waiter_key& who) {
  std::vector<ended_job> result;
  auto it = waiters_.find(who);
  if (it == waiters_.end())
    return result;
  auto& w = it->second;
  auto all = w.all;
  for (auto i = static_cast<size_t>(first_for(w) - ends_.begin()); i < ends_.size(); ++i) {
    auto& e = ends_[i];
    if (!is_new_to(w, e))
      continue;
    result.push_back(e.job);
    untold_ -= e.told == 0 && !e.closed;
    ++e.told;
    w.heard = std::max(w.heard, e.number);
    if (!all)
      break;
  }
  stop(w);
  w.known = !all;
  trim();
  return result;
}

void job_ends::refuse(const waiter_key& who) {
  if (auto it = waiters_.find(who); it != waiters_.end()) {
    stop(it->second);
    waiters_.erase(it);
  }
}

void job_ends::withdraw(const waiter_key& who) {
  auto it = waiters_.find(who);
  if (it == waiters_.end())
    return;
  auto& w = it->second;
  stop(w);
  w.known = w.known_before;
  w.heard = w.heard_before;
  if (!w.known)
    waiters_.erase(it);
}

void job_ends::stop(waiter& w) {
  waiting_for_all_ -= w.waits && w.all;
  w.waits = false;
}

void job_ends::close(end& e) {
  untold_ -= e.told == 0 && !e.closed;
  e.closed = true;
}

void job_ends::trim() {
  auto open = [](const end& e) { return e.told == 0 && !e.closed; };
  auto skip_told = [&] {
    auto first = std::find_if(after(open_ - 1), ends_.cend(), open);
    open_ = first == ends_.end() ? last_ + 1 : first->number;
    return static_cast<size_t>(first - ends_.begin());
  };
  for (auto i = skip_told(); untold_ > limits::unwaited_jobs_max; i = skip_told())
    close(ends_[i]);
  auto kept = waiting_for_all_ > 0 ? limits::unwaited_jobs_max : told_ends_kept;
  auto told = ends_.size() - untold_;
  if (told <= kept + told_ends_kept)
    return; // what goes, goes together: that costs the length of it all
  std::erase_if(ends_, [&](const end& e) {
    if (open(e) || told <= kept)
      return false;
    --told;
    numbers_.erase(e.job.id);
    return true;
  });
  if (ends_.size() < numbers_.bucket_count() / 16)
    numbers_.rehash(0);
}

void job_ends::forget_waiters() {
  if (waiters_.size() <= known_waiters_max)
    return;
  auto oldest = waiters_.end();
  for (auto it = waiters_.begin(); it != waiters_.end(); ++it)
    if (!it->second.waits && (oldest == waiters_.end() || it->second.asked < oldest->second.asked))
      oldest = it;
  if (oldest != waiters_.end())
    waiters_.erase(oldest);
}

} // namespace hactor
