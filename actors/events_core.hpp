// The instance's event stream without actors: the newest events in a ring, and where each
// subscriber stands. A subscriber gets at most two chunks ahead of its credits, so a slow one costs
// no memory here: it simply falls behind, out of the ring if need be, and is then served from disk.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <unordered_set>
#include <vector>

#include "store/event.hpp"

namespace hactor {

/// Everything the event stream can cause.
struct events_out {
  virtual ~events_out() = default;
  /// A chunk of JSON lines for one subscriber; the next one starts with event `next_sequence`.
  virtual void deliver(uint64_t subscriber, std::string lines, uint64_t next_sequence, bool end)
    = 0;
  /// Events from `since` on are wanted from disk; answered by on_fetched.
  virtual void fetch(uint64_t subscriber, uint64_t since) = 0;
};

/// What a subscriber wants to see. Empty filters let everything pass.
struct event_filter {
  std::unordered_set<job_id> ids;
  uint64_t kinds = 0; // bit per event_kind; 0: all
  uint32_t states = 0; // bits of job_state, of those after the event; 0: all

  bool passes(const job_event& e) const;
};

class events_core {
public:
  /// `next` is the number that the next event will get; older ones are on disk only.
  explicit events_core(uint64_t next = 1) : first_(next) {}

  /// Committed events, in order. Requires: first_sequence is the number after the last.
  void publish(uint64_t first_sequence, std::vector<job_event>&& events, events_out& out);

  /// What comes next is numbered `next`: what lies between is on disk only. No effect when that is
  /// no jump forward.
  void skip_to(uint64_t next, events_out& out);

  void subscribe(uint64_t subscriber, uint64_t since, bool live_only, bool follow,
                 event_filter filter, events_out& out);
  void credit(uint64_t subscriber, events_out& out);
  void unsubscribe(uint64_t subscriber);

  /// Events read from disk for a fetch; empty when there are none below the ring (any more).
  void on_fetched(uint64_t subscriber, uint64_t first_sequence,
                  const std::vector<job_event>& events, events_out& out);

  uint64_t next_sequence() const { return first_ + ring_.size(); }
  size_t subscribers() const { return subscribers_.size(); }

private:
  struct subscription {
    uint64_t next = 0;
    bool follow = true;
    bool fetching = false;
    bool from_oldest = false; // nothing was told yet: what is no longer kept is not missed
    int credits = 2;
    event_filter filter;
  };

  /// Sends what it can to one subscriber; false when it is done and was removed.
  bool pump(uint64_t key, subscription& s, events_out& out);
  void pump_all(events_out& out);
  /// Forgets the oldest events of a ring that is full, but those that a subscriber is about to get.
  void trim();
  /// Goes on with event `next`; tells in `lines` of those between that nobody has any more.
  static void skip(subscription& s, uint64_t next, std::string& lines);

  uint64_t first_; // number of the oldest event in the ring
  std::deque<job_event> ring_;
  std::map<uint64_t, subscription> subscribers_;
};

} // namespace hactor
