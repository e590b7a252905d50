// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/events_core.hpp"

#include <algorithm>
#include <iterator>

#include "runtime/error.hpp"
#include "runtime/limits.hpp"
#include "store/event_stream.hpp"

namespace hactor {

namespace {

/// Lines of one chunk: large enough to be cheap, small enough to be prompt.
constexpr size_t chunk_bytes = 256 << 10;

/// Of one line, mostly: room is made for so much.
constexpr size_t line_bytes = 176;

/// The ring holds so many times as much while a subscriber is a little behind: to read its events
/// back from disk costs several times what it costs to keep them for it.
constexpr size_t behind_factor = 8;

} // namespace

bool event_filter::passes(const job_event& e) const {
  if (kinds != 0 && !(kinds >> static_cast<unsigned>(e.kind) & 1))
    return false;
  if (states != 0 && (states & static_cast<uint32_t>(e.after)) == 0)
    return false;
  return ids.empty() || ids.count(e.id) != 0;
}

void events_core::publish(uint64_t first_sequence, std::vector<job_event>&& events,
                          events_out& out) {
  HACTOR_CHECK(first_sequence == next_sequence());
  ring_.insert(ring_.end(), std::make_move_iterator(events.begin()),
               std::make_move_iterator(events.end()));
  pump_all(out);
  trim();
}

void events_core::trim() {
  if (ring_.size() <= limits::event_ring_events_max)
    return;
  auto keep = next_sequence() - limits::event_ring_events_max; // and what comes after
  for (auto& [key, s] : subscribers_)
    if (s.next >= first_)
      keep = std::min(keep, s.next);
  auto most = behind_factor * limits::event_ring_events_max;
  if (ring_.size() > most)
    keep = std::max(keep, next_sequence() - most);
  auto gone = static_cast<ptrdiff_t>(keep - first_);
  ring_.erase(ring_.begin(), ring_.begin() + gone);
  first_ = keep;
}

void events_core::skip_to(uint64_t next, events_out& out) {
  if (next <= next_sequence())
    return;
  ring_.clear();
  first_ = next;
  pump_all(out);
}

void events_core::pump_all(events_out& out) {
  for (auto it = subscribers_.begin(); it != subscribers_.end();) {
    auto key = it->first;
    auto& s = it->second;
    ++it; // pump may remove this one
    pump(key, s, out);
  }
}

void events_core::subscribe(uint64_t subscriber, uint64_t since, bool live_only, bool follow,
                            event_filter filter, events_out& out) {
  auto& s = subscribers_[subscriber];
  s.next = live_only ? next_sequence() : std::max<uint64_t>(since, 1);
  s.follow = follow;
  s.from_oldest = !live_only && since == 0;
  s.filter = std::move(filter);
  pump(subscriber, s, out);
}

void events_core::credit(uint64_t subscriber, events_out& out) {
  auto it = subscribers_.find(subscriber);
  if (it == subscribers_.end())
    return;
  ++it->second.credits;
  pump(subscriber, it->second, out);
  trim(); // it may be for this one alone that the ring was long
}

void events_core::unsubscribe(uint64_t subscriber) {
  subscribers_.erase(subscriber);
  trim();
}

void events_core::on_fetched(uint64_t subscriber, uint64_t first_sequence,
                             const std::vector<job_event>& events, events_out& out) {
  auto it = subscribers_.find(subscriber);
  if (it == subscribers_.end())
    return;
  auto& s = it->second;
  s.fetching = false;
  std::string lines;
  if (events.empty()) {
    skip(s, first_, lines); // nothing older is kept
  } else {
    skip(s, first_sequence, lines);
    stream_writer writer;
    for (size_t i = 0; i < events.size(); ++i)
      if (first_sequence + i >= s.next && s.filter.passes(events[i]))
        writer.append(lines, first_sequence + i, events[i]);
    s.next = first_sequence + events.size();
  }
  if (!lines.empty()) {
    --s.credits;
    out.deliver(subscriber, std::move(lines), s.next, false);
  }
  pump(subscriber, s, out);
}

void events_core::skip(subscription& s, uint64_t next, std::string& lines) {
  if (next > s.next && !s.from_oldest)
    append_gap_line(lines, s.next, next);
  s.from_oldest = false;
  s.next = std::max(s.next, next);
}

bool events_core::pump(uint64_t key, subscription& s, events_out& out) {
  while (!s.fetching && s.credits > 0) {
    if (s.next < first_) {
      s.fetching = true;
      out.fetch(key, s.next);
      return true;
    }
    if (s.next >= next_sequence())
      break;
    std::string lines;
    stream_writer writer;
    if (s.filter.ids.empty())
      lines.reserve(std::min(chunk_bytes, (next_sequence() - s.next) * line_bytes) + line_bytes);
    while (s.next < next_sequence() && lines.size() < chunk_bytes) {
      auto& e = ring_[s.next - first_];
      if (s.filter.passes(e))
        writer.append(lines, s.next, e);
      ++s.next;
    }
    if (!lines.empty()) {
      --s.credits;
      out.deliver(key, std::move(lines), s.next, false);
    }
  }
  if (!s.follow && !s.fetching && s.credits > 0 && s.next >= next_sequence()) {
    auto next = s.next;
    subscribers_.erase(key);
    out.deliver(key, {}, next, true);
    return false;
  }
  return true;
}

} // namespace hactor
