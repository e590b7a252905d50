// The distributor core's children: made, remade, and given up when they die at once.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>

#include <fmt/format.h>

#include "actors/distributor_core.hpp"

namespace hactor {

namespace {

/// A child that has served so long did not die of itself: the next one follows at once. Otherwise
/// the wait doubles with each, and after so many in a row the rest is not trusted either.
constexpr int64_t trusted_after_ns = 10'000'000'000;
constexpr int64_t wait_first_ns = 100'000'000;
constexpr int64_t wait_most_ns = 30'000'000'000;
constexpr uint32_t failures_max = 5;

/// Until a child is submitted again that was not taken in for a while.
constexpr int64_t postponed_ns = 1'000'000'000;

/// Jobs that a child may have queued at first: as a rule enough for a while of short ones. It
/// doubles when that was too little.
constexpr size_t window_first = 64;

} // namespace

void distributor_core::set_inventory(const rset& usable) {
  usable_ = usable;
  look_for_room();
  auto fresh = usable.ranks();
  fresh.remove_all(known_);
  if (fresh.empty())
    return;
  // The first that there are become children as sched.tree says. What is attached later gets
  // children of its own: those that there are keep what they have.
  auto width = known_.empty() ? width_ : width_ == 0 ? static_cast<uint32_t>(fresh.size()) : 1;
  known_.add_all(fresh);
  for (auto& share : plan_children(restrict_to(usable, fresh), width)) {
    places_.emplace_back();
    places_.back().share = share;
  }
}

void distributor_core::look_for_room() {
  for (auto& p : places_)
    p.no_room = false;
}

/// What no child holds, or will as soon as it is granted.
rset distributor_core::left() const {
  auto whole = usable_.ranks();
  std::vector<const rset*> parts;
  for (auto& [id, c] : children_)
    if (c.share.nodes > 0)
      whole.remove_all(c.grant.ranks());
    else
      parts.push_back(&c.grant);
  auto rest = restrict_to(usable_, whole);
  for (auto* part : parts)
    rest = subtract(rest, *part);
  return rest;
}

void distributor_core::make_children(int64_t now_ns, distributor_out& out) {
  uint32_t promised = 0; // nodes of children that have not been granted theirs
  for (auto& [id, c] : children_)
    if (c.grant.empty())
      promised += c.share.nodes;
  std::optional<rset> rest;
  for (size_t i = 0; i < places_.size(); ++i) {
    auto& p = places_[i];
    if (p.child != job_id{} || p.no_room)
      continue;
    if (p.retry_ns > now_ns) {
      wake_at(p.retry_ns);
      continue;
    }
    auto wanted = p.share;
    if (wanted.nodes > 0)
      wanted.nodes += promised;
    if (!rest)
      rest = left();
    auto share = fit_share(wanted, usable_, *rest);
    if (p.share.nodes > 0)
      share.nodes -= std::min(share.nodes, promised);
    p.no_room = share.empty();
    if (p.no_room) {
      p.why = "nothing is left for it";
      continue;
    }
    promised += share.nodes;
    p.child = out.make_child(i, share);
    auto& c = children_[p.child];
    c.place = i;
    c.share = share;
  }
}

void distributor_core::child_granted(job_id id, const rset& grant) {
  auto it = children_.find(id);
  if (it == children_.end())
    return;
  auto& c = it->second;
  c.grant = grant;
  std::vector<rank_t> nodes;
  for (auto& node : grant.nodes)
    nodes.push_back(node.rank);
  c.where = rank_map{1, std::move(nodes)};
  c.cores = std::max<uint64_t>(grant.core_count(), 1);
  c.window = std::max<size_t>(2 * c.cores, window_first);
}

void distributor_core::child_opened(int64_t now_ns, job_id id, distributor_out&) {
  auto it = children_.find(id);
  if (it == children_.end() || it->second.now != phase::submitted)
    return;
  auto& c = it->second;
  c.now = phase::serves;
  c.opened_ns = now_ns;
  ++serving_;
  touch(id, c);
}

void distributor_core::child_denied(int64_t now_ns, job_id id, const std::string& why,
                                    distributor_out& out) {
  if (children_.count(id) == 0)
    return;
  bury(now_ns, id, why, out);
  children_.erase(id);
  look_for_room();
}

void distributor_core::child_postponed(int64_t now_ns, job_id id, const std::string& why) {
  auto it = children_.find(id);
  if (it == children_.end())
    return;
  auto& p = places_.at(it->second.place);
  p.child = {};
  p.why = why;
  p.retry_ns = now_ns + postponed_ns;
  children_.erase(it);
}

void distributor_core::child_down(int64_t now_ns, job_id id, distributor_out& out) {
  if (children_.count(id) != 0)
    bury(now_ns, id, "its instance has ended", out);
}

void distributor_core::child_over(int64_t now_ns, job_id id, distributor_out& out) {
  auto it = children_.find(id);
  if (it == children_.end())
    return;
  std::string why = "its job has ended";
  if (it->second.now == phase::submitted)
    why = fmt::format("its job ended before it served; 'hactor job attach {}' shows why",
                      to_string(id));
  bury(now_ns, id, why, out);
  it->second.over = true;
  if (it->second.running.empty())
    release(id, out);
}

/// What it has not granted waits here again, what it has is lost, and its place is free.
void distributor_core::bury(int64_t now_ns, job_id id, const std::string& why,
                            distributor_out& out) {
  auto& c = children_.at(id);
  if (c.now == phase::dead)
    return;
  auto lived_long = c.now == phase::serves && now_ns - c.opened_ns >= trusted_after_ns;
  serving_ -= c.now == phase::serves;
  c.now = phase::dead;
  show(id, c);
  auto given = c.given;
  for (auto& key : given)
    return_job(jobs_.at(key.id), out);
  if (!stopped_) // else they are being ended already, and have the time for it
    for (auto* j : c.running)
      out.lost(j->client, j->entry.id,
               fmt::format("the child {} of this instance in which it was placed is gone: {}",
                           to_string(id), why));
  auto& p = places_.at(c.place);
  p.child = {};
  fail_place(now_ns, p, why, lived_long, out);
}

void distributor_core::fail_place(int64_t now_ns, child_place& p, const std::string& why,
                                  bool lived_long, distributor_out& out) {
  p.why = why;
  p.failures = lived_long ? 0 : p.failures + 1;
  p.retry_ns = now_ns;
  if (p.failures > 0)
    p.retry_ns += std::min(wait_first_ns << std::min(p.failures - 1, 20u), wait_most_ns);
  auto no_hope = stopped_ ? "" : hopeless();
  if (no_hope.empty())
    return;
  for (auto& key : queue_) {
    auto it = jobs_.find(key.id);
    forget_purpose(it->second);
    out.denied(it->second.client, key.id, no_hope);
    jobs_.erase(it);
  }
  queue_.clear();
}

void distributor_core::release(job_id id, distributor_out& out) {
  children_.erase(id);
  out.free_child(id);
  look_for_room();
}

std::vector<distributor_child> distributor_core::children() const {
  std::vector<distributor_child> all;
  for (auto& p : places_)
    if (auto it = children_.find(p.child); it != children_.end()) {
      auto& c = it->second;
      all.push_back({p.child, c.share, c.grant.nodes.size(), c.grant.core_count(),
                     c.now == phase::serves, c.given.size(), c.running.size(), c.window});
    }
  return all;
}

idset distributor_core::ranks_in(job_id child, const idset& ranks) const {
  idset own;
  if (auto it = children_.find(child); it != children_.end())
    for (size_t i = 0; i < it->second.grant.nodes.size(); ++i)
      if (ranks.contains(it->second.grant.nodes[i].rank))
        own.add(i);
  return own;
}

bool distributor_core::is_waiting_for_children() const {
  if (known_.empty())
    return true;
  // Who has died keeps its nodes until its job is over; then whoever follows it may have them.
  auto more_room = std::any_of(children_.begin(), children_.end(),
                               [](auto& c) { return c.second.now == phase::dead; });
  return std::any_of(places_.begin(), places_.end(), [&](const child_place& p) {
    auto it = children_.find(p.child);
    return it == children_.end() ? p.failures < failures_max && (!p.no_room || more_room)
                                 : it->second.now != phase::serves;
  });
}

std::string distributor_core::hopeless() const {
  if (known_.empty() || serving_ > 0)
    return {};
  for (auto& p : places_)
    if (p.failures < failures_max)
      return {};
  return fmt::format("no child of this instance can be made: {}",
                     places_.empty() ? "it has no cores" : places_.front().why);
}

} // namespace hactor
