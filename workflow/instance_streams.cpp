// The subscriptions of an instance; see instance.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <caf/send.hpp>

#include "workflow/client.hpp"
#include "workflow/instance.hpp"

namespace hactor::workflow {

namespace {

constexpr uint64_t events_tag = 2;

/// Batches that a subscriber may have in hand, and those that wait behind them before its line is
/// read no more: together the memory that it can cost here, 256 KiB of text each.
constexpr int under_way_max = 2;
constexpr size_t waiting_max = 4;

/// Of one event, mostly at least: room is made for so many.
constexpr size_t line_bytes = 100;

} // namespace

caf::result<subscribe_reply> instance_state::subscribe(const subscribe_request& r) {
  if (!r.subscriber)
    return make_error(ec::bad_argument, "subscriber: must be an actor");
  auto number = ++last_subscription;
  auto& s = subscriptions.emplace(number, r).first->second;
  if (auto e = dial(s.line, number)) {
    subscriptions.erase(number);
    return e;
  }
  s.begun_reply = self->make_response_promise<subscribe_reply>();
  self->monitor(r.subscriber);
  return s.begun_reply;
}

void instance_state::ask_for_events(subscription& s) {
  json params{{"begin", true}};
  if (s.begun)
    params["since"] = s.next;
  else if (s.wanted.since != subscribe_request::only_new)
    params["since"] = s.wanted.since;
  if (!s.wanted.jobs.empty())
    params["ids"] = s.wanted.jobs;
  if (auto names = s.choice.asked(); !names.empty())
    params["names"] = std::move(names);
  s.line.socket->send(static_cast<uint8_t>(frame_kind::request), events_tag,
                      request_text("events", dump(params)));
}

void instance_state::on_stream_frame(uint64_t number, subscription& s, const line_frame& f) {
  switch (static_cast<frame_kind>(f.kind)) {
  case frame_kind::lines:
    return on_lines(number, s, f.payload);
  case frame_kind::item: {
    auto begin = parse_object(f.payload);
    if (!begin || s.begun)
      return;
    s.begun = true;
    s.next = static_cast<uint64_t>(number_at(*begin, "next"));
    s.begun_reply.deliver(subscribe_reply{number, s.next});
    return;
  }
  default: {
    auto end = result_of({static_cast<frame_kind>(f.kind), f.tag, f.payload});
    hang_up(s.line);
    end_subscription(number,
                     end ? make_error(ec::disconnected, "the instance has ended") : end.error());
  }
  }
}

void instance_state::on_lines(uint64_t number, subscription& s, std::string_view text) {
  job_events batch;
  batch.subscription = number;
  batch.events.reserve(text.size() / line_bytes + 1);
  auto close = [&] {
    if (batch.events.empty())
      return;
    batch.lost = std::exchange(s.lost, 0);
    batch.next_sequence = s.next;
    s.waiting.push_back(std::move(batch));
    batch = {};
    batch.subscription = number;
  };
  while (!text.empty()) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    auto& e = batch.events.emplace_back(); // where it stays
    if (auto err = read_event_line(line, e)) {
      hang_up(s.line);
      return end_subscription(number, err);
    }
    auto next = e.sequence + 1;
    if (auto lost = lost_events(e)) {
      batch.events.pop_back();
      close(); // they lie between what came and what comes
      s.lost += lost;
    } else if (!s.choice.wants(e)) {
      batch.events.pop_back();
    }
    s.next = next;
  }
  close();
  if (s.waiting.size() > waiting_max && !std::exchange(s.paused, true))
    s.line.socket->pause_reading();
  pump(number);
}

void instance_state::pump(uint64_t number) {
  auto i = subscriptions.find(number);
  if (i == subscriptions.end())
    return;
  auto& s = i->second;
  while (s.under_way < under_way_max && !s.waiting.empty()) {
    ++s.under_way;
    auto taken = [this, number] {
      if (auto at = subscriptions.find(number); at != subscriptions.end()) {
        --at->second.under_way;
        pump(number);
      }
    };
    self->request(s.wanted.subscriber, caf::infinite, std::move(s.waiting.front()))
        .then(taken, [this, number](const caf::error&) { drop(number); }); // it has no use for them
    s.waiting.pop_front();
  }
  if (s.paused && s.waiting.size() <= waiting_max / 2) {
    s.paused = false;
    if (s.line.socket)
      s.line.socket->resume_reading();
  }
  if (s.is_over && s.waiting.empty() && s.under_way == 0) {
    caf::anon_send(s.wanted.subscriber, subscription_ended{number, s.why, s.next});
    drop(number);
  }
}

/// Its line is gone for good; the subscriber hears of it behind the last event.
void instance_state::end_subscription(uint64_t number, const caf::error& why) {
  auto i = subscriptions.find(number);
  if (i == subscriptions.end())
    return;
  auto& s = i->second;
  if (!s.begun) {
    s.begun_reply.deliver(why);
    return drop(number);
  }
  s.is_over = true;
  s.why = why;
  pump(number);
}

void instance_state::drop(uint64_t number) {
  auto i = subscriptions.find(number);
  if (i == subscriptions.end())
    return;
  hang_up(i->second.line);
  if (!i->second.begun)
    i->second.begun_reply.deliver(make_error(ec::cancelled, "the subscriber has ended"));
  auto who = i->second.wanted.subscriber;
  subscriptions.erase(i);
  self->demonitor(who); // one of as many as it has subscriptions
}

void instance_state::on_down(const caf::actor_addr& who) {
  std::vector<uint64_t> gone;
  for (auto& [number, s] : subscriptions)
    if (s.wanted.subscriber.address() == who)
      gone.push_back(number);
  for (auto number : gone)
    drop(number);
}

} // namespace hactor::workflow
