// Attached clients: the job's events as they come, and its output, which is pulled from the OUTPUT
// actors of the brokers that run it, as fast as the client reads.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "actors/connector.hpp"
#include "actors/task_eventlogs.hpp"
#include "runtime/clock.hpp"
#include "runtime/limits.hpp"

namespace hactor {

namespace {

using pointer = connector_state::pointer;

constexpr auto deadline = std::chrono::seconds(limits::request_timeout_s);
constexpr uint64_t read_bytes = 256 << 10;

void send_event(pointer self, const client_stream& s, const job_event& e) {
  if (s.log)
    return; // they are in another one
  std::string line;
  append_eventlog_line(line, e);
  line.pop_back();
  self->state.send(s.session, client_frame_kind::item, s.tag, "{\"event\":" + line + "}");
}

void send_chunks(pointer self, const client_stream& s, const output_reply& reply) {
  for (auto& chunk : reply.chunks) {
    if (s.hides && s.hides->has_terminal(chunk.task))
      continue;
    if (s.log) {
      // When it was written is not known of what was there before.
      auto lines = s.log->data(s.over || s.wants_backlog ? 0 : wall_ns(), chunk.task, chunk.stream,
                               chunk.bytes);
      if (!lines.empty())
        self->state.send(s.session, client_frame_kind::lines, s.tag, lines);
      continue;
    }
    if (!is_output(chunk.stream))
      continue;
    std::string payload(5, '\0');
    memcpy(payload.data(), &chunk.task, 4);
    payload[4] = static_cast<char>(chunk.stream);
    payload += chunk.bytes;
    self->state.send(s.session, client_frame_kind::output, s.tag, payload);
  }
}

/// Is there output of the ended job on this broker that nobody can read any more? Where the broker
/// was lost before its tasks' end was known, there may be; not of a job that ended well, which has
/// had another attempt since.
bool misses_output(const client_stream& s, rank_t broker) {
  if (s.readers.at(broker).lost.empty())
    return false;
  auto& known = s.end.outputs;
  auto at = std::find_if(known.begin(), known.end(), [&](auto& o) { return o.first == broker; });
  return at != known.end() ? at->second != 0 : s.end.waitstatus != 0;
}

/// What is missing on a broker. `nodes`: of the job; none when they are not known.
lost_output describe_lost(const rank_map& where, const client_stream::reader& reader,
                          rank_t broker, const std::vector<node_tasks>& nodes) {
  lost_output lost;
  idset ranks;
  for (uint32_t i = 0; i < nodes.size(); ++i)
    if (where.broker(nodes[i].rank) == broker) {
      lost.nodes.add(i);
      lost.tasks.add_all(nodes[i].tasks);
      ranks.add(nodes[i].rank);
    }
  if (ranks.empty())
    ranks.add(broker);
  auto named = [](const char* what, const idset& ids) {
    return fmt::format(" {}{} {}", what, ids.size() == 1 ? "" : "s", ids.to_string());
  };
  lost.message = fmt::format("{}output{} on{} cannot be read: {}",
                             reader.cursor > 0 ? "the rest of the " : "",
                             lost.tasks.empty() ? std::string{} : named("of task", lost.tasks),
                             named("rank", ranks), reader.lost);
  return lost;
}

/// The last that the client hears. `nodes`: of the job, where some of its output is missing.
void finish(pointer self, uint64_t number, const std::vector<node_tasks>& nodes) {
  auto& st = self->state;
  auto it = st.streams.find(number);
  if (it == st.streams.end())
    return;
  auto& s = it->second;
  std::vector<lost_output> lost;
  for (auto& [broker, reader] : s.readers)
    if (misses_output(s, broker))
      lost.push_back(describe_lost(st.setup.where, reader, broker, nodes));
  if (s.log) {
    if (auto lines = s.log->end(s.end.t_cleanup, lost); !lines.empty())
      st.send(s.session, client_frame_kind::lines, s.tag, lines);
  } else {
    for (auto& l : lost)
      st.send(s.session, client_frame_kind::item, s.tag,
              dump({{"warning", l.message}, {"tasks", l.tasks.to_string()}}));
  }
  st.reply(s.session, s.tag, s.log ? json::object() : to_json(s.end));
  st.close_stream(number);
}

void finish_if_done(pointer self, uint64_t number) {
  auto& s = self->state.streams.at(number);
  if (!s.over || s.ends)
    return;
  auto misses = false;
  for (auto& [rank, reader] : s.readers) {
    if (!reader.done)
      return;
    misses = misses || misses_output(s, rank);
  }
  s.ends = true;
  if (!misses)
    return finish(self, number, {});
  auto fail = [self, number](const caf::error&) { finish(self, number, {}); };
  with_lead(
      self,
      [self, number, fail, id = s.id](const rank_services& lead) {
        self->request(caf::actor_cast<job_manager_actor>(lead.job_manager), deadline,
                      job_request{id})
            .then([self, number](
                      const job_reply& job) { finish(self, number, tasks_by_node(job)); },
                  fail);
      },
      fail);
}

/// Once, when the client has all that had been written before it came.
void tell_backlog(pointer self, uint64_t number) {
  auto& s = self->state.streams.at(number);
  if (!s.wants_backlog)
    return;
  for (auto& [rank, reader] : s.readers)
    if (!reader.done && (!reader.backlog || reader.cursor < *reader.backlog))
      return;
  s.wants_backlog = false;
  if (s.log && !s.follows && !s.over) {
    auto session = s.session, tag = s.tag;
    abandon_stream(self, number);
    self->state.reply(session, tag, json::object());
  } else if (!s.log) {
    self->state.send(s.session, client_frame_kind::item, s.tag, R"({"backlog":"over"})");
  }
}

/// `last`: the read was asked for when the job was over, so what it did not find is not there.
void on_read(pointer self, uint64_t number, rank_t rank, const output_reply& reply, bool last) {
  auto& st = self->state;
  auto it = st.streams.find(number);
  if (it == st.streams.end())
    return;
  auto& s = it->second;
  auto& reader = s.readers[rank];
  reader.busy = false;
  reader.cursor = reply.cursor;
  if (!reader.backlog)
    reader.backlog = reply.end;
  send_chunks(self, s, reply);
  reader.waits = reply.chunks.empty() && !s.over;
  if (last && (reply.sealed || reply.chunks.empty()))
    reader.done = true;
  tell_backlog(self, number);
  pump_attach(self, number);
}

void count_input(pointer self, uint64_t number);

/// The rest of the job's output can still be shown; at the end this part is said to be lost.
void give_up(pointer self, uint64_t number, rank_t rank, const caf::error& e) {
  auto it = self->state.streams.find(number);
  if (it == self->state.streams.end() || it->second.readers[rank].done)
    return;
  auto& reader = it->second.readers[rank];
  reader.lost = render(e);
  reader.busy = false;
  reader.done = true;
  count_input(self, number);
  tell_backlog(self, number);
  pump_attach(self, number);
}

void read_on(pointer self, uint64_t number, rank_t rank) {
  auto& s = self->state.streams.at(number);
  auto& reader = s.readers.at(rank);
  reader.busy = true;
  output_request r;
  r.id = s.id;
  r.cursor = reader.cursor;
  r.max_bytes = read_bytes;
  r.address = reader.address;
  r.tag = number;
  if (!s.over)
    r.reader = caf::actor_cast<caf::actor>(self);
  auto fail = [self, number, rank](const caf::error& e) { give_up(self, number, rank, e); };
  with_rank(
    self, rank,
    [self, number, rank, r, fail](const rank_services& services) {
      self->request(caf::actor_cast<output_actor>(services.output), deadline, r)
        .then([self, number, rank, last = !r.reader](
                const output_reply& reply) { on_read(self, number, rank, reply, last); },
              fail);
    },
    fail);
}

} // namespace

namespace {

void give_input(pointer self, const client_stream& s, const input_request& in) {
  for (auto& [rank, reader] : s.readers)
    with_rank(
      self, rank,
      [self, in](const rank_services& r) {
        self->send(caf::actor_cast<exec_actor>(r.exec), in);
      },
      [](const caf::error&) {});
}

/// Holds it when the job has not started: a person may type ahead.
void give_or_hold(pointer self, uint64_t number, input_request&& in) {
  auto& st = self->state;
  auto& s = st.streams.at(number);
  in.id = s.id;
  in.reader = caf::actor_cast<caf::actor>(self);
  in.tag = number;
  in.offset = s.input_passed;
  auto& held = s.held_input;
  if (s.started || s.over) {
    give_input(self, s, in);
  } else if (!in.bytes.empty() && !held.empty() && !held.back().bytes.empty()
             && held.back().task == in.task) {
    held.back().bytes += in.bytes;
    held.back().offset = in.offset;
  } else {
    held.push_back(std::move(in));
  }
  if (s.is_ahead())
    st.heed_input(s.session);
}

void pass_held_input(pointer self, uint64_t number) {
  auto& s = self->state.streams.at(number);
  s.started = true;
  for (auto& in : std::exchange(s.held_input, {}))
    give_input(self, s, in);
}

/// What all ranks that have not gone took of the input; the client may send as much again.
void count_input(pointer self, uint64_t number) {
  auto& st = self->state;
  auto& s = st.streams.at(number);
  auto taken = s.input_passed;
  for (auto& [rank, reader] : s.readers)
    if (!reader.done)
      taken = std::min(taken, reader.taken);
  if (taken <= s.input_taken)
    return;
  auto was_ahead = s.is_ahead();
  s.input_taken = taken;
  st.send(s.session, client_frame_kind::item, s.tag, dump({{"taken", taken}}));
  if (was_ahead)
    st.heed_input(s.session);
}

} // namespace

void pass_input(pointer self, uint64_t number, uint32_t task, std::string bytes) {
  self->state.streams.at(number).input_passed += bytes.size();
  input_request in;
  in.task = task;
  in.bytes = std::move(bytes);
  give_or_hold(self, number, std::move(in));
}

void pass_window(pointer self, uint64_t number, uint16_t rows, uint16_t columns) {
  if (rows == 0)
    return;
  input_request in;
  in.rows = rows;
  in.columns = columns;
  give_or_hold(self, number, std::move(in));
}

void on_input_taken(pointer self, const input_taken& t) {
  auto it = self->state.streams.find(t.tag);
  if (it == self->state.streams.end())
    return;
  auto reader = it->second.readers.find(t.rank);
  if (reader == it->second.readers.end())
    return;
  reader->second.taken = std::max(reader->second.taken, t.offset);
  count_input(self, t.tag);
}

/// What a terminal shows is for those who are attached meanwhile, unless it is to be kept
/// (-O pty.capture): whoever comes after the end does not see it, unless the job is his own, which
/// may have ended before he could come.
void hide_terminals(pointer self, uint64_t number, const std::string& jobspec) {
  auto it = self->state.streams.find(number);
  auto plan = make_launch_plan(jobspec, {});
  if (it != self->state.streams.end() && plan && !(*plan)->keep_terminal)
    it->second.hides = std::move(*plan);
}

void start_attach(const client_call& c, client_params& p) {
  auto& st = c.self->state;
  client_stream s;
  s.kind = client_stream::what::attach;
  s.session = c.session;
  s.tag = c.tag;
  s.id = p.id("id");
  s.wants_backlog = p.flag("backlog", false);
  s.own = p.flag("own", false);
  if (p.error)
    return st.fail(c.session, c.tag, p.error);
  follow_job(c.self, st.open_stream(std::move(s)));
}

/// job.watch of guest.output or guest.input: an attachment that is told in lines.
void start_stream_eventlog(const client_call& c, client_params& p, bool input, bool follow) {
  auto& st = c.self->state;
  client_stream s;
  s.kind = client_stream::what::attach;
  s.session = c.session;
  s.tag = c.tag;
  s.id = p.id("id");
  s.wants_backlog = true;
  s.follows = follow;
  if (p.error)
    return st.fail(c.session, c.tag, p.error);
  auto self = c.self;
  auto number = st.open_stream(std::move(s));
  auto fail = [self, number](const caf::error& e) { fail_stream(self, number, e); };
  follow_at_lead(self, number, [=](client_stream& s, const rank_services& lead) {
    self->request(caf::actor_cast<job_manager_actor>(lead.job_manager), deadline, job_request{s.id})
        .then(
            [=](const job_reply& job) {
              auto it = self->state.streams.find(number);
              if (it == self->state.streams.end())
                return;
              auto& s = it->second;
              s.log = std::make_shared<const stream_eventlog>(job, input);
              self->state.send(s.session, client_frame_kind::lines, s.tag, s.log->begin());
              follow_job(self, number);
            },
            fail);
  });
}

void attach_events(pointer self, uint64_t number, const std::vector<job_event>& events,
                   const idset& ranks) {
  auto& st = self->state;
  auto& s = st.streams.at(number);
  for (auto& e : events)
    if (e.kind == event_kind::alloc || e.kind == event_kind::start || e.kind == event_kind::finish
        || e.kind == event_kind::exception)
      send_event(self, s, e);
  for (auto rank : ranks.expand())
    s.readers.try_emplace(st.setup.where.broker(rank));
  for (auto& e : events)
    if (e.kind == event_kind::start)
      pass_held_input(self, number);
  if (events.empty() || events.back().after != job_state::inactive) {
    tell_backlog(self, number); // a job that has not started has none
    pump_attach(self, number);
    return;
  }
  with_summary(
    self, s.id,
    [self, number](job_summary& summary) {
      auto it = self->state.streams.find(number);
      if (it == self->state.streams.end())
        return;
      auto& s = it->second;
      for (auto& [rank, address] : summary.outputs)
        s.readers[rank].address = address;
      for (auto& [rank, reader] : s.readers)
        reader.waits = false; // the last bytes are there to be read
      s.end = std::move(summary);
      s.over = true;
      pump_attach(self, number);
    },
    [self, number](const caf::error& e) {
      auto it = self->state.streams.find(number);
      if (it == self->state.streams.end())
        return;
      self->state.fail(it->second.session, it->second.tag, e);
      self->state.close_stream(number);
    });
}

void pump_attach(pointer self, uint64_t number) {
  auto& st = self->state;
  auto it = st.streams.find(number);
  if (it == st.streams.end())
    return;
  auto& s = it->second;
  if (st.is_slow(s.session))
    return; // on_drained goes on
  std::vector<rank_t> ready;
  for (auto& [rank, reader] : s.readers)
    if (!reader.busy && !reader.waits && !reader.done)
      ready.push_back(rank);
  for (auto rank : ready)
    read_on(self, number, rank);
  if (ready.empty())
    finish_if_done(self, number);
}

void readers_lost(pointer self, rank_t rank) {
  std::vector<uint64_t> numbers;
  for (auto& [number, s] : self->state.streams)
    if (s.readers.count(rank) != 0)
      numbers.push_back(number);
  for (auto number : numbers)
    give_up(self, number, rank,
            make_error(ec::rank_lost, "rank " + std::to_string(rank) + " was lost"));
}

void on_output_ready(pointer self, const output_ready& r) {
  auto it = self->state.streams.find(r.tag);
  if (it == self->state.streams.end())
    return;
  it->second.readers[r.rank].waits = false;
  pump_attach(self, r.tag);
}

} // namespace hactor
