// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/shell.hpp"

#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fmt/format.h>

#include "actors/binding.hpp"
#include "runtime/clock.hpp"
#include "runtime/duration.hpp"
#include "runtime/hardware.hpp"
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
                                       {used.maxrss_kb, used.utime_us, used.stime_us}});
  }

private:
  shell_actor shell_;
  uint32_t task_;
};

/// Everything a task needs, in one request. Files are opened here.
struct prepared {
  spawn_request request;
  task_pipes pipes;
};

caf::expected<owned_fd> open_input(const launch_plan& plan, const template_values& names,
                                   const std::string& cwd) {
  auto name = fill_template(plan.input, names);
  if (!name.empty() && name[0] != '/')
    name = cwd + "/" + name;
  owned_fd fd{::open(name.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd)
    return make_errno_error(ec::exec_failed, "input file " + name, errno);
  return fd;
}

caf::expected<prepared> prepare(shell_state& st, const launch_plan& plan, const shell_work& work,
                                shell_task& t, bool first_node) {
  prepared p;
  p.request.argv = std::move(t.argv);
  p.request.environment = std::move(t.variables);
  p.request.cwd = work.cwd;
  p.request.limits = plan.limits;
  p.request.oom_adjust = plan.oom_adjust;
  p.request.stop_in_exec = plan.stop_in_exec;
  for (auto cpu : t.cpus.expand())
    p.request.cpus.push_back(static_cast<int32_t>(cpu));
  auto names = work.names;
  names.task = t.task_rank;
  names.local = t.local_id;
  names.node = t.node;
  names.host = st.context->host;
  p.pipes.unbuffered = plan.unbuffered;
  if (plan.has_terminal(t.task_rank)) {
    p.pipes = {true, true, true, true, true, true, plan.rows, plan.columns};
    p.pipes.control = !work.places.empty();
    return p;
  }
  p.pipes.control = !work.places.empty();
  p.pipes.input = plan.input_attached
                  && (!plan.input_tasks || plan.input_tasks->contains(t.task_rank));
  if (!plan.input.empty()) {
    auto fd = open_input(plan, names, work.cwd);
    if (!fd)
      return std::move(fd.error());
    p.request.pass(0, std::move(*fd));
  }
  p.pipes.output = plan.output.empty() || plan.label;
  p.pipes.error = (plan.error.empty() && plan.output.empty()) || plan.label;
  // Opened in any case, so that a directory that is missing is seen at once.
  auto& error_pattern = plan.error.empty() ? plan.output : plan.error;
  for (int stream : {1, 2}) {
    auto& pattern = stream == 1 ? plan.output : error_pattern;
    if (pattern.empty())
      continue;
    // Who writes a file alone makes it empty; one of several nodes is emptied by the first.
    auto truncate =
        !plan.append_output && work.names.attempt == 1 && (first_node || names_node(pattern));
    auto name = st.files.open(pattern, names, work.cwd, truncate);
    if (!name)
      return std::move(name.error());
    if (stream == 1 ? p.pipes.output : p.pipes.error) {
      st.labelled[{t.task_rank, stream}] = std::move(*name);
      continue;
    }
    auto fd = st.files.share(*name);
    if (!fd)
      return std::move(fd.error());
    p.request.pass(stream, std::move(*fd));
  }
  return p;
}

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
  self->send(self->state.exec, shell_report{self->state.core.report(ended)});
}

