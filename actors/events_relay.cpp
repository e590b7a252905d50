// The stream's way down the tree of ranks; see events.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>

#include "actors/events.hpp"
#include "runtime/limits.hpp"
#include "runtime/log.hpp"
#include "runtime/tree.hpp"

namespace hactor {

namespace {

constexpr auto deadline = std::chrono::seconds(limits::request_timeout_s);

} // namespace

void events_state::want_stream() {
  if (has_stream() || upstream == source::asked)
    return;
  upstream = source::asked;
  seek_parent(*tree_parent(setup.rank, setup.fanout));
}

/// The lead's archive first, then the events of `rank`; the lead itself if that rank cannot be had.
void events_state::seek_parent(rank_t rank) {
  auto give_up = [this](const caf::error& e) {
    log_error("events: the stream cannot be had from rank 0: {}", render(e));
    upstream = source::none;
  };
  self->request(setup.broker, deadline, peer_request{0})
    .then(
      [this, rank, give_up](const rank_services& lead) {
        archive = caf::actor_cast<archive_actor>(lead.archive);
        if (rank == 0)
          return join_parent(0, lead);
        self->request(setup.broker, deadline, peer_request{rank})
          .then([this, rank](const rank_services& s) { join_parent(rank, s); },
                [this, lead](const caf::error&) { join_parent(0, lead); });
      },
      give_up);
}

void events_state::join_parent(rank_t rank, const rank_services& services) {
  parent = services.events;
  parent_rank = rank;
  self->monitor(parent); // a request to who has died before would only time out
  self->request(caf::actor_cast<events_actor>(parent), deadline,
                relay_request{caf::actor_cast<caf::actor>(self)})
    .then([this, from = parent](
            const relay_begin& b) { if (from == parent) begin(b.next_sequence); },
          [this, rank, from = parent](const caf::error& e) {
            if (from != parent)
              return; // the monitor was faster
            if (rank != 0)
              return seek_parent(0);
            log_error("events: rank 0 does not pass the stream on: {}", render(e));
            upstream = source::none;
          });
}

void events_state::begin(uint64_t next_sequence) {
  upstream = source::running;
  core.skip_to(next_sequence, *this);
  for (auto& r : std::exchange(waiting, {}))
    subscribe(r);
  for (auto& [relay, promise] : std::exchange(waiting_relays, {})) {
    promise.deliver(relay_begin{core.next_sequence()});
    relays.push_back(relay);
  }
  rest(); // who asked may have gone
}

void events_state::rest() {
  if (setup.rank == 0 || upstream != source::running || core.subscribers() > 0 || !relays.empty())
    return;
  self->send(caf::actor_cast<events_actor>(parent), relay_end{caf::actor_cast<caf::actor>(self)});
  self->demonitor(parent);
  parent = {};
  upstream = source::none;
}

void events_state::on_batch(event_batch& b) {
  if (setup.rank != 0) {
    if (!parent || self->current_sender() == nullptr
        || self->current_sender()->address() != parent.address())
      return; // of a parent that we have left
    core.skip_to(b.first_sequence, *this); // it has had to change its own parent
    auto known = core.next_sequence() - b.first_sequence;
    if (known >= b.events.size() && known > 0)
      return;
    b.events.erase(b.events.begin(), b.events.begin() + static_cast<ptrdiff_t>(known));
    b.first_sequence += known;
  }
  published += static_cast<int64_t>(b.events.size());
  for (auto& relay : relays)
    self->send(caf::actor_cast<events_actor>(relay), b);
  core.publish(b.first_sequence, std::move(b.events), *this);
}

void events_state::on_down(const caf::actor_addr& who) {
  if (parent && parent.address() == who) {
    parent = {};
    upstream = parent_rank == 0 ? source::none : source::asked;
    if (parent_rank != 0) // without the lead, all ends
      seek_parent(0);
    return;
  }
  remove_relay(who);
  std::vector<uint64_t> gone;
  for (auto& [key, subscriber] : subscribers)
    if (subscriber.handle.address() == who)
      gone.push_back(key);
  for (auto key : gone)
    drop(key);
  rest();
}

caf::result<relay_begin> events_state::add_relay(const relay_request& r) {
  self->monitor(r.relay);
  if (has_stream()) {
    relays.push_back(r.relay);
    return relay_begin{core.next_sequence()};
  }
  auto promise = self->make_response_promise<relay_begin>();
  waiting_relays.emplace_back(r.relay, promise);
  want_stream();
  return promise;
}

void events_state::remove_relay(const caf::actor_addr& relay) {
  std::erase_if(relays, [&](const caf::actor& r) { return r.address() == relay; });
  std::erase_if(waiting_relays, [&](const auto& w) { return w.first.address() == relay; });
}

} // namespace hactor
