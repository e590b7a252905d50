// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/plugin_turns.hpp"

#include <algorithm>
#include <csignal>

#include "actors/shell_helpers.hpp"
#include "actors/shell_start.hpp"
#include "actors/shell_turns.hpp"
#include "runtime/clock.hpp"
#include "runtime/limits.hpp"
#include "runtime/log.hpp"

namespace hactor {

namespace {

constexpr auto deadline = std::chrono::seconds(limits::request_timeout_s);

/// The map of tasks is another than jobspec and resources say: a memo of the job tells clients.
void tell_map(shell_state::pointer self) {
  auto& order = self->state.unbegun->start.order;
  memo_request r;
  r.jobs.ids.push_back(self->state.id);
  r.memo = dump({{"taskmap", tasks_by_node(order)}});
  self->request(caf::actor_cast<job_manager_actor>(order.origin->manager), deadline, r)
      .then([](const count_reply&) {},
            [id = self->state.id](const caf::error& e) {
              log_warning("shell {}: the map of its tasks is not known: {}", to_string(id),
                          render(e));
            });
}

/// The plugins have come to the end of shell.init here.
void end_of_init(shell_state::pointer self, const std::string& options) {
  auto& st = self->state;
  auto& start = st.unbegun->start;
  auto waits = meets_others(start.order, st.context->plugins);
  auto tells_map = !options.empty() && start.entries.front() == 0;
  auto map = tells_map ? tasks_by_node(start.order) : "";
  if (auto e = take_options(options, start))
    return leave_unbegun(self, "after shell.init: " + render(e), 1 << 8);
  // An attempt before may have told another.
  if (tells_map && (start.order.item.attempt > 1 || tasks_by_node(start.order) != map))
    tell_map(self);
  empty_shared_files(st, start);
  st.plugins->waits_for_others = waits;
  if (waits)
    self->send(st.exec, exchange_part{st.id, st.context->rank, {}});
  else
    prepare_tasks(self);
}

/// The rank of a task that waits for its plugins, or of the first here when it is none of them.
uint32_t unbegun_rank(const shell_state& st, uint32_t rank) {
  auto is_here = st.unbegun
                 && std::any_of(st.unbegun->start.work.tasks.begin(),
                                st.unbegun->start.work.tasks.end(),
                                [rank](const shell_task& t) { return t.task_rank == rank; });
  return is_here ? rank : st.plugins->first_rank;
}

/// What a plugin adds to the job's output. What it says of a task that is not here is of the first.
void add_of_plugin(shell_state::pointer self, plugin_word& word) {
  auto& st = self->state;
  if (word.kind == plugin_kind::log)
    return add_note(self, st.plugins->first_rank, std::move(word.text));
  uint8_t stream = word.status == 2 ? 2 : 1;
  st.wrote = true;
  st.context->gate->add(static_cast<int64_t>(word.bytes.size()));
  if (st.ranks.empty()) // none is started
    return pass_output(self,
                       {st.id, unbegun_rank(st, word.task), stream, std::move(word.bytes)});
  auto it = std::find(st.ranks.begin(), st.ranks.end(), word.task);
  auto task = static_cast<uint32_t>(it == st.ranks.end() ? 0 : it - st.ranks.begin());
  task_output o{task, stream, std::move(word.bytes)};
  write_output(self, o);
}

/// Comes back when the plugin that is called has had its time.
void look_after_plugins(shell_state::pointer self) {
  auto& p = *self->state.plugins;
  if (p.core.deadline_ns() == 0 || p.look_ns != 0)
    return;
  p.look_ns = p.core.deadline_ns();
  tick_at(self, p.look_ns);
}

} // namespace

void begin_plugins(shell_state::pointer self) {
  auto& st = self->state;
  auto& here = st.context->plugins;
  st.plugins = std::make_unique<shell_plugins>();
  auto& p = *st.plugins;
  p.core = plugin_core{here.patience_ns};
  auto& work = st.unbegun->start.work;
  p.first_rank = work.tasks.front().task_rank;
  task_pipes pipes;
  pipes.output = pipes.error = pipes.control = pipes.control_gated = true;
  auto token = here.program.empty()
                   ? make_error(ec::exec_failed, "this hactor was built without liblua5.4, or its "
                                                 "program lib/hactor/hactor-plugins is not "
                                                 "beside it")
                   : st.context->tasks->start(plugin_process(here, work), pipes,
                                              hears_of(self, plugins_task));
  if (!token) {
    with_plugins(self, &plugin_core::on_gone, "could not be started: " + render(token.error()),
                 false);
    return;
  }
  p.token = *token;
  with_plugins(
      self, &plugin_core::begin, steady_ns(),
      describe_to_plugins(st.unbegun->start.order, work, here, st.context->host, st.context->rank));
}

void apply(shell_state::pointer self, plugin_core::effects&& effects) {
  auto& st = self->state;
  auto& p = *st.plugins;
  for (auto& word : effects.words)
    st.context->tasks->control(p.token, frame_of(word));
  for (auto& word : effects.said)
    add_of_plugin(self, word);
  if (effects.kill && p.token != 0)
    st.context->tasks->signal(p.token, SIGKILL);
  if (!effects.failure.empty() && st.unbegun)
    leave_unbegun(self, effects.failure, 1 << 8);
  else if (!effects.failure.empty() && st.terminating == 0)
    break_off(self, effects.failure, 1 << 8);
  if (effects.ready && st.unbegun)
    end_of_init(self, *effects.ready);
  if (effects.prepared && st.unbegun) {
    apply_changes(*effects.prepared, st.unbegun->start.work);
    begin_with_room(self);
    if (st.core.all_ended())
      advance(self);
  }
  look_after_plugins(self);
}

void prepare_tasks(shell_state::pointer self) {
  auto& unbegun = self->state.unbegun;
  if (unbegun)
    with_plugins(self, &plugin_core::prepare, steady_ns(),
                 tasks_for_plugins(*unbegun->start.order.plan, unbegun->start.work));
}

void leave_unbegun(shell_state::pointer self, const std::string& why, int wait_status) {
  auto& st = self->state;
  st.order = std::move(st.unbegun->start.order);
  st.entries_of_r = std::move(st.unbegun->start.entries);
  st.unbegun.reset();
  st.room.reset();
  st.core.on_broken(st.context->host, why, wait_status);
  st.core.abandon();
  with_plugins(self, &plugin_core::give_up);
  // Should their process not die, the end of a job has steps for that.
  if (st.plugins && st.plugins->token != 0 && st.terminating == 0)
    break_off(self, why, wait_status);
}

void hear_plugins(shell_state::pointer self, const std::string& bytes) {
  with_plugins(self, &plugin_core::on_bytes, steady_ns(), bytes);
  self->state.context->gate->done(static_cast<int64_t>(bytes.size()));
}

bool is_plugin_time(shell_state::pointer self) {
  auto& st = self->state;
  auto now = steady_ns();
  if (!st.plugins || st.plugins->look_ns == 0 || now < st.plugins->look_ns)
    return false;
  st.plugins->look_ns = 0;
  with_plugins(self, &plugin_core::on_deadline, now, st.context->gate->closed());
  return true;
}

void end_of_plugins(shell_state::pointer self, const std::string& how, bool well) {
  self->state.plugins->token = 0;
  with_plugins(self, &plugin_core::on_gone, how, well);
  if (self->state.core.all_ended())
    advance(self);
}

} // namespace hactor
