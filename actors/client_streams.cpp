// What clients follow, but attached jobs: waits, eventlogs, the event stream, commands on ranks.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>

#include <fmt/format.h>

#include "actors/connector.hpp"
#include "actors/job_ends.hpp"
#include "actors/job_documents.hpp"
#include "runtime/limits.hpp"
#include "runtime/near.hpp"

namespace hactor {

namespace {

using pointer = connector_state::pointer;
using what = client_stream::what;

constexpr auto deadline = std::chrono::seconds(limits::request_timeout_s);

void reply_stream(pointer self, uint64_t number, const json& value) {
  auto& st = self->state;
  auto it = st.streams.find(number);
  if (it == st.streams.end())
    return;
  st.reply(it->second.session, it->second.tag, value);
  st.close_stream(number);
}

/// Opens a stream and follows its job from the first event on.
void follow(const client_call& c, client_params& p, client_stream s) {
  auto& st = c.self->state;
  s.session = c.session;
  s.tag = c.tag;
  s.id = p.id("id");
  if (p.error)
    return st.fail(c.session, c.tag, p.error);
  follow_job(c.self, st.open_stream(std::move(s)));
}

void wait_events(pointer self, uint64_t number, const std::vector<job_event>& events) {
  if (events.empty() || events.back().after != job_state::inactive)
    return;
  auto id = self->state.streams.at(number).id;
  with_summary(
      self, id,
      [self, number, id](job_summary& s) {
        if (self->state.streams.count(number) == 0)
          return; // the client has gone: nobody has heard of the end
        reply_stream(self, number, to_json(s));
        self->state.waited.push_back(id);
      },
      [self, number](const caf::error& e) { fail_stream(self, number, e); });
}

void eventlog_events(pointer self, uint64_t number, const std::vector<job_event>& events) {
  auto& st = self->state;
  auto& s = st.streams.at(number);
  std::string lines;
  for (auto& e : events)
    append_eventlog_line(lines, e);
  if (!lines.empty())
    st.send(s.session, client_frame_kind::lines, s.tag, lines);
  auto over = !events.empty() && events.back().after == job_state::inactive;
  if (over || s.event_count == 0) { // event_count 0: not followed
    if (!over)
      abandon_stream(self, number);
    st.reply(s.session, s.tag, json::object());
    st.close_stream(number);
  }
}

void wait_event_events(pointer self, uint64_t number, const std::vector<job_event>& events) {
  auto& st = self->state;
  auto& s = st.streams.at(number);
  for (auto& e : events) {
    if (name_of(e.kind) != s.event_name || --s.event_count > 0)
      continue;
    std::string line;
    append_eventlog_line(line, e);
    auto session = s.session, tag = s.tag;
    abandon_stream(self, number);
    st.reply(session, tag, {{"line", line}});
    return;
  }
  if (!events.empty() && events.back().after == job_state::inactive)
    fail_stream(self, number,
                make_error(ec::wrong_state, fmt::format("{}: the job has ended without the event "
                                                        "\"{}\"",
                                                        to_string(s.id), s.event_name)));
}

} // namespace

void fail_stream(pointer self, uint64_t number, const caf::error& e) {
  auto& st = self->state;
  auto it = st.streams.find(number);
  if (it == st.streams.end())
    return;
  st.fail(it->second.session, it->second.tag, e);
  abandon_stream(self, number);
}

void follow_at_lead(pointer self, uint64_t number,
                    std::function<void(client_stream&, const rank_services&)> begin) {
  with_lead(
    self,
    [self, number, begin = std::move(begin)](const rank_services& lead) {
      if (auto it = self->state.streams.find(number); it != self->state.streams.end())
        begin(it->second, lead);
    },
    [self, number](const caf::error& e) { fail_stream(self, number, e); });
}

void start_wait(const client_call& c, client_params& p) {
  client_stream s;
  s.kind = what::wait;
  follow(c, p, std::move(s));
}

namespace {

json to_json(const ended_job& e) {
  job_summary s;
  s.id = e.id;
  s.state = job_state::inactive;
  s.result = e.result;
  s.waitstatus = e.waitstatus;
  s.exception = !e.exception.empty();
  auto line = e.exception.find('\n');
  s.exception_type = e.exception.substr(0, line);
  s.exception_note = line == std::string::npos ? "" : e.exception.substr(line + 1);
  auto whole = hactor::to_json(s);
  json j = json::object();
  for (auto* key :
       {"id", "state", "result", "status", "waitstatus", "exception_type", "exception_note"})
    if (auto at = whole.find(key); at != whole.end())
      j[key] = *at;
  return j;
}

} // namespace

namespace {

void ask_for_end(pointer self, uint64_t number);

/// This wait of a waiter is over, and its next one begins. `heard`: it was told of ends.
void leave_waiter(pointer self, uint64_t number, const std::string& waiter, bool heard) {
  auto& w = self->state.end_waiters.at(waiter);
  auto asked = w.streams.front() == number;
  std::erase(w.streams, number);
  if (!asked)
    return;
  if (!heard)
    with_lead(
      self,
      [self, tag = w.tag](const rank_services& lead) {
        self->send(caf::actor_cast<job_manager_actor>(lead.job_manager),
                   unfollow{job_id{}, tag, caf::actor_cast<caf::actor>(self)});
      },
      [](const caf::error&) {});
  if (!w.streams.empty())
    ask_for_end(self, w.streams.front());
}

void tell_ends(pointer self, uint64_t number, const job_manager_actor& manager,
               const reap_reply& x) {
  auto it = self->state.streams.find(number);
  if (it == self->state.streams.end()) {
    self->send(manager, not_reaped{x.jobs}); // nobody has heard of them
    return;
  }
  auto jobs = json::array();
  for (auto& e : x.jobs)
    jobs.push_back(to_json(e));
  auto waiter = it->second.waiter;
  reply_stream(self, number, {{"jobs", std::move(jobs)}});
  leave_waiter(self, number, waiter, true);
}

/// Requires: it is the first of its waiter's streams.
void ask_for_end(pointer self, uint64_t number) {
  auto fail = [self, number](const caf::error& e) { fail_stream(self, number, e); };
  with_lead(
    self,
    [self, number, fail](const rank_services& lead) {
      auto it = self->state.streams.find(number);
      if (it == self->state.streams.end())
        return;
      auto manager = caf::actor_cast<job_manager_actor>(lead.job_manager);
      reap_request r{it->second.all, self->state.end_waiters.at(it->second.waiter).tag,
                     caf::actor_cast<caf::actor>(self)};
      // As long as the jobs take.
      self->request(manager, caf::infinite, r)
        .then([self, number, manager](
                const reap_reply& x) { tell_ends(self, number, manager, x); },
              fail);
    },
    fail);
}

/// Whoever waits beside others of its name is a waiter of its own, as those are that have no name.
std::string choose_waiter(const connector_state& st, uint64_t session, const std::string& name) {
  auto named = fmt::format("{} {}", st.sessions.at(session).userid, name);
  auto it = st.end_waiters.find(named);
  auto is_free = it == st.end_waiters.end() || st.sessions.count(it->second.session) == 0;
  return !name.empty() && is_free ? named : fmt::to_string(session);
}

/// Bounds who is remembered: who asked longest ago begins anew.
void forget_waiters(connector_state& st) {
  if (st.end_waiters.size() <= known_waiters_max)
    return;
  auto oldest = st.end_waiters.end();
  for (auto it = st.end_waiters.begin(); it != st.end_waiters.end(); ++it)
    if (it->second.streams.empty()
        && (oldest == st.end_waiters.end() || it->second.asked < oldest->second.asked))
      oldest = it;
  if (oldest != st.end_waiters.end())
    st.end_waiters.erase(oldest);
}

} // namespace

void start_wait_any(const client_call& c, client_params& p) {
  auto& st = c.self->state;
  client_stream s;
  s.kind = what::wait_any;
  s.session = c.session;
  s.tag = c.tag;
  s.all = p.flag("all", false);
  auto name = p.text("waiter", "");
  if (p.error)
    return st.fail(c.session, c.tag, p.error);
  auto& session = st.sessions.at(c.session);
  if (session.waiter.empty())
    session.waiter = choose_waiter(st, c.session, name);
  s.waiter = session.waiter;
  auto number = st.open_stream(std::move(s));
  auto& w = st.end_waiters[session.waiter];
  if (w.tag == 0)
    w.tag = number;
  w.session = c.session;
  w.asked = number;
  w.streams.push_back(number);
  if (w.streams.size() == 1)
    ask_for_end(c.self, number);
  forget_waiters(st);
}

void start_wait_event(const client_call& c, client_params& p) {
  client_stream s;
  s.kind = what::wait_event;
  s.event_name = p.text("name");
  if (!kind_of(s.event_name)) {
    std::vector<std::string_view> known;
    for (size_t i = 1; i < static_cast<size_t>(event_kind::kind_count); ++i)
      known.push_back(name_of(static_cast<event_kind>(i)));
    p.refuse(
        make_error(ec::bad_argument, fmt::format("\"{}\" is not an event of jobs{}", s.event_name,
                                                 did_you_mean(s.event_name, known))));
  }
  s.event_count = std::max<int64_t>(p.integer("count", 1), 1);
  follow(c, p, std::move(s));
}

void start_eventlog(const client_call& c, client_params& p) {
  client_stream s;
  s.kind = what::eventlog;
  s.event_count = p.flag("follow", false) ? 1 : 0;
  follow(c, p, std::move(s));
}

void start_watch(const client_call& c, client_params& p) {
  client_stream s;
  auto key = p.text("key");
  s.follows = p.flag("follow", true);
  if (key == "guest.output" || key == "guest.input")
    return start_stream_eventlog(c, p, key == "guest.input", s.follows);
  s.kind = key == "eventlog" ? what::eventlog : what::document;
  if (s.kind == what::document)
    s.event_name = key;
  if (key == "eventlog" && !s.follows)
    s.event_count = 0;
  constexpr std::string_view known[] = {"jobspec", "R", "eventlog", "guest.exec.eventlog"};
  if (std::find(std::begin(known), std::end(known), key) == std::end(known))
    p.refuse(make_error(ec::unknown_key,
                        fmt::format("\"{}\": the keys that change are jobspec, R, eventlog, "
                                    "guest.exec.eventlog, guest.output and guest.input",
                                    key)));
  follow(c, p, std::move(s));
}

void on_job_events(pointer self, uint64_t number, const std::vector<job_event>& events,
                   const idset& ranks) {
  auto it = self->state.streams.find(number);
  if (it == self->state.streams.end())
    return;
  switch (it->second.kind) {
    case what::wait: wait_events(self, number, events); break;
    case what::wait_event: wait_event_events(self, number, events); break;
    case what::eventlog: eventlog_events(self, number, events); break;
    case what::document: watch_document(self, number, events); break;
    case what::attach: attach_events(self, number, events, ranks); break;
    case what::wait_any:
    case what::events:
    case what::kvs:
    case what::command: break;
  }
}

// -- the event stream -----------------------------------------------------------------------------

void start_events(const client_call& c, client_params& p) {
  auto& st = c.self->state;
  subscribe_request r;
  r.live_only = !p.has("since");
  r.since = static_cast<uint64_t>(std::max<int64_t>(p.integer("since", 0), 0));
  r.follow = p.flag("follow", true);
  r.ids = p.ids("ids");
  if (p.has("names"))
    for (auto& name : p.texts("names")) {
      auto kind = kind_of(name);
      if (!kind)
        p.refuse(fmt::format("names: \"{}\" is not the name of an event", name));
      else
        r.kinds.push_back(static_cast<uint8_t>(*kind));
    }
  r.states = static_cast<uint32_t>(p.integer("states", 0));
  // All jobs of an instance are its owner's: another has none, which no id stands for.
  if (p.integer("userid", st.setup.owner) != st.setup.owner)
    r.ids = {job_id{}};
  client_stream s;
  s.kind = what::events;
  s.tell_begin = p.flag("begin", false);
  if (p.error)
    return st.fail(c.session, c.tag, p.error);
  s.session = c.session;
  s.tag = c.tag;
  // What is to be all that has happened by now is asked of the lead: here some of it may not yet
  // have come.
  if (r.follow)
    s.events_at = st.setup.events;
  auto number = st.open_stream(std::move(s));
  r.tag = number;
  r.subscriber = caf::actor_cast<caf::actor>(c.self);
  if (r.follow)
    return c.self->send(st.setup.events, r);
  follow_at_lead(c.self, number, [self = c.self, r](client_stream& s, const rank_services& lead) {
    s.events_at = caf::actor_cast<events_actor>(lead.events);
    self->send(s.events_at, r);
  });
}

namespace {

void give_credit(pointer self, const client_stream& s, uint64_t number) {
  auto me = caf::actor_cast<caf::actor>(self);
  if (s.kind == what::kvs)
    self->send(s.kvs_at, kvs_watch_credit{number, me});
  else
    self->send(s.events_at, subscription_credit{number, me});
}

} // namespace

void on_subscribed(pointer self, subscribed_events& e) {
  auto& st = self->state;
  auto it = st.streams.find(e.tag);
  if (it == st.streams.end())
    return;
  auto& s = it->second;
  if (e.lines.empty() && !e.end) { // it begins
    if (s.tell_begin)
      st.send(s.session, client_frame_kind::item, s.tag, dump({{"next", e.next_sequence}}));
    return;
  }
  if (!e.lines.empty())
    st.send(s.session, client_frame_kind::lines, s.tag, e.lines);
  if (e.end)
    return reply_stream(self, e.tag, {{"next", e.next_sequence}});
  if (st.is_slow(s.session)) {
    ++s.credits_owed;
  } else {
    give_credit(self, s, e.tag);
  }
}

void on_drained(pointer self, uint64_t session) {
  auto& st = self->state;
  auto it = st.sessions.find(session);
  if (it == st.sessions.end())
    return;
  auto numbers = it->second.streams; // pumping may end one
  for (auto& [tag, number] : numbers) {
    auto s = st.streams.find(number);
    if (s == st.streams.end())
      continue;
    for (; s->second.credits_owed > 0; --s->second.credits_owed)
      give_credit(self, s->second, number);
    st.answer_outputs(s->second);
    if (s->second.kind == what::attach)
      pump_attach(self, number);
  }
}

// -- commands on ranks ----------------------------------------------------------------------------

namespace {

/// Sends the command to the brokers of these ranks, which the instance has, or had.
void send_command(pointer self, uint64_t number, command_request r, const idset& ranks) {
  auto& st = self->state;
  auto it = st.streams.find(number);
  if (it == st.streams.end())
    return; // the client has gone, or has given it up
  for (auto rank : ranks.expand())
    if (st.setup.where.has(rank)) // it may have been given back
      r.ranks.add(st.setup.where.broker(rank));
  if (r.ranks.empty())
    return fail_stream(self, number,
                       make_error(ec::unknown_rank, "the instance has given these ranks back"));
  it->second.ranks_due = r.ranks;
  r.tag = number;
  r.subscriber = caf::actor_cast<caf::actor>(self);
  it->second.command = std::make_shared<command_request>(r);
  self->send(st.setup.exec, std::move(r));
}

/// Within a job: `places` are its nodes, counted from 0; none: all.
void send_into_job(pointer self, uint64_t number, const command_request& r,
                   const std::optional<idset>& places) {
  auto fail = [self, number](const caf::error& e) { fail_stream(self, number, e); };
  with_summary(
      self, r.job,
      [self, number, r, places, fail](job_summary& s) {
        if (s.state != job_state::run)
          return fail(make_error(ec::wrong_state,
                                 fmt::format("{}: the job is {}; a command can be run in a running "
                                             "job only",
                                             to_string(r.job), name_of(s.state))));
        idset ranks;
        uint32_t place = 0;
        auto all = idset::parse(s.ranks);
        for (auto rank : all ? all->expand() : std::vector<uint32_t>{})
          if (!places || places->contains(place++))
            ranks.add(rank);
        if (ranks.empty() || (places && places->last() >= place))
          return fail(make_error(ec::unknown_rank,
                                 fmt::format("ranks {}: the job has {} nodes, counted from 0",
                                             places ? places->to_string() : "all", s.nnodes)));
        send_command(self, number, r, ranks);
      },
      fail);
}

} // namespace

void start_command(const client_call& c, client_params& p) {
  auto& st = c.self->state;
  command_request r;
  r.argv = p.texts("argv");
  r.cwd = p.text("cwd", "");
  r.instance = st.setup.instance;
  if (r.argv.empty())
    p.refuse("argv: must name a command");
  if (p.has("env") && p.at("env").is_object())
    for (auto& [name, value] : p.at("env").items())
      if (value.is_string())
        r.environment.push_back(name + "=" + value.get<std::string>());
  auto in_job = p.has("job");
  if (in_job)
    r.job = p.id("job");
  auto ranks = p.set("ranks", in_job ? limits::idset_universe_max : st.setup.size);
  if (p.error)
    return st.fail(c.session, c.tag, p.error);
  client_stream s;
  s.kind = what::command;
  s.session = c.session;
  s.tag = c.tag;
  s.id = r.job;
  auto number = st.open_stream(std::move(s));
  if (!in_job)
    return send_command(c.self, number, std::move(r), ranks);
  auto all = p.text("ranks", "all") == "all";
  send_into_job(c.self, number, r, all ? std::nullopt : std::optional<idset>{std::move(ranks)});
}

void on_command_output(pointer self, const command_output& o) {
  auto& st = self->state;
  auto it = st.streams.find(o.tag);
  if (it == st.streams.end())
    return;
  std::string payload(5, '\0');
  auto rank = st.setup.where.rank_on(o.rank);
  memcpy(payload.data(), &rank, 4);
  payload[4] = static_cast<char>(o.stream);
  payload += o.bytes;
  st.send(it->second.session, client_frame_kind::output, it->second.tag, payload);
  if (st.is_slow(it->second.session))
    it->second.outputs.push_back(self->make_response_promise());
}

void on_command_ended(pointer self, const command_ended& e) {
  auto& st = self->state;
  auto it = st.streams.find(e.tag);
  if (it == st.streams.end() || !it->second.ranks_due.contains(e.rank))
    return;
  auto& s = it->second;
  s.ranks_due.remove(e.rank);
  auto rank = std::to_string(st.setup.where.rank_on(e.rank));
  s.statuses[rank] = e.status;
  if (!e.failure.empty())
    s.failures[rank] = e.failure;
  if (s.ranks_due.empty()) {
    json result{{"status", std::move(s.statuses)}, {"failed", std::move(s.failures)}};
    reply_stream(self, e.tag, result);
  }
}

/// What the rank had to pass on to others may be lost with it: they are sent it again, and whoever
/// has it knows.
void commands_lost(pointer self, rank_t rank) {
  auto& st = self->state;
  std::vector<uint64_t> numbers;
  for (auto& [number, s] : st.streams)
    if (!s.ranks_due.empty())
      numbers.push_back(number);
  for (auto number : numbers) {
    on_command_ended(self, {number, rank, 1 << 8,
                            fmt::format("rank {} was lost", st.setup.where.rank_on(rank))});
    auto it = st.streams.find(number);
    if (it == st.streams.end())
      continue;
    auto again = *it->second.command;
    again.ranks = it->second.ranks_due;
    self->send(st.setup.exec, std::move(again));
  }
}

// -- ends -----------------------------------------------------------------------------------------

void abandon_stream(pointer self, uint64_t number) {
  auto& st = self->state;
  auto it = st.streams.find(number);
  if (it == st.streams.end())
    return;
  auto kind = it->second.kind;
  auto id = it->second.id;
  auto due = it->second.ranks_due;
  auto events = it->second.events_at;
  auto kvs = it->second.kvs_at;
  auto readers = it->second.readers;
  auto waiter = it->second.waiter;
  st.close_stream(number);
  auto me = caf::actor_cast<caf::actor>(self);
  if (kind == what::command) {
    if (!due.empty()) // else it has not been sent
      self->send(st.setup.exec, command_kill{number, due, me, id});
    return;
  }
  if (kind == what::kvs) {
    if (kvs)
      self->send(kvs, kvs_unwatch{number, me});
    return;
  }
  if (kind == what::events) {
    if (events)
      self->send(events, unsubscribe{number, me});
    return;
  }
  if (kind == what::wait_any)
    return leave_waiter(self, number, waiter, false);
  // An OUTPUT that has nothing of the job yet keeps who waits for it: this read ends that.
  for (auto& [rank, reader] : readers)
    if (reader.waits)
      with_rank(
        self, rank,
        [self, id](const rank_services& services) {
          output_request r;
          r.id = id;
          self->request(caf::actor_cast<output_actor>(services.output), deadline, r)
            .then([](const output_reply&) {}, [](const caf::error&) {});
        },
        [](const caf::error&) {});
  with_lead(
    self,
    [self, id, number, me](const rank_services& lead) {
      self->send(caf::actor_cast<job_manager_actor>(lead.job_manager), unfollow{id, number, me});
    },
    [](const caf::error&) {});
}

} // namespace hactor