/// Tells exec that tasks have ended while there is more to wait for: others, or cleaning up.
void tell_exits(shell_state::pointer self) {
  auto& st = self->state;
  auto& told = st.core.all_ended() ? st.told_exits : st.told_exit;
  if (st.tells_exits && !std::exchange(told, true))
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

/// Tells exec what is new: that all tasks run, or that all have ended.
void advance(shell_state::pointer self) {
  auto& st = self->state;
  if (st.core.all_ended()) {
    if (auto pmix = std::exchange(st.pmix, std::nullopt))
      st.context->pmix->remove(pmix->space(), pmix->is_known());
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
    tell(self, false);
  }
}

void signal_all(shell_state& st, int signo) {
  for (auto token : st.tokens)
    if (token != 0)
      st.context->tasks->signal(token, signo);
}

/// Puts a word of ours into the job's standard error.
void add_note(shell_state::pointer self, uint32_t task, std::string text) {
  auto& st = self->state;
  st.wrote = true;
  st.context->gate->add(static_cast<int64_t>(text.size()));
  self->send(st.context->output, output_append{st.id, task, 2, std::move(text)});
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

/// Output that came through a pipe goes to the spool, or with labels to its file.
void write_output(shell_state::pointer self, task_output& o) {
  auto& st = self->state;
  auto task = st.ranks[o.task];
  auto file = st.labelled.find({task, o.stream});
  if (file == st.labelled.end()) {
    if (st.output_limit >= 0)
      cut_to_limit(self, o);
    if (o.bytes.empty())
      return;
    st.wrote = true;
    self->send(st.context->output, output_append{st.id, task, o.stream, std::move(o.bytes)});
    return;
  }
  auto err = st.files.write_labelled(file->second, task, o.bytes);
  st.context->gate->done(static_cast<int64_t>(o.bytes.size()));
  if (err && st.complained.insert(file->second).second) {
    log_error("shell {}: {}", to_string(st.id), render(err));
    add_note(self, task, "hactor: output is lost: " + render(err) + "\n");
  }
}

/// Lets the tasks of an Open MPI program find each other, where there is the means.
caf::error begin_pmix(shell_state& st, shell_work& work, const shell_place& place,
                      const shell_actor& me) {
  if (work.brokers.empty())
    return caf::none;
  auto port = st.context->pmix->open();
  if (!port)
    return std::move(port.error());
  set_pmix_server(work, *port);
  st.pmix.emplace(st.id, describe_pmix(work, place, st.id), work.brokers, st.context->rank);
  st.context->pmix->add(st.pmix->space(), me);
  return caf::none;
}

/// Makes the file that HWLOC_XMLFILE names (-O hwloc.xmlfile). A look at the devices takes 8 ms.
caf::error write_topology(const launch_order& order, const std::vector<uint32_t>& entries,
                          const shell_place& place) {
  if (!order.plan->hwloc_file)
    return caf::none;
  std::optional<idset> cpus;
  if (order.plan->hwloc_restrict) {
    auto& r = order.item.resources;
    auto entry = entries.front();
    cpus = cpus_of_share(r.nodes[entry], r.host(entry), place.machine.get());
  }
  auto text = discover_topology(cpus);
  if (!text)
    return std::move(text.error());
  return write_job_files({{topology_name, S_IFREG | 0600, std::move(*text)}}, place.tmpdir);
}

/// The job's folder with the files that are to be there before its tasks.
caf::expected<job_folders::slot> make_folder(shell_state& st, const launch_order& order,
                                             const std::vector<uint32_t>& entries,
                                             shell_place& place) {
  auto folder = st.context->folders->take();
  if (!folder)
    return folder;
  st.folder = *folder;
  place.tmpdir = folder->path;
  if (auto e = write_job_files(order.plan->files, folder->path))
    return e;
  if (auto e = write_topology(order, entries, place))
    return e;
  return folder;
}

void remember(shell_state& st, const shell_task& t, bool has_tags) {
  st.ranks.push_back(t.task_rank);
  st.entries.push_back(t.entry);
  if (has_tags)
    st.programs.push_back(t.argv.front());
}

/// Which job it is, and what limits it.
void take_order(shell_state& st, const launch_order& order) {
  st.id = order.item.id;
  st.instance = order.origin->instance;
  st.memory_limits = add_memory_limit(*order.origin, order.plan->memory_bytes);
  st.output_limit = order.plan->output_limit;
}

void start_tasks(shell_state::pointer self, const launch_order& order,
                 const std::vector<uint32_t>& entries) {
  auto& st = self->state;
  take_order(st, order);
  auto place = st.context->place;
  if (auto& path = order.origin->instance; !path.empty()) {
    place.uri += "/" + path;
    place.instance += path;
    place.instance_level += 1 + static_cast<uint32_t>(std::count(path.begin(), path.end(), '/'));
  }
  auto folder = make_folder(st, order, entries, place);
  place.now_ns = wall_ns();
  auto work = plan_shell(*order.plan, order.item, entries, place);
  if (!work || work->tasks.empty()) {
    st.core = shell_core{order.item.id, work ? 0u : 1u};
    if (!work)
      st.core.on_failed(st.context->host, render(work.error()), 0, false);
    return;
  }
  auto count = static_cast<uint32_t>(work->tasks.size());
  st.size = work->size;
  st.tells_exits = order.plan->exit_timeout_s >= 0 && st.size > count;
  st.core = shell_core{order.item.id, count};
  st.tokens.assign(count, 0);
  st.pids.assign(count, 0);
  if (!work->places.empty()) {
    std::vector<uint32_t> ranks;
    for (auto& t : work->tasks)
      ranks.push_back(t.task_rank);
    st.pmi.emplace(to_string(st.id), work->size, std::move(ranks),
                   pmi_process_mapping(work->places));
  }
  auto me = caf::actor_cast<shell_actor>(self);
  auto refused = begin_pmix(st, *work, place, me);
  auto first_node = entries.front() == 0;
  for (auto& [rank, address] : order.item.outputs)
    if (rank == st.context->rank) {
      st.wrote = true; // its index is to be written again
      self->send(st.context->output, output_reopen{st.id, address});
    }
  if (!work->notes.empty())
    add_note(self, work->tasks.front().task_rank, std::move(work->notes));
  for (uint32_t i = 0; i < count; ++i) {
    auto& t = work->tasks[i];
    remember(st, t, order.plan->has_tags);
    auto p = !folder   ? caf::expected<prepared>{folder.error()}
             : refused ? caf::expected<prepared>{refused}
                       : prepare(st, *order.plan, *work, t, first_node);
    caf::error err;
    if (!p) {
      err = std::move(p.error());
    } else {
      auto token = st.context->tasks->start(std::move(p->request), p->pipes,
                                            std::make_shared<shell_sink>(me, i));
      if (token)
        st.tokens[i] = *token;
      else
        err = std::move(token.error());
    }
    if (err) {
      log_error("shell {}: {}", to_string(st.id), render(err));
      st.core.on_failed(st.context->host, render(err), EIO, false);
    }
  }
}

/// Ends the job: a part of it cannot go on. The rest hears of it by way of exec.
void break_off(shell_state::pointer self, const std::string& why, int wait_status) {
  auto& st = self->state;
  st.core.on_broken(st.context->host, why, wait_status);
  tell(self, false);
}

void apply(shell_state::pointer self, pmi_core::effects&& effects) {
  auto& st = self->state;
  for (auto& [task, bytes] : effects.replies)
    if (st.tokens[task] != 0)
      st.context->tasks->control(st.tokens[task], std::move(bytes));
  if (effects.barrier)
    self->send(st.exec, exchange_part{st.id, st.context->rank, st.pmi->take_values()});
  if (!effects.failure.empty())
    break_off(self, effects.failure, (effects.exit_code & 0xff) << 8);
}

void apply(shell_state::pointer self, pmix_core::effects&& effects) {
  auto& st = self->state;
  for (auto& word : effects.words)
    st.context->pmix->send(word);
  if (effects.part)
    self->send(st.exec, exchange_part{st.id, st.context->rank, std::move(*effects.part)});
  for (auto& ask : effects.asks)
    self->send(st.exec, std::move(ask));
  for (auto& reply : effects.replies)
    self->send(st.exec, std::move(reply));
  if (effects.dropped)
    self->delayed_send(self, dropped_patience, rank_dropped{*effects.dropped});
  if (!effects.failure.empty() && st.terminating == 0)
    break_off(self, effects.failure, (effects.exit_code & 0xff) << 8);
}

/// Calls a member of the job's part in PMIx, and does what it causes.
template <class Member, class What>
void with_pmix(shell_state::pointer self, Member member, const What& what) {
  auto& st = self->state;
  if (!st.pmix)
    return; // all tasks have ended
  pmix_core::effects effects;
  ((*st.pmix).*member)(what, effects);
  apply(self, std::move(effects));
}

/// The tasks of all brokers have told each other something, by one PMI or the other.
void end_of_exchange(shell_state::pointer self, const exchange_whole& all) {
  auto& st = self->state;
  if (st.pmix && st.pmix->in_exchange())
    return with_pmix(self, &pmix_core::on_exchange, all.values);
  if (!st.pmi)
    return; // nothing could be started here, of which exec knows
  pmi_core::effects effects;
  st.pmi->on_barrier(all.values, effects);
  apply(self, std::move(effects));
}

std::string how_it_ended(int status) {
  return WIFSIGNALED(status) ? fmt::format("was ended by signal {}", WTERMSIG(status))
                             : fmt::format("ended with exit code {}", WEXITSTATUS(status));
}

/// A rank that dies within MPI would leave the others waiting for it.
void end_of_rank(shell_state::pointer self, const task_exited& x) {
  auto& st = self->state;
  auto inside = (st.pmi && st.pmi->is_inside(x.task))
                || (st.pmix && st.pmix->is_inside(st.ranks[x.task]));
  if (!inside || st.terminating != 0)
    return;
  auto how = how_it_ended(x.status);
  if (!WIFSIGNALED(x.status))
    how += " and without MPI_Finalize";
  break_off(self, fmt::format("rank {} {}", st.ranks[x.task], how),
            x.status != 0 ? x.status : 1 << 8);
}

/// The same of a program that a task has called, such as a script: the task goes on without it.
void end_of_program(shell_state::pointer self, uint32_t rank) {
  auto& st = self->state;
  if (st.pmix && st.pmix->is_inside(rank) && st.terminating == 0)
    break_off(self, fmt::format("the MPI program of rank {} ended without MPI_Finalize", rank),
              1 << 8);
}

void look_at_exit(shell_state::pointer self, int64_t when_ns) {
  self->state.exit_look_ns = when_ns;
  self->delayed_send(self, std::chrono::nanoseconds(std::max<int64_t>(when_ns - steady_ns(), 0)),
                     caf::tick_atom_v);
}

/// What the job says of tasks that are left when one has ended: shell.options.exit-on-error,
/// exit-timeout. That of tasks on several nodes counts at the root of the job's tree (exec_core).
void leave_others(shell_state::pointer self, const launch_plan& plan, const task_exited& x) {
  auto& st = self->state;
  if (st.terminating != 0)
    return;
  if (plan.exit_on_error && x.status != 0 && st.size > 1) {
    break_off(self, fmt::format("task {} {}", st.ranks[x.task], how_it_ended(x.status)), x.status);
    return;
  }
  if (plan.exit_timeout_s < 0 || st.exit_deadline_ns != 0 || st.size == 1 || st.tells_exits)
    return;
  // A timer keeps its actor in memory, and most jobs end at once: one for the whole time comes only
  // when some task is still there after a moment.
  auto now = steady_ns();
  st.exit_deadline_ns = moment_after(now, plan.exit_timeout_s);
  look_at_exit(self, std::min(st.exit_deadline_ns, now + exit_moment_ns));
}

/// True when the tick was that of exit-timeout.
bool is_exit_time(shell_state::pointer self) {
  auto& st = self->state;
  if (st.exit_look_ns == 0 || steady_ns() < st.exit_look_ns)
    return false;
  if (st.exit_look_ns < st.exit_deadline_ns) {
    look_at_exit(self, st.exit_deadline_ns);
    return true;
  }
  st.exit_look_ns = 0;
  if (st.terminating == 0)
    break_off(self, "tasks still ran when exit-timeout was over after the first had ended", 1 << 8);
  return true;
}

/// Tasks that are here and have not come to MPI, though others have.
std::vector<uint32_t> missing_ranks(const shell_state& st) {
  std::vector<uint32_t> missing;
  for (size_t t = 0; t < st.ranks.size(); ++t)
    if (st.tokens[t] != 0 && st.meeting.came.count(st.ranks[t]) == 0)
      missing.push_back(st.ranks[t]);
  return missing;
}

void look_at_meeting(shell_state::pointer self, int64_t when_ns) {
  self->state.meeting.look_ns = when_ns;
  self->delayed_send(self, std::chrono::nanoseconds(std::max<int64_t>(when_ns - steady_ns(), 0)),
                     caf::tick_atom_v);
}

/// Takes note of the ranks that have come to MPI; with the first begins the patience with others.
void note_meeting(shell_state::pointer self) {
  auto& st = self->state;
  auto& m = st.meeting;
  if (m.came.size() == st.ranks.size())
    return;
  for (uint32_t t = 0; t < st.ranks.size(); ++t) {
    auto rank = st.ranks[t];
    if (((st.pmi && st.pmi->is_inside(t)) || (st.pmix && st.pmix->is_inside(rank)))
        && m.came.insert(rank).second && rank == 0)
      if (auto fault = known_mpi_fault_of(st.pids[t]); !fault.empty())
        add_note(self, rank, "hactor: " + fault + "\n");
  }
  if (m.came.empty() || m.deadline_ns != 0 || st.context->mpi_patience_s <= 0)
    return;
  // Most come within a moment; a timer for the whole time would keep the shells of short jobs.
  auto now = steady_ns();
  m.deadline_ns = moment_after(now, st.context->mpi_patience_s);
  look_at_meeting(self, std::min(m.deadline_ns, now + exit_moment_ns));
}

/// True when the tick was that of the meeting of an MPI program's ranks.
bool is_meeting_time(shell_state::pointer self) {
  auto& st = self->state;
  auto& m = st.meeting;
  if (m.look_ns == 0 || steady_ns() < m.look_ns)
    return false;
  auto is_due = m.look_ns >= m.deadline_ns;
  m.look_ns = 0;
  auto missing = missing_ranks(st);
  if (missing.empty() || st.terminating != 0)
    return true;
  if (is_due)
    add_note(self, *m.came.begin(),
             missing_ranks_note(m.came, missing, st.size, st.context->host,
                                st.context->mpi_patience_s));
  else
    look_at_meeting(self, m.deadline_ns);
  return true;
}

/// Tells the memory guard of a task of a job with a limit, or with one of an instance around it.
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

/// At once: who may not have the memory would use more of it while it cleans up.
void end_over_memory(shell_state::pointer self, const std::string& why) {
  signal_all(self->state, SIGKILL);
  if (self->state.terminating == 0)
    break_off(self, why, SIGKILL);
}

void end_of_task(shell_state::pointer self, const launch_plan& plan, const task_exited& x) {
  auto& st = self->state;
  st.tokens[x.task] = 0;
  tell_guard(self, x.task, true);
  end_of_rank(self, x);
  leave_others(self, plan, x);
  st.core.on_exited(x.status, x.used);
  if (!st.core.all_ended())
    tell_exits(self);
  advance(self);
}

void take_signal(shell_state::pointer self, const shell_signal& s) {
  auto& st = self->state;
  signal_all(st, s.signal);
  st.cancelled |= s.terminate && s.signal != SIGALRM;
  st.killed |= s.terminate && s.signal == SIGKILL;
  if (st.killed)
    give_up_output(self);
  else if (s.terminate && st.terminating++ == 0)
    self->delayed_send(self, st.context->kill_timeout, caf::tick_atom_v);
}

void on_tick(shell_state::pointer self) {
  auto& st = self->state;
  if (is_exit_time(self) || is_meeting_time(self))
    return;
  if (st.terminating == 0)
    return; // nobody is to be ended
  signal_all(st, SIGKILL);
  give_up_output(self);
  // A process in the kernel may need more than one; the instance does not wait for it for ever.
  self->delayed_send(self, st.context->kill_timeout * (1 << std::min(st.terminating++, 6)),
                     caf::tick_atom_v);
}

} // namespace

shell_actor::behavior_type shell(shell_state::pointer self,
                                 std::shared_ptr<const shell_context> context, exec_actor exec,
                                 launch_order order, std::vector<uint32_t> entries) {
  auto& st = self->state;
  st.context = std::move(context);
  st.exec = std::move(exec);
  start_tasks(self, order, entries);
  if (st.core.all_ended())
    advance(self);
  auto plan = order.plan;
  return {
    [self](const task_started& s) {
      auto& st = self->state;
      st.pids[s.task] = s.pid;
      tell_guard(self, s.task, false);
      st.core.on_started();
      advance(self);
    },
    [self, plan](const task_failed& f) {
      auto& st = self->state;
      st.tokens[f.task] = 0;
      auto of_command = f.what == "command";
      auto what = of_command ? (plan->has_tags ? st.programs[f.task]
                                               : plan->commands[st.entries[f.task]].front())
                  : f.what == "cwd"  ? plan->cwd
                  : f.what == "cpus" ? "binding to the job's CPUs"
                                     : f.what;
      st.core.on_failed(st.context->host, what, f.error, of_command);
      advance(self);
    },
    [self](task_output& o) { write_output(self, o); },
    [self](const task_control& c) {
      pmi_core::effects effects;
      self->state.pmi->on_bytes(c.task, c.bytes, effects);
      note_meeting(self);
      apply(self, std::move(effects));
    },
    [self](const exchange_whole& all) { end_of_exchange(self, all); },
    [self](const pmix_word& word) {
      with_pmix(self, &pmix_core::on_word, word);
      note_meeting(self);
    },
    [self](const modex_request& r) { with_pmix(self, &pmix_core::on_request, r); },
    [self](const modex_reply& r) { with_pmix(self, &pmix_core::on_reply, r); },
    [self](const rank_dropped& d) { end_of_program(self, d.rank); },
    [self, plan](const task_exited& x) { end_of_task(self, *plan, x); },
    [self](const shell_signal& s) { take_signal(self, s); },
    [self](const input_request& in) {
      auto& st = self->state;
      for (size_t i = 0; i < st.tokens.size(); ++i) {
        if (st.tokens[i] == 0 || (in.task != UINT32_MAX && in.task != st.ranks[i]))
          continue;
        if (in.rows > 0)
          st.context->tasks->resize(st.tokens[i], in.rows, in.columns);
        else
          st.context->tasks->input(st.tokens[i], in.bytes, in.ticket);
      }
    },
    [self](const memory_exceeded& x) { end_over_memory(self, x.why); },
    [self](caf::tick_atom) { on_tick(self); },
  };
}

} // namespace hactor
