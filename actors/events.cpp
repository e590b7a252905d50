// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/events.hpp"

#include <algorithm>

#include "runtime/limits.hpp"
#include "runtime/log.hpp"

namespace hactor {

namespace {

/// Events of one read from disk.
constexpr uint64_t fetch_events = 2048;

} // namespace

void events_state::deliver(uint64_t subscriber, std::string lines, uint64_t next_sequence,
                           bool end) {
  auto it = subscribers.find(subscriber);
  if (it == subscribers.end())
    return;
  self->send(caf::actor_cast<connector_actor>(it->second.handle),
             subscribed_events{it->second.tag, std::move(lines), next_sequence, end});
  if (end) {
    drop(subscriber);
    rest();
  }
}

void events_state::fetch(uint64_t subscriber, uint64_t since) {
  self->request(archive, std::chrono::seconds(limits::request_timeout_s),
                log_request{since, fetch_events})
    .then(
      [this, subscriber](event_batch& b) {
        core.on_fetched(subscriber, b.first_sequence, b.events, *this);
      },
      [this, subscriber](caf::error& e) {
        log_error("events: cannot read old events: {}", render(e));
        core.on_fetched(subscriber, 0, {}, *this);
      });
}

uint64_t events_state::key_of(const caf::actor& subscriber, uint64_t tag) {
  auto [it, added] = keys.try_emplace({subscriber.address(), tag}, last_key + 1);
  if (added) {
    ++last_key;
    subscribers[last_key] = {subscriber, tag};
    self->monitor(subscriber);
  }
  return it->second;
}

void events_state::drop(uint64_t key) {
  auto it = subscribers.find(key);
  if (it == subscribers.end())
    return;
  auto who = it->second.handle.address();
  keys.erase({who, it->second.tag});
  // CAF forgets all monitors of a handle at once: the last subscription alone may end them.
  auto other = keys.lower_bound({who, 0});
  if (other == keys.end() || other->first.first != who)
    self->demonitor(it->second.handle);
  subscribers.erase(it);
  core.unsubscribe(key);
}

void events_state::subscribe(const subscribe_request& r) {
  event_filter filter;
  filter.ids.insert(r.ids.begin(), r.ids.end());
  for (auto kind : r.kinds)
    filter.kinds |= uint64_t{1} << kind;
  filter.states = r.states;
  auto key = key_of(r.subscriber, r.tag);
  deliver(key, {}, r.live_only ? core.next_sequence() : std::max<uint64_t>(r.since, 1), false);
  core.subscribe(key, r.since, r.live_only, r.follow, std::move(filter), *this);
}

namespace {

void unsubscribe_one(events_state& st, const unsubscribe& u) {
  std::erase_if(st.waiting, [&](const subscribe_request& r) {
    return r.tag == u.tag && r.subscriber == u.subscriber;
  });
  auto it = st.keys.find({u.subscriber.address(), u.tag});
  if (it == st.keys.end())
    return;
  st.drop(it->second);
  st.rest();
}

} // namespace

events_actor::behavior_type events_service(events_state::pointer self, events_setup setup) {
  auto& st = self->state;
  st.setup = std::move(setup);
  st.archive = st.setup.archive;
  st.core = events_core{st.setup.next};
  self->set_down_handler([self](caf::down_msg& down) { self->state.on_down(down.source); });
  return {
    [self](event_batch& b) { self->state.on_batch(b); },
    [self](const relay_request& r) { return self->state.add_relay(r); },
    [self](const relay_end& r) {
      self->demonitor(r.relay);
      self->state.remove_relay(r.relay.address());
      self->state.rest();
    },
    [self](const subscribe_request& r) {
      auto& st = self->state;
      if (st.has_stream())
        return st.subscribe(r);
      st.waiting.push_back(r);
      st.want_stream();
    },
    [self](const subscription_credit& c) {
      auto it = self->state.keys.find({c.subscriber.address(), c.tag});
      if (it != self->state.keys.end())
        self->state.core.credit(it->second, self->state);
    },
    [self](const unsubscribe& u) { unsubscribe_one(self->state, u); },
    [self](stats_atom) {
      auto& st = self->state;
      return stats_reply{{{"published", st.published},
                          {"relays", static_cast<int64_t>(st.relays.size())},
                          {"subscribers", static_cast<int64_t>(st.core.subscribers())}}};
    },
    [self](waits_atom) {
      waits_reply r;
      if (auto n = self->state.core.subscribers(); n != 0)
        r.lines.push_back(std::to_string(n) + " subscribers wait for events, or to be read by");
      return r;
    },
  };
}

} // namespace hactor
