// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/shell.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <sys/wait.h>

#include <fmt/format.h>

#include "actors/interpreter.hpp"
#include "actors/job_state.hpp"
#include "actors/kill_steps.hpp"
#include "actors/plugin_turns.hpp"
#include "actors/shell_helpers.hpp"
#include "actors/shell_start.hpp"
#include "actors/shell_turns.hpp"
#include "actors/shell_waits.hpp"
#include "actors/staging.hpp"
#include "runtime/clock.hpp"
#include "runtime/duration.hpp"
#include "runtime/here.hpp"
#include "runtime/log.hpp"

namespace hactor {

namespace {

/// How long the end of a task may come behind the end of its connection.
constexpr auto dropped_patience = std::chrono::seconds{1};

/// Tasks of one job mostly end within this time of each other.
constexpr int64_t exit_moment_ns = 1'000'000'000;

/// Passes what the task host tells on to the shell actor.
class shell_sink final : public task_sink {
public:
  shell_sink(shell_actor shell, uint32_t task) : shell_{std::move(shell)}, task_{task} {}
  void started(pid_t pid) override { send_here(shell_, task_started{task_, pid}); }
  void failed(spawn_step step, int errno_value) override {
    send_here(shell_, task_failed{task_, errno_value, std::string{to_string(step)}});
  }
  void control(std::string bytes) override {
    send_here(shell_, task_control{task_, std::move(bytes)});
  }
  void output(int stream, std::string bytes) override {
    send_here(shell_, task_output{task_, static_cast<uint8_t>(stream), std::move(bytes)});
  }
  void exited(int wait_status, const task_usage& used) override {
    send_here(shell_, task_exited{task_, wait_status,
                                       {used.maxrss_kb, used.utime_us, used.stime_us, used.read_kb,
                                        used.written_kb}});
  }

private:
  shell_actor shell_;
  uint32_t task_;
};

} // namespace

std::shared_ptr<task_sink> hears_of(shell_state::pointer self, uint32_t task) {
  return std::make_shared<shell_sink>(caf::actor_cast<shell_actor>(self), task);
}

void tick_at(shell_state::pointer self, int64_t when_ns) {
  self->delayed_send(self, std::chrono::nanoseconds(std::max<int64_t>(when_ns - steady_ns(), 0)),
                     caf::tick_atom_v);
}

namespace {

/// Removes what is in a job's folder, which may be much: on a thread of its own.
caf::behavior folder_remover(caf::event_based_actor* self,
                             std::shared_ptr<job_folders> folders, job_folders::slot slot) {
  return {[self, folders, slot](caf::flush_atom) {
    folders->remove_all(slot);
    self->quit();
    return done{};
  }};
}

void tell(shell_state::pointer self, bool ended) {
  self->state.told_status = self->state.core.status();
  self->send(self->state.exec, shell_report{self->state.core.report(ended)});
}

/// Tells exec that tasks have ended while there is more to wait for: others, or cleaning up; and,
/// where exec may have to break the job off, with what status.
void tell_exits(shell_state::pointer self) {
  auto& st = self->state;
  auto all = st.core.all_ended();
  auto& told = all ? st.told_exits : st.told_exit;
  auto is_worse = st.spread && !all && st.terminating == 0
                  && shell_code(st.core.status()) > shell_code(st.told_status);
  if ((!all || st.spread) && (!std::exchange(told, true) || is_worse))
    tell(self, false);
}

/// The job was cancelled: its output waits no longer for room on the disk.
void give_up_output(shell_state::pointer self) {
  auto& st = self->state;
  if (st.sealing && st.cancelled)
    self->send(st.context->output, output_give_up{st.id});
}

/// Ends the job's output, then the job's part here.
void seal_output(shell_state::pointer self) {
  auto& st = self->state;
  pass_held_output(self);
  st.sealing = true;
  // Of this process, and it may wait for a full disk: a deadline would only lose the index, and
  // a timer for each job is what CAF's clock thread would be busy with.
  self->request(st.context->output, caf::infinite, output_seal{st.id})
    .then(
      [self](const output_sealed& s) {
        auto& st = self->state;
        if (s.address != 0)
          st.core.add_output(st.context->rank, s.address);
        if (!s.lost.empty())
          st.core.on_lost(st.context->host, s.lost);
        tell(self, true);
        self->quit();
      },
      [self](const caf::error& e) {
        log_error("shell {}: the output's index is lost: {}", to_string(self->state.id),
                  render(e));
        tell(self, true);
        self->quit();
      });
  if (st.killed)
    give_up_output(self);
}

/// Writes lines to a file; of one that does not take them the job's record tells.
void write_labelled(shell_state::pointer self, const std::string& file, uint32_t task,
                    uint8_t stream, std::string_view bytes) {
  auto& st = self->state;
  auto err = st.files.write_labelled(file, task, stream, bytes);
  if (!err || !st.complained.insert(file).second)
    return;
  auto what = "output is lost: " + render(err);
  st.core.on_lost(st.context->host, what);
  add_note(self, task, "hactor: " + what + "\n");
}

/// Ends the lines that tasks have begun in files; of one task when it is named.
void end_lines(shell_state::pointer self, std::optional<uint32_t> task) {
  for (auto& [source, file] : self->state.labelled)
    if (!task || source.first == *task)
      write_labelled(self, file, source.first, static_cast<uint8_t>(source.second), {});
}

/// Nobody writes to them any more: what the tasks had open makes room for those of others.
void close_files(shell_state& st) {
  st.labelled.clear();
  st.files = {};
  st.room.reset();
}

} // namespace

void advance(shell_state::pointer self) {
  auto& st = self->state;
  if (st.core.all_ended()) {
    end_lines(self, std::nullopt);
    if (!st.plugins || st.plugins->core.is_over()) // else these may add to what tasks have written
      close_files(st);
    if (!end_helpers(self) || st.staging) {
      tell_exits(self);
      return;
    }
    tell_usage(self);
    if (st.plugins && !st.plugins->core.is_over()) {
      tell_exits(self);
      with_plugins(self, &plugin_core::finish, steady_ns());
      return;
    }
    for (auto& [space, known] : st.worlds.spaces())
      st.context->pmix->remove(space, known);
    st.worlds.leave_pmix();
    auto folder = std::exchange(st.folder, std::nullopt);
    if (folder && !st.context->folders->give_back(*folder)) {
      tell_exits(self);
      // The job holds its room until its files are gone: they may be in memory (tmpfs).
      auto remover = self->spawn<caf::detached>(folder_remover, st.context->folders, *folder);
      self->request(remover, caf::infinite, caf::flush_atom_v)
        .then([self](done) { advance(self); }, [self](const caf::error&) { advance(self); });
      return;
    }
    if (!st.wrote) {
      tell(self, true);
      self->quit();
      return;
    }
    tell_exits(self);
    seal_output(self);
    return;
  }
  if (st.core.all_started() && !st.told_start) {
    st.told_start = true;
    with_plugins(self, &plugin_core::on_started, steady_ns());
    tell(self, false);
  }
}

namespace {

void signal_all(shell_state& st, int signo) {
  st.signals_sent |= uint64_t{1} << (signo & 63);
  for (auto token : st.tokens)
    if (token != 0)
      st.context->tasks->signal(token, signo);
}

/// The job's first task alone, where it is one of ours, without what it has started.
void signal_first(shell_state& st, int signo) {
  st.signals_sent |= uint64_t{1} << (signo & 63);
  for (size_t i = 0; i < st.tokens.size(); ++i)
    if (st.ranks[i] == 0 && st.tokens[i] != 0)
      st.context->tasks->signal(st.tokens[i], signo, false);
}

/// Cuts what a captured stream has beyond the job's limit, and says so once.
void cut_to_limit(shell_state::pointer self, task_output& o) {
  auto& st = self->state;
  auto& written = st.captured[o.stream == 2];
  auto room = std::max<int64_t>(st.output_limit - written, 0);
  auto size = static_cast<int64_t>(o.bytes.size());
  written += size;
  if (size <= room)
    return;
  o.bytes.resize(static_cast<size_t>(room));
  st.context->gate->done(size - room);
  if (written - size <= st.output_limit)
    add_note(self, st.ranks[o.task],
             fmt::format("hactor: {} of {} is cut off after output.limit, {} bytes\n",
                         o.stream == 2 ? "standard error" : "standard output", st.context->host,
                         st.output_limit));
}

} // namespace

void write_output(shell_state::pointer self, task_output& o) {
  auto& st = self->state;
  if (o.task == plugins_task)
    return pass_output(self, {st.id, st.plugins->first_rank, 2, std::move(o.bytes)});
  if (o.task == staging_task)
    return hear_staging(self, o);
  if (is_helper(st, o.task))
    return on_helper_output(self, o);
  auto task = st.ranks[o.task];
  auto file = st.labelled.find({task, o.stream});
  if (file == st.labelled.end()) {
    if (st.output_limit >= 0)
      cut_to_limit(self, o);
    if (o.bytes.empty())
      return;
    pass_output(self, {st.id, task, o.stream, std::move(o.bytes)});
    return;
  }
  if (!o.bytes.empty())
    write_labelled(self, file->second, task, o.stream, o.bytes);
  st.context->gate->done(static_cast<int64_t>(o.bytes.size()));
}

namespace {

/// Lets the tasks of an Open MPI program find each other, where there is the means.
caf::error begin_pmix(shell_state& st, shell_work& work, const shell_actor& me) {
  if (!work.pmix)
    return caf::none;
  auto port = st.context->pmix->open();
  if (!port)
    return std::move(port.error());
  set_pmix_server(work, *port);
  for (auto& [space, known] : st.worlds.spaces())
    st.context->pmix->add(space, me);
  return caf::none;
}

void remember(shell_state& st, const shell_task& t, bool has_tags) {
  st.ranks.push_back(t.task_rank);
  st.entries.push_back(t.entry);
  if (has_tags)
    st.programs.push_back(t.argv.front());
}

int64_t output_limit_of(const shell_state& st, const launch_plan& plan) {
  return plan.output_limit >= 0 ? plan.output_limit : st.context->output_limit;
}

/// Which job it is, and what limits it.
void take_order(shell_state& st, const launch_order& order, const std::vector<uint32_t>& entries) {
  uint64_t cores = 0;
  for (auto entry : entries)
    cores += order.item.resources.nodes[entry].cores.size();
  st.id = order.item.id;
  st.plan = order.plan;
  st.instance = order.origin->instance;
  st.memory_limits = add_memory_limit(*order.origin, order.plan->memory.on(cores));
  st.output_limit = output_limit_of(st, *order.plan);
}

/// What of an earlier attempt's output is there is written to again.
void reopen_output(shell_state::pointer self, const launch_item& item) {
  auto& st = self->state;
  for (auto& [rank, address] : item.outputs)
    if (rank == st.context->rank) {
      st.wrote = true; // its index is to be written again
      self->send(st.context->output, output_reopen{st.id, address});
    }
}

void apply(shell_state::pointer self, mpi_worlds::effects&& effects) {
  auto& st = self->state;
  for (auto& [task, bytes] : effects.replies)
    if (st.tokens[task] != 0)
      st.context->tasks->control(st.tokens[task], std::move(bytes));
  for (auto& word : effects.words)
    st.context->pmix->send(word);
  for (auto& part : effects.parts)
    self->send(st.exec, std::move(part));
  for (auto& ask : effects.asks)
    self->send(st.exec, std::move(ask));
  for (auto& answer : effects.answers)
    self->send(st.exec, std::move(answer));
  if (effects.dropped)
    self->delayed_send(self, dropped_patience, rank_dropped{*effects.dropped});
  if (!effects.failure.empty() && st.terminating == 0)
    break_off(self, effects.failure, (effects.exit_code & 0xff) << 8);
}

/// Calls a member of the tasks' worlds, and does what it causes.
template <class Member, class What>
void with_worlds(shell_state::pointer self, Member member, const What& what) {
  mpi_worlds::effects effects;
  (self->state.worlds.*member)(what, effects);
  apply(self, std::move(effects));
}

/// What came for the tasks before they were begun.
void take_what_waited(shell_state::pointer self, const shell_unbegun& waited) {
  for (auto& r : waited.asked)
    with_worlds(self, &mpi_worlds::on_request, r);
  for (auto signal : waited.signals)
    signal_all(self->state, signal);
}

/// Starts the tasks, each of which may fail to.
void begin_tasks(shell_state::pointer self, shell_start& s) {
  auto& st = self->state;
  auto& work = s.work;
  auto count = static_cast<uint32_t>(work.tasks.size());
  st.order = std::move(s.order);
  st.entries_of_r = std::move(s.entries);
  st.plan = st.order.plan;
  st.output_limit = output_limit_of(st, *st.plan);
  st.tokens.assign(count, 0);
  st.pids.assign(count, 0);
  st.worlds = mpi_worlds{st.id, st.context->rank, work, s.place};
  for (auto& world : st.worlds.here())
    st.meetings.push_back({.world = world});
  if (st.plan->label)
    st.files.set_labels(st.plan->array.empty() ? "" : std::to_string(work.names.cc) + ".",
                        st.plan->unbuffered);
  auto me = caf::actor_cast<shell_actor>(self);
  auto refused = std::move(s.refused);
  if (!refused)
    refused = begin_pmix(st, work, me);
  for (auto& t : work.tasks) // before what any of them writes
    if (!t.note.empty())
      add_note(self, t.task_rank, std::move(t.note));
  for (uint32_t i = 0; i < count; ++i) {
    auto& t = work.tasks[i];
    remember(st, t, st.plan->has_tags || st.plugins);
    auto p = refused ? caf::expected<prepared>{refused}
                     : prepare(st, *st.plan, work, t, st.entries_of_r.front() == 0);
    caf::error err;
    if (!p) {
      err = std::move(p.error());
    } else {
      auto token = st.context->tasks->start(std::move(p->request), p->pipes, hears_of(self, i));
      if (token)
        st.tokens[i] = *token;
      else
        err = std::move(token.error());
    }
    if (err) {
      log_debug("shell {}: {}", to_string(st.id), render(err)); // the job's record tells it
      st.core.on_failed(st.context->host, render(err), 0, false);
    }
  }
  begin_looking(self);
  start_coprocesses(self, work);
}

/// Begins the tasks if they wait for room, and there is some or never will be; true if so.
bool take_room(shell_state::pointer self) {
  auto& st = self->state;
  if (!st.unbegun || !st.room)
    return false;
  auto now = steady_ns();
  if (st.room_look_ns != 0 && st.room_look_ns <= now) {
    st.room_look_ns = 0;
    st.room->look_again();
  }
  if (st.room->now() == descriptor_room::state::waits) {
    if (st.room_look_ns == 0 && st.room->is_first())
      tick_at(self, st.room_look_ns = now + st.context->room_look.count());
    return false;
  }
  auto waited = std::move(*st.unbegun);
  st.unbegun.reset();
  if (st.room->now() == descriptor_room::state::refused)
    waited.start.refused = st.context->room->refusal(*st.room);
  begin_tasks(self, waited.start);
  st.room->opened();
  take_what_waited(self, waited);
  return true;
}

} // namespace

void begin_with_room(shell_state::pointer self) {
  auto& st = self->state;
  auto& start = st.unbegun->start;
  auto me = caf::actor_cast<shell_actor>(self);
  st.room = st.context->room->ask({st.id, st.instance},
                                  descriptors_of(*start.order.plan, start.work),
                                  [me] { send_here(me, caf::tick_atom_v); });
  (void)take_room(self);
}

namespace {

void start_tasks(shell_state::pointer self, launch_order&& order, std::vector<uint32_t>&& entries) {
  auto& st = self->state;
  take_order(st, order, entries);
  auto place = st.context->place;
  if (auto& path = order.origin->instance; !path.empty()) {
    place.uri += "/" + path;
    place.instance += path;
    place.instance_level += 1 + static_cast<uint32_t>(std::count(path.begin(), path.end(), '/'));
  }
  place.within = order.origin->cpus;
  auto folder = make_folder(st, order, entries, place);
  auto refused = folder ? caf::error{} : folder.error();
  place.now_ns = wall_ns();
  auto work = plan_shell(*order.plan, order.item, entries, place);
  if (!work) {
    st.core = shell_core{order.item.id, 1};
    st.core.on_failed(st.context->host, render(work.error()), 0, false);
    return;
  }
  auto count = static_cast<uint32_t>(work->tasks.size());
  st.size = work->size;
  st.spread = st.size > count;
  st.core = shell_core{order.item.id, count};
  if (count > 0) {
    st.core.on_init(wall_ns());
    reopen_output(self, order.item);
  }
  shell_start start{std::move(order), std::move(entries), std::move(place), std::move(*work),
                    std::move(refused)};
  if (count == 0) // others have some, and it may be for us to empty their files
    return empty_shared_files(st, start);
  if (st.spread && start.entries.front() == 0 && start.order.plan->shares_files()) {
    empty_shared_files(st, start);
    tell(self, false); // now the other nodes may begin
  }
  auto staged = !start.refused && start.order.plan->staging;
  st.unbegun.emplace(shell_unbegun{std::move(start)});
  if (staged)
    begin_staging(self);
  else
    begin_job(self);
}

} // namespace

void begin_job(shell_state::pointer self) {
  auto& st = self->state;
  auto& start = st.unbegun->start;
  if (!start.refused && has_plugins(*start.order.plan, st.context->plugins))
    begin_plugins(self);
  else
    begin_with_room(self);
}

void break_off(shell_state::pointer self, const std::string& why, int wait_status) {
  auto& st = self->state;
  st.core.break_off(st.context->host, why, wait_status);
  tell(self, false);
}

namespace {

/// The tasks of all brokers have told each other something, by one PMI or the other.
void end_of_exchange(shell_state::pointer self, const exchange_whole& all) {
  auto& st = self->state;
  if (end_of_staging_elsewhere(self))
    return;
  if (st.plugins && std::exchange(st.plugins->waits_for_others, false))
    return prepare_tasks(self);
  with_worlds(self, &mpi_worlds::on_exchange, all);
}

/// A rank that dies within MPI would leave the others waiting for it.
void end_of_rank(shell_state::pointer self, const task_exited& x) {
  auto& st = self->state;
  if (!st.worlds.is_inside(x.task) || st.terminating != 0)
    return;
  auto how = how_process_ended(x.status);
  if (!WIFSIGNALED(x.status))
    how += " and without MPI_Finalize";
  break_off(self, fmt::format("{} {}", st.worlds.rank_name(x.task), how),
            x.status != 0 ? x.status : 1 << 8);
}

/// The same of a program that a task has called, such as a script: the task goes on without it.
void end_of_program(shell_state::pointer self, uint32_t task) {
  auto& st = self->state;
  if (st.worlds.is_inside(task) && st.terminating == 0)
    break_off(self,
              fmt::format("the MPI program of {} ended without MPI_Finalize",
                          st.worlds.rank_name(task)),
              1 << 8);
}

void look_at_exit(shell_state::pointer self, int64_t when_ns) {
  self->state.exit_look_ns = when_ns;
  tick_at(self, when_ns);
}

/// What the job says of tasks that are left when one has ended: shell.options.exit-on-error,
/// exit-timeout. That of tasks on several nodes counts at the root of the job's tree (exec_core).
void leave_others(shell_state::pointer self, const launch_plan& plan, const task_exited& x) {
  auto& st = self->state;
  if (st.terminating != 0)
    return;
  if (plan.exit_on_error && x.status != 0 && st.size > 1) {
    break_off(self, fmt::format("task {} {}", st.ranks[x.task], how_process_ended(x.status)),
              x.status);
    return;
  }
  if (plan.exit_timeout_s < 0 || st.exit_deadline_ns != 0 || st.size == 1 || st.spread)
    return;
  // A timer keeps its actor in memory, and most jobs end at once: one for the whole time comes only
  // when some task is still there after a moment.
  auto now = steady_ns();
  st.exit_deadline_ns = moment_after(now, plan.exit_timeout_s);
  look_at_exit(self, std::min(st.exit_deadline_ns, now + exit_moment_ns));
}

/// "task 1", "tasks 1,4-5": those that run here.
std::string running_tasks(const shell_state& st) {
  idset tasks;
  for (size_t i = 0; i < st.tokens.size(); ++i)
    if (st.tokens[i] != 0)
      tasks.add(st.ranks[i]);
  return (tasks.size() == 1 ? "task " : "tasks ") + tasks.to_string();
}

/// True when the tick was that of exit-timeout.
bool is_exit_time(shell_state::pointer self) {
  auto& st = self->state;
  if (st.exit_look_ns == 0 || steady_ns() < st.exit_look_ns)
    return false;
  auto is_due = st.exit_look_ns >= st.exit_deadline_ns;
  st.exit_look_ns = 0;
  if (st.terminating != 0 || st.core.all_ended())
    return true; // what is left is no task
  if (is_due)
    break_off(self,
              running_tasks(st)
                  + " still ran when exit-timeout was over after the first had ended: "
                  + st.core.first_end(),
              1 << 8);
  else
    look_at_exit(self, st.exit_deadline_ns);
  return true;
}

/// At once: who may not have the memory would use more of it while it cleans up.
void end_over_memory(shell_state::pointer self, const std::string& why) {
  signal_all(self->state, SIGKILL);
  if (self->state.terminating == 0)
    break_off(self, why, SIGKILL);
}

void end_of_task(shell_state::pointer self, const task_exited& x) {
  auto& st = self->state;
  if (st.tokens[x.task] == 0)
    return; // it was left
  st.tokens[x.task] = 0;
  note_end(st, x);
  tell_guard(self, x.task, true);
  end_lines(self, st.ranks[x.task]);
  end_of_rank(self, x);
  leave_others(self, *st.plan, x);
  with_plugins(self, &plugin_core::on_exited, steady_ns(), st.ranks[x.task], x.status);
  st.core.on_exited(x.status, x.used);
  st.context->room->on_freed();
  if (!st.core.all_ended())
    tell_exits(self);
  advance(self);
}

void end_of_start(shell_state::pointer self, const task_failed& f) {
  auto& st = self->state;
  auto& plan = *st.plan;
  st.tokens[f.task] = 0;
  auto of_command = f.what == "command";
  auto what = of_command ? (!st.programs.empty() ? st.programs[f.task]
                                                 : plan.commands[st.entries[f.task]].front())
              : f.what == "cwd"  ? plan.cwd
              : f.what == "cpus" ? "binding to the job's CPUs"
                                 : f.what;
  auto why = of_command && f.error == ENOENT ? fault_of_interpreter(what, plan.path, plan.cwd)
                                             : std::string{};
  st.core.on_failed(st.context->host, what, f.error, of_command, why);
  st.context->room->on_freed();
  advance(self);
}

void look_at_end(shell_state::pointer self, double wait_s) {
  auto wait = span_of(wait_s);
  self->state.kill_look_ns = steady_ns() + wait.count();
  self->delayed_send(self, wait, caf::tick_atom_v);
}

/// The job is to end, and none of its tasks has begun.
void leave_before_start(shell_state::pointer self, int signal) {
  constexpr auto why = "it was to end before its tasks were started";
  auto& st = self->state;
  if (st.staging)
    leave_unstaged(self, why, signal);
  else
    leave_unbegun(self, why, signal);
  if (!st.plugins) // else when their process has ended
    advance(self);
}

void take_signal(shell_state::pointer self, const shell_signal& s) {
  auto& st = self->state;
  if (st.unbegun && !s.terminate) {
    st.unbegun->signals.insert(s.signal);
    return;
  }
  if (st.unbegun)
    leave_before_start(self, s.signal);
  s.first_only ? signal_first(st, s.signal) : signal_all(st, s.signal);
  if (s.terminate && s.signal != SIGKILL) // what is stopped takes it only when it goes on
    signal_all(st, SIGCONT);
  st.cancelled |= s.terminate && s.signal != SIGALRM;
  st.killed |= s.terminate && s.signal == SIGKILL;
  if (st.killed && st.core.all_ended()) {
    kill_helpers(self, true);
    with_plugins(self, &plugin_core::give_up);
  }
  if (st.killed)
    give_up_output(self);
  else if (s.terminate && st.terminating++ == 0)
    look_at_end(self, st.context->kill_timeout_s);
}

void on_tick(shell_state::pointer self) {
  auto& st = self->state;
  if (take_room(self) && st.core.all_ended())
    return advance(self);
  if (is_staging_time(self) || is_exit_time(self) || is_plugin_time(self)
      || is_meeting_time(self))
    return;
  kill_helpers(self, false);
  if (st.terminating == 0 || steady_ns() < st.kill_look_ns)
    return; // they alone were meant
  signal_all(st, SIGKILL);
  kill_staging(self);
  if (st.core.all_ended())
    with_plugins(self, &plugin_core::give_up);
  give_up_output(self);
  // A process in the kernel may need more than one; the instance does not wait for it for ever.
  if (auto wait =
          wait_for_kill(st.terminating++, st.context->kills_max, st.context->kill_timeout_s))
    look_at_end(self, *wait);
  else
    leave_unkillable(self);
}

void on_started(shell_state::pointer self, const task_started& s) {
  auto& st = self->state;
  if (is_helper(st, s.task))
    return;
  st.pids[s.task] = s.pid;
  tell_guard(self, s.task, false);
  with_plugins(self, &plugin_core::on_forked, steady_ns(), st.ranks[s.task], s.pid);
  st.core.on_started();
  st.context->room->on_freed(); // what was the task's is no longer ours
  advance(self);
}

void on_failed(shell_state::pointer self, const task_failed& f) {
  auto& st = self->state;
  if (!is_helper(st, f.task))
    return end_of_start(self, f);
  auto why = fmt::format("could not be started: {}: {}", f.what, std::strerror(f.error));
  if (f.task == plugins_task)
    return end_of_plugins(self, why, false);
  if (f.task == staging_task)
    return end_of_staging(self, why, false);
  on_helper_failed(self, f);
  if (st.core.all_ended())
    advance(self);
}

void on_control(shell_state::pointer self, const task_control& c) {
  if (c.task == plugins_task)
    return hear_plugins(self, c.bytes);
  mpi_worlds::effects effects;
  self->state.worlds.on_bytes(c.task, c.bytes, effects);
  note_meetings(self);
  apply(self, std::move(effects));
}

void on_exited(shell_state::pointer self, const task_exited& x) {
  auto& st = self->state;
  if (x.task == plugins_task)
    return end_of_plugins(self, how_process_ended(x.status), x.status == 0);
  if (x.task == staging_task)
    return end_of_staging(self, how_process_ended(x.status), x.status == 0);
  if (!is_helper(st, x.task))
    return end_of_task(self, x);
  if (!st.helpers.contains(x.task))
    return; // likewise
  on_helper_exited(self, x);
  if (st.core.all_ended())
    advance(self);
}

} // namespace

shell_actor::behavior_type shell(shell_state::pointer self,
                                 std::shared_ptr<const shell_context> context, exec_actor exec,
                                 launch_order order, std::vector<uint32_t> entries) {
  auto& st = self->state;
  st.context = std::move(context);
  st.exec = std::move(exec);
  start_tasks(self, std::move(order), std::move(entries));
  if (st.core.all_ended())
    advance(self);
  return {
      [self](const task_started& s) { on_started(self, s); },
      [self](const task_failed& f) { on_failed(self, f); },
      [self](task_output& o) { write_output(self, o); },
      [self](const task_control& c) { on_control(self, c); },
      [self](const exchange_whole& all) { end_of_exchange(self, all); },
      [self](const pmix_word& word) {
        with_worlds(self, &mpi_worlds::on_word, word);
        note_meetings(self);
      },
      [self](const modex_request& r) {
        if (auto& unbegun = self->state.unbegun)
          unbegun->asked.push_back(r);
        else
          with_worlds(self, &mpi_worlds::on_request, r);
      },
      [self](const modex_reply& r) { with_worlds(self, &mpi_worlds::on_reply, r); },
      [self](const rank_dropped& d) { end_of_program(self, d.task); },
      [self](const task_exited& x) { on_exited(self, x); },
      [self](const shell_signal& s) { take_signal(self, s); },
      [self](input_request& in) { take_input(self, in); },
      [self](const memory_exceeded& x) { end_over_memory(self, x.why); },
      [self](shell_note& x) {
        if (!self->state.ranks.empty())
          add_note(self, self->state.ranks.front(), std::move(x.text));
      },
      [self](caf::tick_atom) { on_tick(self); },
      [self](flush_atom) {
        self->state.held_armed = false;
        pass_held_output(self);
      },
      [self](usage_atom) { look_at_tasks(self); },
      [self](const command_request& r) { start_in_job(self, r); },
      [self](const command_kill& k) { kill_in_job(self, k); },
      [self](const job_waits_request&) { return waits_of(self->state); },
  };
}

} // namespace hactor
