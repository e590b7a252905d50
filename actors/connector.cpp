// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/connector.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "actors/client_calls.hpp"
#include "actors/client_submit.hpp"
#include "runtime/clock.hpp"
#include "runtime/here.hpp"
#include "runtime/limits.hpp"
#include "runtime/log.hpp"
#include "runtime/near.hpp"

namespace hactor {

namespace {

using pointer = connector_state::pointer;

constexpr auto deadline = std::chrono::seconds(limits::request_timeout_s);

void open_session(pointer self, const client_opened& o) {
  auto& st = self->state;
  auto me = caf::actor_cast<connector_actor>(self);
  auto number = o.session;
  stream_socket::callbacks calls;
  calls.on_frame = [me, number](uint8_t kind, uint64_t tag, std::string payload) {
    send_here(me, client_frame{number, kind, tag, std::move(payload)});
  };
  calls.on_drained = [me, number] { send_here(me, client_drained{number}); };
  calls.on_closed = [me, number](const caf::error&) { send_here(me, client_closed{number}); };
  calls.on_hung_up = [me, number] { send_here(me, client_closed{number}); };
  auto socket = stream_socket::make(*st.setup.sockets, o.fd, std::move(calls));
  auto& s = st.sessions[number];
  s.socket = socket;
  s.userid = o.userid;
  s.pid = o.pid;
  (void)socket->start();
}

void close_session(pointer self, uint64_t number) {
  auto& st = self->state;
  auto it = st.sessions.find(number);
  if (it == st.sessions.end())
    return;
  if (it->second.inside)
    self->send(it->second.inside, client_closed{number});
  if (it->second.claims_at)
    self->send(it->second.claims_at, claimant_gone{number});
  for (auto& [tag, wish] : it->second.grows)
    withdraw_growth({self, number, tag, 0}, wish);
  withdraw_memos(self, std::move(it->second.memos));
  auto streams = it->second.streams;
  it->second.socket->close();
  st.sessions.erase(it);
  st.calls.erase(st.calls.lower_bound({number, 0}), st.calls.lower_bound({number + 1, 0}));
  for (auto& [tag, stream] : streams)
    abandon_stream(self, stream);
}

void dispatch(pointer self, const client_frame& f) {
  auto& st = self->state;
  auto& s = st.sessions.at(f.session);
  ++st.requests;
  if (s.refusal)
    return st.fail(f.session, f.tag, s.refusal);
  if (s.userid != st.setup.owner && s.userid != 0)
    return st.fail(f.session, f.tag,
                   make_error(ec::not_permitted,
                              fmt::format("this instance serves only its owner, user {}; you are "
                                          "user {}",
                                          st.setup.owner, s.userid)));
  if (s.streams.count(f.tag) != 0)
    return st.fail(f.session, f.tag,
                   make_error(ec::bad_argument,
                              fmt::format("tag {}: a request that is not answered yet has it; each "
                                          "must have its own",
                                          f.tag)));
  if (auto jobs = scan_submit(f.payload)) {
    st.calls[{f.session, f.tag}] = {"submit", steady_ns()};
    return submit_jobs({self, f.session, f.tag, s.userid}, std::move(*jobs));
  }
  auto document = parse_json(f.payload);
  if (!document)
    return st.fail(f.session, f.tag, document.error());
  auto method = get_string(*document, "method");
  if (!method)
    return st.fail(f.session, f.tag, method.error());
  auto found = find_client_method(*method);
  if (found == nullptr)
    return st.fail(
      f.session, f.tag,
      make_error(ec::unknown_method,
                 fmt::format("\"{}\": no such method{}; the instance runs hactor {}, protocol {}",
                             *method, did_you_mean(*method, client_method_names()),
                             st.setup.attributes->text("version"), protocol_version)));
  static const json none = json::object();
  auto at = document->find("params");
  if (at != document->end() && !at->is_object())
    return st.fail(f.session, f.tag, make_error(ec::bad_argument, "params: must be an object"));
  client_params params{at == document->end() ? none : *at};
  st.calls[{f.session, f.tag}] = {std::move(*method), steady_ns()};
  found({self, f.session, f.tag, s.userid}, params);
}

} // namespace

void on_client_frame(pointer self, const client_frame& f) {
  auto& st = self->state;
  auto it = st.sessions.find(f.session);
  if (it == st.sessions.end())
    return;
  if (it->second.inside)
    return self->send(it->second.inside, f);
  if (it->second.entering)
    return it->second.held.push_back(f);
  switch (static_cast<client_frame_kind>(f.kind)) {
    case client_frame_kind::request: dispatch(self, f); break;
    case client_frame_kind::cancel:
      st.calls.erase({f.session, f.tag});
      if (auto wish = it->second.grows.extract(f.tag))
        withdraw_growth({self, f.session, f.tag, 0}, wish.mapped());
      if (auto s = it->second.streams.find(f.tag); s != it->second.streams.end())
        abandon_stream(self, s->second);
      break;
    case client_frame_kind::input: {
      auto s = it->second.streams.find(f.tag);
      if (s == it->second.streams.end() || f.payload.size() < 4)
        break;
      uint32_t task = 0;
      memcpy(&task, f.payload.data(), 4);
      pass_input(self, s->second, task, f.payload.substr(4));
      break;
    }
    case client_frame_kind::window: {
      auto s = it->second.streams.find(f.tag);
      uint16_t size[2] = {};
      if (s == it->second.streams.end() || f.payload.size() != sizeof size)
        break;
      memcpy(size, f.payload.data(), sizeof size);
      pass_window(self, s->second, size[0], size[1]);
      break;
    }
    case client_frame_kind::enter: enter_instance(self, f.session, f.payload); break;
    default:
      log_warning("connector: a client sent a frame of kind {}", f.kind);
      close_session(self, f.session);
  }
}

namespace {

/// Takes whole lines off the front: as many as `bytes` hold, one at least.
std::string_view take_lines(std::string_view& rest, size_t bytes) {
  auto size = rest.size();
  if (size > bytes) {
    auto end = rest.rfind('\n', bytes - 1);
    if (end == std::string_view::npos)
      end = rest.find('\n', bytes);
    size = std::min(end, size - 1) + 1;
  }
  auto lines = rest.substr(0, size);
  rest.remove_prefix(size);
  return lines;
}

} // namespace

void connector_state::send(uint64_t session, client_frame_kind kind, uint64_t tag,
                           std::string_view payload) {
  auto it = sessions.find(session);
  if (it == sessions.end())
    return;
  auto rest = payload;
  do {
    auto part = rest;
    if (kind == client_frame_kind::lines)
      part = take_lines(rest, lines_bytes_per_frame);
    else
      rest = {};
    if (part.size() > frame_payload_size_max) {
      fail(session, tag,
           make_error(ec::too_big, fmt::format("the answer has a part of {} bytes; at most {} can "
                                               "be sent",
                                               part.size(), frame_payload_size_max)));
      // Not here: who sends still has the stream in its hands.
      self->send(connector_actor{self},
                 client_frame{session, static_cast<uint8_t>(client_frame_kind::cancel), tag, {}});
      return;
    }
    it->second.socket->send(static_cast<uint8_t>(kind), tag, part);
  } while (!rest.empty());
  if (kind == client_frame_kind::reply || kind == client_frame_kind::error)
    calls.erase({session, tag});
}

void connector_state::reply(uint64_t session, uint64_t tag, const json& value) {
  send(session, client_frame_kind::reply, tag, dump(value));
}

void connector_state::fail(uint64_t session, uint64_t tag, const caf::error& e) {
  constexpr size_t message_bytes_max = size_t{64} << 10;
  auto message = render(e);
  // It may quote what the client sent, of any length.
  if (message.size() > message_bytes_max)
    message = message.substr(0, message_bytes_max) + " ...";
  json j{{"code", to_string(code_of(e))}, {"message", std::move(message)}};
  send(session, client_frame_kind::error, tag, dump(j));
}

bool connector_state::is_slow(uint64_t session) const {
  auto it = sessions.find(session);
  return it != sessions.end() && it->second.socket->is_behind(queued_bytes_max);
}

uint64_t connector_state::open_stream(client_stream s) {
  auto number = ++last_stream;
  sessions.at(s.session).streams[s.tag] = number;
  streams.emplace(number, std::move(s));
  return number;
}

void connector_state::close_stream(uint64_t number) {
  auto it = streams.find(number);
  if (it == streams.end())
    return;
  auto ended = std::move(it->second);
  streams.erase(it);
  if (auto s = sessions.find(ended.session); s != sessions.end())
    s->second.streams.erase(ended.tag);
  answer_outputs(ended);
  if (ended.is_ahead())
    heed_input(ended.session);
}

/// Those on whom the command runs may send more.
void connector_state::answer_outputs(client_stream& s) {
  for (auto& promise : std::exchange(s.outputs, {}))
    promise.deliver(caf::make_message());
}

void connector_state::heed_input(uint64_t number) {
  auto it = sessions.find(number);
  if (it == sessions.end())
    return;
  auto& s = it->second;
  if (std::any_of(s.streams.begin(), s.streams.end(),
                  [this](auto& of) { return streams.at(of.second).is_ahead(); }))
    s.socket->pause_reading();
  else
    s.socket->resume_reading();
}

void with_lead(pointer self, std::function<void(const rank_services&)> use,
               std::function<void(const caf::error&)> fail) {
  auto& own = self->state.setup.lead;
  if (own.job_manager)
    use(own);
  else
    with_rank(self, 0, std::move(use), std::move(fail));
}

void with_rank(pointer self, rank_t rank, std::function<void(const rank_services&)> use,
               std::function<void(const caf::error&)> fail) {
  auto& st = self->state;
  if (auto it = st.peers.find(rank); it != st.peers.end()) {
    use(it->second);
    return;
  }
  self->request(st.setup.broker, deadline, peer_request{rank})
    .then(
      [self, rank, use](const rank_services& s) {
        self->state.peers[rank] = s;
        use(s);
      },
      [fail](const caf::error& e) { fail(e); });
}

namespace {

/// The instance has ended, or the broker does: so do those of the instances below.
void end_all(pointer self, const caf::error& reason) {
  auto& st = self->state;
  for (auto& [job, inside] : st.nested)
    self->send_exit(inside, reason);
  std::vector<uint64_t> commands;
  for (auto& [number, stream] : st.streams)
    if (stream.kind == client_stream::what::command)
      commands.push_back(number);
  for (auto number : commands) // the brokers on which they run may go on
    abandon_stream(self, number);
  if (st.setup.nested)
    for (auto& [number, s] : st.sessions)
      s.socket->finish();
  self->quit(reason);
}

std::vector<std::string> waits_of(const connector_state& st) {
  std::vector<std::string> lines{
    fmt::format("{} clients, {} open requests", st.sessions.size(), st.calls.size())};
  for (auto& [key, call] : st.calls) {
    if (lines.size() > limits::wait_lines_max)
      break;
    auto line = fmt::format("client {}: {}, for {:.1f} s", key.first, call.method,
                            static_cast<double>(steady_ns() - call.since_ns) / 1e9);
    auto session = st.sessions.find(key.first);
    if (session == st.sessions.end())
      continue;
    auto stream = session->second.streams.find(key.second);
    if (stream != session->second.streams.end())
      if (auto id = st.streams.at(stream->second).id; id != job_id{})
        line += ", of job " + to_string(id);
    if (auto bytes = session->second.socket->queued_bytes(); bytes != 0)
      line += fmt::format("; {} bytes wait for it to read", bytes);
    lines.push_back(std::move(line));
  }
  return lines;
}

} // namespace

connector_actor::behavior_type connector_service(pointer self, connector_setup setup) {
  self->state.self = self;
  self->state.setup = std::move(setup);
  self->state.started_steady_ns =
    steady_ns() - std::max<int64_t>(wall_ns() - self->state.setup.started_ns, 0);
  if (self->state.setup.nested)
    self->monitor(self->state.setup.nested);
  self->set_down_handler([self](const caf::down_msg& down) {
    if (down.source == self->state.setup.nested.address())
      end_all(self, caf::exit_reason::user_shutdown);
    else
      on_nested_down(self, down.source);
  });
  self->set_exit_handler([self](const caf::exit_msg& e) { end_all(self, e.reason); });
  return {
    [self](const client_opened& o) { open_session(self, o); },
    [self](client_entered& e) { take_client(self, e); },
    [self](const client_frame& f) { on_client_frame(self, f); },
    [self](const client_closed& c) { close_session(self, c.session); },
    [self](const client_drained& d) {
      auto it = self->state.sessions.find(d.session);
      if (it != self->state.sessions.end() && it->second.inside)
        self->send(it->second.inside, d);
      else
        on_drained(self, d.session);
    },
    [self](const job_events& e) { on_job_events(self, e.tag, e.events, e.ranks); },
    [self](const output_ready& r) { on_output_ready(self, r); },
    [self](const input_taken& t) { on_input_taken(self, t); },
    [self](subscribed_events& e) { on_subscribed(self, e); },
    [self](const command_output& o) { on_command_output(self, o); },
    [self](const command_ended& e) { on_command_ended(self, e); },
    [self](const kvs_changed& c) { on_kvs_changed(self, c); },
    [self](const nodes_changed& c) {
      auto& setup = self->state.setup;
      setup.where = rank_map{setup.where.brokers(), c.nodes};
      setup.size = static_cast<uint32_t>(c.nodes.size());
      setup.attributes->fix("size", std::to_string(rank_map::count(c.nodes)));
      return done{};
    },
    [self](caf::flush_atom) { ask_gathered(self); },
    [self](const rank_lost& l) {
      self->state.peers.erase(l.rank);
      readers_lost(self, l.rank); // what was asked of the dead is never answered
      commands_lost(self, l.rank);
      for (auto& [job, inside] : self->state.nested)
        self->send(inside, l);
    },
    [self](stats_atom) {
      return stats_reply{{{"clients", static_cast<int64_t>(self->state.sessions.size())},
                          {"streams", static_cast<int64_t>(self->state.streams.size())},
                          {"requests", self->state.requests}}};
    },
    [self](waits_atom) { return waits_reply{waits_of(self->state)}; },
  };
}

} // namespace hactor
