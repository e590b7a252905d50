// Ends of jobs that were submitted as waitable, and who has been told of which: what waiting by no
// id is about. The rule: a waiter is told once of each end that comes from its first wait on,
// whoever else waits, until it hears that none is left, or has waited for all. What comes while
// there is no waiter is told once, to whoever asks first.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <unordered_map>
#include <vector>

#include <caf/actor_addr.hpp>

#include "actors/messages.hpp"

namespace hactor {

/// Ends that all waiters were told of are kept for those who come back; beyond these only while
/// somebody waits for all jobs.
inline constexpr size_t told_ends_kept = 1u << 14;

/// Waiters whose last place is known; beyond it the one that asked longest ago begins anew.
inline constexpr size_t known_waiters_max = 1024;

/// Who waits: a tag of its requests' subscriber.
using waiter_key = std::pair<caf::actor_addr, uint64_t>;

/// Memory: limits::unwaited_jobs_max ends, and as many that were told while somebody waits for all.
class job_ends {
public:
  /// A job has ended, durably. Whoever waits is to be asked for with has() in the same turn.
  void add(ended_job e);
  /// Nobody has heard of these after all: who was to be told of them is gone.
  void put_back(const std::vector<ended_job>& jobs);
  /// The job was waited for by its id: only who waits already is told of it.
  void on_waited_for(job_id id);

  /// Begins to wait. `all`: for all jobs, not for the next. Requires: it does not wait yet.
  void wait(const waiter_key& who, bool all);
  /// Is there an end to tell this waiter?
  bool has(const waiter_key& who) const;
  /// Tells it: the next end, or with `all` all of them in their order. It waits no more.
  std::vector<ended_job> take(const waiter_key& who);
  /// There is nothing left to wait for: it waits no more, and begins anew should it come back.
  void refuse(const waiter_key& who);
  /// It no longer waits, or has not heard what it was told: as if it had not asked.
  void withdraw(const waiter_key& who);

private:
  struct end {
    uint64_t number;
    ended_job job;
    uint32_t told = 0;   // to how many
    bool closed = false; // told to nobody but those who waited when it came
  };
  struct waiter {
    uint64_t heard = 0;  // ends up to this number it was told of, or came after
    uint64_t since = 0;  // the last end when it began to wait
    bool known = false;  // it was told of an end, and is expected to come back
    bool waits = false, all = false;
    uint64_t asked = 0;        // the number of its last wait, among all
    uint64_t heard_before = 0; // its last wait
    bool known_before = false;
  };
  static bool is_new_to(const waiter& w, const end& e);
  std::deque<end>::const_iterator after(uint64_t number) const;
  std::deque<end>::const_iterator first_for(const waiter& w) const;
  void stop(waiter& w);
  void close(end& e);
  void trim(); ///< Bounds what is kept.
  void forget_waiters();

  std::deque<end> ends_; // ascending numbers
  std::unordered_map<job_id, uint64_t> numbers_; // of ends_
  std::map<waiter_key, waiter> waiters_;
  uint64_t last_ = 0;   // number of the last end
  uint64_t open_ = 1;   // no end before this number is untold
  size_t untold_ = 0;
  size_t waiting_for_all_ = 0;
  uint64_t asks_ = 0;
};

} // namespace hactor
