// The lines of an instance and what is asked over them; see instance.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "workflow/instance.hpp"

#include <algorithm>
#include <chrono>

#include <caf/send.hpp>

#include "runtime/clock.hpp"
#include "workflow/client.hpp"

namespace hactor::workflow {

namespace {

/// The tag of the first request of every line; those of others are above.
constexpr uint64_t hello_tag = 1;

/// A broker answers at once; what listens and does not is none.
constexpr int64_t hello_ns_max = 10'000'000'000;

constexpr int64_t redial_ms = 100;

caf::error in_words(const caf::error& e) {
  return make_error(code_of(e) == ec::too_big ? ec::bad_json : ec::disconnected,
                    code_of(e) == ec::too_big
                        ? "what answers does not speak hactor's protocol"
                        : "the instance closed the connection (it has ended or its broker died)");
}

} // namespace

instance_state::~instance_state() {
  hang_up(control);
  for (auto& [number, s] : subscriptions)
    hang_up(s.line);
}

// -- lines ----------------------------------------------------------------------------------------

caf::error instance_state::dial(instance_line& line, uint64_t owner) {
  auto fd = setup.dial();
  if (!fd)
    return std::move(fd.error());
  // Who holds no handle of the instance any more does not want what comes: these are weak.
  auto me = caf::actor_cast<caf::weak_actor_ptr>(caf::actor_cast<caf::actor>(self));
  auto number = ++last_line;
  auto tell = [me](auto what) {
    if (auto alive = caf::actor_cast<caf::strong_actor_ptr>(me))
      caf::anon_send(caf::actor_cast<instance_service_actor>(alive), std::move(what));
  };
  stream_socket::callbacks calls;
  calls.on_frame = [tell, number](uint8_t kind, uint64_t tag, std::string payload) {
    tell(line_frame{number, kind, tag, std::move(payload)});
  };
  calls.on_closed = [tell, number](const caf::error& why) { tell(line_closed{number, why}); };
  line.socket = stream_socket::make(*setup.sockets, *fd, std::move(calls));
  line.number = number;
  line.ready = false;
  line.since_ns = steady_ns();
  owners[number] = owner;
  if (auto started = line.socket->start(); !started) {
    hang_up(line);
    return std::move(started.error());
  }
  line.socket->send(static_cast<uint8_t>(frame_kind::request), hello_tag,
                    request_text("hello", "{}"));
  want_tick(1000);
  return {};
}

void instance_state::hang_up(instance_line& line) {
  if (!line.socket)
    return;
  line.socket->close();
  line.socket.reset();
  owners.erase(line.number);
  line.number = 0;
  line.ready = false;
}

instance_line* instance_state::line_of(uint64_t owner) {
  if (owner == 0)
    return &control;
  auto i = subscriptions.find(owner);
  return i == subscriptions.end() ? nullptr : &i->second.line;
}

void instance_state::on_frame(const line_frame& f) {
  auto i = owners.find(f.line);
  if (i == owners.end())
    return; // of a line that was hung up
  auto owner = i->second;
  auto& line = *line_of(owner);
  if (f.tag == hello_tag)
    on_hello(line, owner, static_cast<frame_kind>(f.kind), f.payload);
  else if (owner == 0)
    on_answer(f);
  else
    on_stream_frame(owner, subscriptions.at(owner), f);
}

void instance_state::on_hello(instance_line& line, uint64_t owner, frame_kind kind,
                              std::string_view payload) {
  auto hello = result_of({kind, hello_tag, std::string{payload}});
  if (!hello) {
    hang_up(line);
    return give_up(owner, hello.error());
  }
  auto found = text_at(*hello, "identity");
  if (identity.empty())
    identity = found;
  if (identity != found) {
    hang_up(line);
    return give_up(
        owner, make_error(ec::no_instance, "another instance answers than the one that was lost"));
  }
  line.ready = true;
  if (owner == 0)
    send_requests();
  else
    ask_for_events(subscriptions.at(owner));
}

void instance_state::on_closed(const line_closed& c) {
  auto i = owners.find(c.line);
  if (i == owners.end())
    return;
  auto owner = i->second;
  hang_up(*line_of(owner));
  on_lost(owner, in_words(c.why));
}

/// The line is gone; whether it is dialled again is decided here.
void instance_state::on_lost(uint64_t owner, const caf::error& why) {
  auto& line = *line_of(owner);
  auto hopes = setup.reconnect_s > 0;
  if (owner == 0) {
    std::vector<std::function<void(caf::expected<json>)>> ends;
    for (auto r = requests.begin(); r != requests.end();) {
      if (hopes && r->second.again) {
        ++r;
        continue;
      }
      ends.push_back(std::move(r->second.on_end));
      r = requests.erase(r);
    }
    for (auto& end : ends)
      end(why);
    hopes = hopes && !requests.empty();
  } else {
    hopes = hopes && subscriptions.at(owner).begun;
  }
  if (!hopes)
    return give_up(owner, why);
  line.since_ns = steady_ns();
  want_tick(redial_ms);
}

void instance_state::give_up(uint64_t owner, const caf::error& why) {
  if (owner != 0)
    return end_subscription(owner, why);
  for (auto& [tag, r] : std::exchange(requests, {}))
    r.on_end(why);
}

void instance_state::want_tick(int64_t ms) {
  if (std::exchange(ticking, true))
    return;
  self->delayed_send(self, std::chrono::milliseconds(ms), caf::tick_atom::value);
}

void instance_state::on_tick() {
  ticking = false;
  auto now = steady_ns();
  std::vector<uint64_t> all{0};
  for (auto& [number, s] : subscriptions)
    if (!s.is_over)
      all.push_back(number);
  for (auto owner : all) {
    auto* line = line_of(owner);
    if (line == nullptr || line->ready || (owner == 0 && requests.empty() && !line->socket))
      continue;
    if (line->socket && now - line->since_ns < hello_ns_max) {
      want_tick(1000);
    } else if (line->socket) {
      hang_up(*line);
      give_up(owner, make_error(ec::timed_out, "what listens there does not answer as an instance "
                                               "would"));
    } else if (auto since = line->since_ns; auto e = dial(*line, owner)) {
      line->since_ns = since;
      if (static_cast<double>(now - since) > setup.reconnect_s * 1e9)
        give_up(owner, e);
      else
        want_tick(redial_ms);
    }
  }
}

// -- requests -------------------------------------------------------------------------------------

uint64_t instance_state::ask(std::string text, bool again,
                             std::function<void(caf::expected<json>)> on_end,
                             std::function<void(frame_kind, std::string_view)> on_part) {
  if (text.size() > frame_payload_size_max) {
    on_end(make_error(ec::too_big, "the request has " + std::to_string(text.size())
                                       + " bytes, and at most "
                                       + std::to_string(frame_payload_size_max)
                                       + " are possible: send its jobs in several slices"));
    return 0;
  }
  auto tag = ++last_tag + hello_tag;
  auto hopes = again && setup.reconnect_s > 0;
  if (auto e = control.socket ? caf::error{} : dial(control, 0)) {
    if (!hopes) {
      on_end(e);
      return 0;
    }
    control.since_ns = requests.empty() ? steady_ns() : control.since_ns;
    want_tick(redial_ms);
  }
  auto& r = requests[tag];
  r = {std::move(text), again, std::move(on_end), std::move(on_part)};
  if (control.ready)
    send_request(tag, r);
  return tag;
}

void instance_state::send_request(uint64_t tag, open_request& r) {
  control.socket->send(static_cast<uint8_t>(frame_kind::request), tag, r.text);
  if (!r.again)
    r.text = {};
}

/// All that were asked before the line was ready, or over the one before.
void instance_state::send_requests() {
  for (auto& [tag, r] : requests)
    send_request(tag, r);
}

void instance_state::on_answer(const line_frame& f) {
  auto i = requests.find(f.tag);
  if (i == requests.end())
    return;
  auto kind = static_cast<frame_kind>(f.kind);
  if (kind != frame_kind::reply && kind != frame_kind::error) {
    if (auto part = i->second.on_part)
      part(kind, f.payload);
    return;
  }
  auto end = std::move(i->second.on_end);
  requests.erase(i);
  end(result_of({kind, f.tag, f.payload}));
}

} // namespace hactor::workflow
