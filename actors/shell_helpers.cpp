// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/shell_helpers.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>

#include <sys/wait.h>

#include <fmt/format.h>

#include "actors/command_sink.hpp"
#include "actors/plugin_turns.hpp"
#include "actors/shell_turns.hpp"
#include "actors/task_eventlogs.hpp"
#include "actors/task_memory.hpp"
#include "actors/task_warning.hpp"
#include "runtime/clock.hpp"
#include "runtime/duration.hpp"
#include "runtime/here.hpp"
#include "runtime/limits.hpp"
#include "runtime/log.hpp"

namespace hactor {

// -- words and output -----------------------------------------------------------------------------

void note_end(shell_state& st, const task_exited& x) {
  st.core.note_exit({wall_ns(), st.ranks[x.task], x.task, st.pids[x.task], x.status});
  auto is_signal = WIFSIGNALED(x.status);
  // What was to be, and what `hactor run false` says by its exit code, needs no words.
  auto is_bad = x.status != 0 && st.terminating == 0 && (st.size > 1 || is_signal)
                && !(is_signal && (st.signals_sent >> (WTERMSIG(x.status) & 63) & 1) != 0);
  if (is_bad || (st.size > 1 && st.core.first_end().empty()))
    st.core.note_end(task_warning(st.ranks[x.task], st.context->host, x.status), x.status, is_bad);
}

void tell_guard(shell_state::pointer self, uint32_t task, bool ended) {
  auto& st = self->state;
  auto& pid = st.pids[task];
  if (st.memory_limits.empty() || pid == 0)
    return;
  self->send(st.context->memory, memory_member{st.id, st.instance, st.memory_limits, pid, ended,
                                               caf::actor_cast<caf::actor>(self)});
  if (ended)
    pid = 0; // it may become another's
}

namespace {

struct leaver_state {
  int due = 2; // the drain, and the end of what the tasks write
  caf::typed_response_promise<done> promise;
};

/// Answers flush_atom when the node is drained, or cannot be, and it was told tick_atom.
caf::behavior leaver(caf::stateful_actor<leaver_state>* self, const broker_actor& broker,
                     const drain_request& drain) {
  static constexpr auto deadline = std::chrono::seconds(limits::request_timeout_s);
  auto settle = [self] {
    if (--self->state.due > 0)
      return;
    self->state.promise.deliver(done{});
    self->quit();
  };
  auto failed = [settle, why = drain.reason](const caf::error& e) {
    if (code_of(e) != ec::wrong_state) // drained already
      log_error("{}: the node could not be drained: {}", why, render(e));
    settle();
  };
  return {[=](caf::flush_atom) -> caf::result<done> {
            self->request(broker, deadline, peer_request{0})
                .then(
                    [=](const rank_services& lead) {
                      self->request(caf::actor_cast<resource_actor>(lead.resource), deadline, drain)
                          .then([settle](done) { settle(); }, failed);
                    },
                    failed);
            return self->state.promise = self->make_response_promise<done>();
          },
          [settle](caf::tick_atom) { settle(); }};
}

bool has_plugin_process(const shell_state& st) { return st.plugins && st.plugins->token != 0; }

/// Takes the tasks and coprocesses out of what is waited for: whoever of them dies yet is nobody's.
/// Commands are their clients' affair.
std::vector<uint64_t> take_tokens(shell_state::pointer self) {
  auto& st = self->state;
  std::vector<uint64_t> tokens;
  for (uint32_t task = 0; task < st.tokens.size(); ++task) {
    if (st.tokens[task] == 0)
      continue;
    tokens.push_back(std::exchange(st.tokens[task], 0));
    tell_guard(self, task, true);
  }
  for (auto& [number, helper] : std::exchange(st.helpers, {}))
    if (!helper.name.empty())
      tokens.push_back(helper.token);
  if (st.staging)
    tokens.push_back(std::exchange(st.staging->token, 0));
  // As long as there are tasks plugins have not come to their own end.
  if (has_plugin_process(st) && st.core.all_ended())
    tokens.push_back(std::exchange(st.plugins->token, 0));
  return tokens;
}

} // namespace

void leave_unkillable(shell_state::pointer self) {
  auto& st = self->state;
  if ((st.core.all_ended() && st.helpers.empty() && !st.staging && !has_plugin_process(st))
      || std::exchange(st.leaving, true))
    return;
  auto why = "unkillable user processes from job " + to_string(st.id);
  log_error("shell {}: {}: the node is drained", to_string(st.id), why);
  st.core.on_broken(st.context->host, why, SIGKILL);
  drain_request drain;
  auto& order = st.unbegun ? st.unbegun->start.order : st.order;
  for (auto entry : st.unbegun ? st.unbegun->start.entries : st.entries_of_r)
    drain.ranks.add(order.item.resources.nodes[entry].rank);
  drain.reason = std::move(why);
  // The job holds its room until then, so that no other is put beside what it leaves.
  auto waiter = self->spawn(leaver, st.context->broker, std::move(drain));
  st.context->tasks->abandon(take_tokens(self),
                             [waiter] { caf::anon_send(waiter, caf::tick_atom_v); });
  auto left = [self] {
    auto& st = self->state;
    st.core.abandon();
    st.staging.reset();
    st.unbegun.reset();
    if (has_plugin_process(st)) { // which may not die either
      st.leaving = false;
      st.terminating = 1;
      tick_at(self, st.kill_look_ns = moment_after(steady_ns(), st.context->kill_timeout_s));
    } else {
      with_plugins(self, &plugin_core::on_gone, "was left", false);
    }
    advance(self);
  };
  self->request(waiter, caf::infinite, caf::flush_atom_v)
      .then([left](done) { left(); }, [left](const caf::error&) { left(); });
}

void add_note(shell_state::pointer self, uint32_t task, std::string text) {
  auto& st = self->state;
  pass_held_output(self);
  st.wrote = true;
  st.context->gate->add(static_cast<int64_t>(text.size()));
  self->send(st.context->output, output_append{st.id, task, 2, std::move(text)});
}

void pass_held_output(shell_state::pointer self) {
  auto& st = self->state;
  st.held_bytes = 0;
  for (auto& a : std::exchange(st.held, {})) {
    st.context->gate->add(static_cast<int64_t>(a.bytes.size()));
    self->send(st.context->output, std::move(a));
  }
}

namespace {

/// Passes it on within `wait_s`, with what else comes.
void hold_output(shell_state::pointer self, output_append&& a, double wait_s) {
  auto& st = self->state;
  st.held_bytes += a.bytes.size();
  // Joined with what the same task wrote last, so that its streams stay in their order; and so does
  // what is sent to one task and to all.
  auto last = std::find_if(st.held.rbegin(), st.held.rend(), [&a](const output_append& h) {
    return h.task == a.task || (h.stream == input_stream && a.stream == input_stream);
  });
  if (last != st.held.rend() && last->task == a.task && last->stream == a.stream)
    last->bytes += a.bytes;
  else
    st.held.push_back(std::move(a));
  if (st.held_bytes >= limits::output_chunk_bytes)
    pass_held_output(self);
  else if (!std::exchange(st.held_armed, true))
    self->delayed_send(self, span_of(wait_s), caf::flush_atom_v);
}

} // namespace

void pass_output(shell_state::pointer self, output_append&& a) {
  auto& st = self->state;
  st.wrote = true;
  auto wait_s = st.plan->batch_timeout_s;
  if (wait_s <= 0) {
    self->send(st.context->output, std::move(a));
    return;
  }
  // What waits here is bounded by the job: it need not keep the output of others waiting.
  st.context->gate->done(static_cast<int64_t>(a.bytes.size()));
  hold_output(self, std::move(a), wait_s);
}

// -- input ----------------------------------------------------------------------------------------

namespace {

/// What is sent to the tasks and kept for guest.input: enough for the parameters of a program.
constexpr size_t input_kept_max = 64 << 10;

/// Keys and pieces of files come one by one.
constexpr double input_hold_s = 0.2;

/// Keeps the beginning of what the tasks get. Each node sees all of it; the first keeps it. What is
/// typed at a terminal may be a password, and is not kept.
void keep_input(shell_state::pointer self, uint32_t task, std::string_view bytes) {
  auto& st = self->state;
  if (bytes.empty() || st.input_kept > input_kept_max || st.plan->terminal
      || !st.plan->input_attached || st.ranks.empty() || st.ranks.front() != 0)
    return;
  auto room = input_kept_max - st.input_kept;
  st.input_kept += bytes.size();
  st.wrote = true;
  if (auto kept = bytes.substr(0, room); !kept.empty())
    hold_output(self, {st.id, task, input_stream, std::string{kept}}, input_hold_s);
  if (bytes.size() > room)
    hold_output(
        self,
        {st.id, task, input_note_stream,
         fmt::format("the first {} bytes of standard input are kept, and no more", input_kept_max)},
        input_hold_s);
}

/// Input of a job that has got all that input.limit grants it is at its end. What the client sends
/// is dropped, so that it does not wait for somebody to read it.
bool is_beyond_limit(shell_state::pointer self, input_request& in) {
  auto& st = self->state;
  auto limit = st.plan->input_limit;
  if (in.rows > 0 || limit < 0 || st.input_over)
    return in.rows == 0 && st.input_over;
  auto room = static_cast<size_t>(limit - st.input_bytes);
  if (in.bytes.size() <= room) {
    st.input_bytes += static_cast<int64_t>(in.bytes.size());
    return false;
  }
  st.input_over = true;
  in.bytes.resize(room);
  keep_input(self, in.task, in.bytes);
  for (size_t i = 0; i < st.tokens.size(); ++i) {
    if (st.tokens[i] == 0)
      continue;
    if (room > 0 && (in.task == UINT32_MAX || in.task == st.ranks[i]))
      st.context->tasks->input(st.tokens[i], in.bytes, in.ticket);
    st.context->tasks->input(st.tokens[i], {}, {});
  }
  if (!st.ranks.empty() && st.ranks.front() == 0) // each node sees the same; one says so
    add_note(self, 0,
             fmt::format("hactor: standard input is cut off after input.limit, {} bytes\n", limit));
  return true;
}

} // namespace

void take_input(shell_state::pointer self, input_request& in) {
  auto& st = self->state;
  if (is_beyond_limit(self, in))
    return;
  if (in.rows == 0)
    keep_input(self, in.task, in.bytes);
  for (size_t i = 0; i < st.tokens.size(); ++i) {
    if (st.tokens[i] == 0 || (in.task != UINT32_MAX && in.task != st.ranks[i]))
      continue;
    if (in.rows > 0)
      st.context->tasks->resize(st.tokens[i], in.rows, in.columns);
    else
      st.context->tasks->input(st.tokens[i], in.bytes, in.ticket);
  }
}

// -- coprocesses and commands ---------------------------------------------------------------------

namespace {

uint32_t next_helper(shell_state& st) {
  return static_cast<uint32_t>(st.ranks.size()) + st.helpers_made++;
}

void say_of_helper(shell_state::pointer self, const std::string& name, const std::string& what) {
  auto& st = self->state;
  add_note(self, st.ranks.front(),
           fmt::format("hactor: coprocess {} on {}: {}\n", name, st.context->host, what));
}

caf::error start_coprocess(shell_state::pointer self, const coprocess& c,
                           const template_values& names, const shell_work& work) {
  auto& st = self->state;
  spawn_request request;
  task_pipes pipes;
  for (auto& word : c.command)
    request.argv.push_back(fill_tags(word, names));
  request.environment = work.beside;
  request.cwd = work.cwd;
  pipes.output = pipes.error = c.output.empty();
  if (!c.output.empty()) {
    auto first = names.node == 0;
    auto name = st.files.open(c.output, names, work.cwd, first || names_node(c.output));
    if (!name)
      return std::move(name.error());
    for (int stream : {1, 2}) {
      auto fd = st.files.share(*name);
      if (!fd)
        return std::move(fd.error());
      request.pass(stream, std::move(*fd));
    }
  }
  auto number = next_helper(st);
  auto token = st.context->tasks->start(std::move(request), pipes, hears_of(self, number));
  if (!token)
    return std::move(token.error());
  auto& plan = *st.plan;
  auto patience =
      span_of(plan.coprocess_kill_s < 0 ? st.context->kill_timeout_s : plan.coprocess_kill_s);
  st.helpers[number] = {*token, c.name, {}, 0, patience, 0};
  return {};
}

} // namespace

void start_coprocesses(shell_state::pointer self, const shell_work& work) {
  auto& st = self->state;
  for (auto& c : st.plan->coprocesses) {
    // Of nodes that this broker plays (pretended resources) the first that is meant.
    auto entry = std::find_if(st.entries_of_r.begin(), st.entries_of_r.end(),
                              [&c](uint32_t e) { return !c.nodes || c.nodes->contains(e); });
    if (entry == st.entries_of_r.end())
      continue;
    auto names = work.names;
    names.node = *entry;
    names.host = st.context->host;
    if (auto e = start_coprocess(self, c, names, work))
      say_of_helper(self, c.name, render(e));
  }
}

/// "0:4711,1:4712": the tasks that run here and their processes. Nothing: it is more than one
/// variable may say.
std::optional<std::string> task_pids(const shell_state& st) {
  constexpr size_t variable_bytes_max = 100 << 10; // of Linux 128 KiB
  std::string text;
  for (size_t i = 0; i < st.pids.size() && text.size() < variable_bytes_max; ++i)
    if (st.tokens[i] != 0 && st.pids[i] != 0)
      text += fmt::format("{}{}:{}", text.empty() ? "" : ",", st.ranks[i], st.pids[i]);
  return text.size() < variable_bytes_max ? std::optional{std::move(text)} : std::nullopt;
}

void start_in_job(shell_state::pointer self, const command_request& r) {
  auto& st = self->state;
  auto rank = st.context->rank;
  if (st.ranks.empty() || st.core.all_ended())
    return refuse_command(r, rank, 1, "no task of the job runs here");
  auto s = command_of(r, rank, st.context->place.uri);
  s.set_env("HACTOR_JOB_ID", to_string(st.id));
  s.set_env("HACTOR_KVS_NAMESPACE", "job-" + to_string(st.id));
  s.set_env("HACTOR_JOB_SIZE", std::to_string(st.size));
  s.set_env("HACTOR_JOB_NNODES", std::to_string(st.order.item.resources.nodes.size()));
  if (st.folder)
    s.set_env("HACTOR_JOB_TMPDIR", st.folder->path);
  if (auto pids = task_pids(st))
    s.set_env("HACTOR_TASK_PIDS", *pids);
  // It gets what the tasks of this node have, together; where they are not bound nor is it.
  idset cpus, gpus;
  auto& item = st.order.item;
  auto& wants = st.plan->request;
  for (auto entry : st.entries_of_r) {
    auto bound = bind_tasks(wants.cpus, wants.gpus, item.resources.nodes[entry],
                            item.resources.host(entry), st.context->place.machine.get(), 1);
    if (!bound || bound->tasks.empty())
      continue;
    confine(*bound, st.order.origin->cpus);
    cpus.add_all(bound->tasks.front().cpus);
    gpus.add_all(item.resources.nodes[entry].gpus);
  }
  for (auto cpu : cpus.expand())
    s.cpus.push_back(static_cast<int32_t>(cpu));
  if (wants.gpus.kind != affinity_kind::off && !wants.gpus.dry_run)
    append_visible_gpus(s.environment, gpus);
  auto number = next_helper(st);
  auto sink = command_sink(r, rank, st.context->host, [me = shell_actor{self}, number] {
    send_here(me, task_exited{number, 0, {}});
  });
  auto token = st.context->tasks->start(std::move(s), command_pipes, sink);
  if (!token)
    return refuse_command(r, rank, 126, render(token.error()));
  st.helpers[number] = {*token, {}, r.subscriber.address(), r.tag, span_of(st.plan->command_kill_s),
                        0};
}

void kill_in_job(shell_state::pointer self, const command_kill& k) {
  auto& st = self->state;
  for (auto& [number, h] : st.helpers)
    if (h.tag == k.tag && h.client == k.subscriber.address())
      st.context->tasks->signal(h.token, SIGKILL);
}

void on_helper_failed(shell_state::pointer self, const task_failed& f) {
  auto& st = self->state;
  auto gone = st.helpers.extract(f.task);
  if (!gone.empty() && !gone.mapped().name.empty())
    say_of_helper(self, gone.mapped().name, f.what + ": " + std::strerror(f.error));
}

void on_helper_exited(shell_state::pointer self, const task_exited& x) {
  auto& st = self->state;
  auto gone = st.helpers.extract(x.task);
  if (gone.empty() || gone.mapped().name.empty() || st.core.all_ended() || x.status == 0)
    return;
  say_of_helper(self, gone.mapped().name,
                WIFSIGNALED(x.status)
                    ? fmt::format("was ended by signal {}", WTERMSIG(x.status))
                    : fmt::format("ended with exit code {}", WEXITSTATUS(x.status)));
}

void on_helper_output(shell_state::pointer self, task_output& o) {
  auto& st = self->state;
  pass_output(self, {st.id, st.ranks.front(), 2, std::move(o.bytes)});
}

bool end_helpers(shell_state::pointer self) {
  auto& st = self->state;
  if (st.helpers.empty())
    return true;
  if (std::exchange(st.ending_helpers, true))
    return false;
  for (auto& [number, h] : st.helpers) {
    st.context->tasks->signal(h.token, SIGTERM);
    h.kill_ns = steady_ns() + h.patience.count();
    self->delayed_send(self, h.patience, caf::tick_atom_v);
  }
  if (st.killed)
    kill_helpers(self, true);
  return false;
}

void kill_helpers(shell_state::pointer self, bool all) {
  auto& st = self->state;
  for (auto& [number, h] : st.helpers)
    if (all || (h.kill_ns != 0 && h.kill_ns <= steady_ns()))
      st.context->tasks->signal(h.token, SIGKILL);
}

// -- what the tasks use ---------------------------------------------------------------------------

namespace {

std::vector<pid_t> live_tasks(const shell_state& st) {
  std::vector<pid_t> pids;
  for (size_t i = 0; i < st.pids.size(); ++i)
    if (st.tokens[i] != 0 && st.pids[i] != 0)
      pids.push_back(st.pids[i]);
  return pids;
}

std::string in_mib(int64_t bytes) {
  return fmt::format("{:.1f}M", static_cast<double>(bytes) / (1 << 20));
}

void say_usage(shell_state::pointer self, const char* which, int64_t bytes, double load) {
  auto& st = self->state;
  add_note(self, st.ranks.front(),
           fmt::format("hactor: sysmon: {}: {}memory {}, cpu load {:.2f}\n", st.context->host,
                       which, in_mib(bytes), load));
}

double per_ns(int64_t cpu_us, int64_t ns) {
  return ns <= 0 ? 0 : static_cast<double>(cpu_us) * 1e3 / static_cast<double>(ns);
}

} // namespace

void begin_looking(shell_state::pointer self) {
  auto& st = self->state;
  auto& plan = *st.plan;
  if (plan.sysmon_s <= 0)
    return;
  st.looks = std::make_unique<shell_looks>();
  st.looks->began_ns = st.looks->last_ns = steady_ns();
  self->delayed_send(self, span_of(plan.sysmon_s), usage_atom_v);
}

void look_at_tasks(shell_state::pointer self) {
  auto& st = self->state;
  if (st.core.all_ended() || !st.looks)
    return;
  auto& looks = *st.looks;
  auto& plan = *st.plan;
  auto pids = live_tasks(st);
  auto bytes = memory_of(pids, false);
  looks.peak_bytes = std::max(looks.peak_bytes, bytes);
  if (plan.sysmon_trace) {
    auto cpu_us = cpu_us_of(pids);
    auto now = steady_ns();
    // Less than before when a task has ended: of it nothing is seen any more.
    say_usage(self, "", bytes,
              per_ns(std::max<int64_t>(cpu_us - looks.last_cpu_us, 0), now - looks.last_ns));
    looks.last_cpu_us = cpu_us;
    looks.last_ns = now;
  }
  self->delayed_send(self, span_of(plan.sysmon_s), usage_atom_v);
}

void tell_usage(shell_state::pointer self) {
  auto& st = self->state;
  auto looks = std::move(st.looks);
  if (!looks || st.ranks.empty())
    return;
  auto used = st.core.report(true).used;
  say_usage(self, "peak ", std::max(looks->peak_bytes, used.maxrss_kb * 1024),
            per_ns(used.user_us + used.system_us, steady_ns() - looks->began_ns));
}

// -- how an MPI program comes together ------------------------------------------------------------

namespace {

/// The look that is not for the whole patience: by then most are there.
constexpr int64_t meeting_moment_ns = 1'000'000'000;

int64_t next_look(const mpi_meeting& m) { // 0: none
  return m.note_ns == 0 || m.end_ns == 0 ? std::max(m.note_ns, m.end_ns)
                                         : std::min(m.note_ns, m.end_ns);
}

void look_at_meeting(shell_state::pointer self, mpi_meeting& m, int64_t when_ns) {
  m.look_ns = when_ns;
  tick_at(self, when_ns);
}

/// The first has come to a meeting: from now on the others have their time.
void begin_patience(shell_state::pointer self, mpi_meeting& m) {
  auto patience_s = self->state.context->mpi_patience_s;
  auto timeout_s = self->state.plan->mpi_timeout_s;
  if (m.came.empty() || std::exchange(m.begun, true))
    return;
  auto now = steady_ns();
  if (patience_s > 0)
    m.note_ns = moment_after(now, patience_s);
  if (timeout_s >= 0)
    m.end_ns = moment_after(now, timeout_s);
  // Most come within a moment; a timer for the whole time would keep the shells of short jobs.
  if (auto next = next_look(m); next != 0)
    look_at_meeting(self, m, std::min(next, now + meeting_moment_ns));
}

/// A moment, or all of the patience, is over.
void end_patience(shell_state::pointer self, mpi_meeting& m) {
  auto& st = self->state;
  auto due = std::exchange(m.look_ns, 0);
  auto missing = missing_ranks(st, m);
  if (missing.empty() || st.terminating != 0)
    return;
  auto text = missing_ranks_text(m, missing, st.context->host);
  if (m.end_ns != 0 && due >= m.end_ns)
    return break_off(self, text + " when mpi-timeout was over after the first", 1 << 8);
  if (m.note_ns != 0 && due >= m.note_ns) {
    m.note_ns = 0;
    add_note(self, *m.came.begin(),
             fmt::format("hactor: {} within {}: they wait for each other as long as that is so. Do "
                         "all tasks run the same MPI program, and does it find the MPI that it was "
                         "built with?\n",
                         text, format_fsd(st.context->mpi_patience_s)));
  }
  if (auto next = next_look(m); next != 0)
    look_at_meeting(self, m, next);
}

} // namespace

std::vector<uint32_t> missing_ranks(const shell_state& st, const mpi_meeting& m) {
  std::vector<uint32_t> missing;
  for (size_t t = 0; t < st.ranks.size() && !m.came.empty(); ++t)
    if (st.tokens[t] != 0 && m.world.holds(st.ranks[t]) && m.came.count(st.ranks[t]) == 0)
      missing.push_back(st.ranks[t]);
  return missing;
}

void note_meetings(shell_state::pointer self) {
  auto& st = self->state;
  for (size_t i = 0; i < st.meetings.size(); ++i) {
    auto& m = st.meetings[i];
    auto& tasks = st.worlds.tasks_of(i);
    if (m.came.size() == tasks.size())
      continue;
    for (auto t : tasks)
      if (st.worlds.is_inside(t) && m.came.insert(st.ranks[t]).second
          && st.ranks[t] == m.world.first)
        if (auto fault = known_mpi_fault_of(st.pids[t]); !fault.empty())
          add_note(self, st.ranks[t], "hactor: " + fault + "\n");
    begin_patience(self, m);
  }
}

bool is_meeting_time(shell_state::pointer self) {
  auto now = steady_ns();
  auto is_one = false;
  for (auto& m : self->state.meetings) {
    if (m.look_ns == 0 || now < m.look_ns)
      continue;
    is_one = true;
    end_patience(self, m);
  }
  return is_one;
}

} // namespace hactor
