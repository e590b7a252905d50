// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/staging.hpp"

#include <algorithm>
#include <csignal>

#include "actors/shell_helpers.hpp"
#include "actors/shell_turns.hpp"
#include "actors/stage_in.hpp"
#include "runtime/clock.hpp"
#include "runtime/duration.hpp"

namespace hactor {

namespace {

/// Bytes of what the process has said that are kept: names of files with -O verbose, and why it
/// has failed, which comes last.
constexpr size_t said_bytes_max = 64 << 10;

/// Most files are there within this time.
constexpr int64_t staging_moment_ns = 1'000'000'000;

/// Nothing is waited for, and nothing will begin.
void give_up(shell_state& st) {
  st.staging.reset();
  st.unbegun.reset();
}

void go_on(shell_state::pointer self) {
  auto& st = self->state;
  auto staging = std::move(st.staging);
  if (!staging->said.empty())
    add_note(self, st.unbegun->start.work.tasks.front().task_rank, std::move(staging->said));
  begin_job(self);
}

/// The files are here: are they with the others, too?
void meet_others(shell_state::pointer self) {
  auto& st = self->state;
  if (!st.spread)
    return go_on(self);
  st.staging->waits_for_others = true;
  self->send(st.exec, exchange_part{st.id, st.context->rank, {}});
}

/// A timer keeps its actor in memory: so none is for longer than the files have taken already.
void look_after_staging(shell_state::pointer self) {
  auto& staging = *self->state.staging;
  auto now = steady_ns();
  auto wait = std::max(now - staging.began_ns, staging_moment_ns);
  staging.look_ns = std::min(staging.deadline_ns, now + wait);
  tick_at(self, staging.look_ns);
}

} // namespace

void begin_staging(shell_state::pointer self) {
  auto& st = self->state;
  st.staging = std::make_unique<shell_staging>();
  auto& start = st.unbegun->start;
  auto& plan = *start.order.plan;
  auto& tasks = start.work.tasks;
  auto has_first = std::any_of(tasks.begin(), tasks.end(),
                               [](const shell_task& t) { return t.task_rank == 0; });
  if (plan.staging->once && !has_first)
    return meet_others(self); // the node of the first task does it
  if (st.context->program.empty())
    return leave_unstaged(self, "stage-in: the program hactor is not beside hactor-start", 1 << 8);
  spawn_request request;
  request.argv = stage_in_command(*plan.staging, st.context->program, start.place.tmpdir,
                                  plan.verbose);
  request.environment = start.work.beside;
  request.cwd = start.work.cwd;
  task_pipes pipes;
  pipes.error = true;
  auto token = st.context->tasks->start(std::move(request), pipes, hears_of(self, staging_task));
  if (!token)
    return leave_unstaged(self, "stage-in: " + render(token.error()), 1 << 8);
  st.staging->token = *token;
  st.staging->began_ns = steady_ns();
  if (auto patience_s = st.context->stage_in_timeout_s; patience_s > 0) {
    st.staging->deadline_ns = moment_after(st.staging->began_ns, patience_s);
    look_after_staging(self);
  }
}

void hear_staging(shell_state::pointer self, const task_output& o) {
  auto& st = self->state;
  st.context->gate->done(static_cast<int64_t>(o.bytes.size()));
  if (!st.staging)
    return;
  auto& said = st.staging->said;
  said += o.bytes;
  if (said.size() > said_bytes_max)
    said.erase(0, said.size() - said_bytes_max);
}

void end_of_staging(shell_state::pointer self, const std::string& how, bool well) {
  auto& st = self->state;
  if (!st.staging)
    return; // nobody waits for it any more
  st.staging->token = 0;
  if (st.core.all_ended())
    give_up(st); // it was left
  else if (well)
    meet_others(self);
  else
    leave_unstaged(self, stage_in_failure(st.staging->said, how), 1 << 8);
  if (st.core.all_ended())
    advance(self);
}

bool end_of_staging_elsewhere(shell_state::pointer self) {
  auto& st = self->state;
  if (!st.staging || !st.staging->waits_for_others)
    return false;
  go_on(self);
  if (st.core.all_ended())
    advance(self);
  return true;
}

void leave_unstaged(shell_state::pointer self, const std::string& why, int wait_status) {
  auto& st = self->state;
  st.core.on_broken(st.context->host, why, wait_status);
  st.core.abandon();
  st.staging->waits_for_others = false;
  if (st.staging->token == 0)
    give_up(st);
  else // it removes what is half there; the job's folder is its own until it is gone
    st.context->tasks->signal(st.staging->token, wait_status == SIGKILL ? SIGKILL : SIGTERM);
}

bool is_staging_time(shell_state::pointer self) {
  auto& st = self->state;
  auto now = steady_ns();
  if (!st.staging || st.staging->look_ns == 0 || now < st.staging->look_ns)
    return false;
  st.staging->look_ns = 0;
  if (st.staging->token == 0 || st.core.all_ended())
    return true; // the files are there, or nobody waits for them
  if (now < st.staging->deadline_ns) {
    look_after_staging(self);
    return true;
  }
  auto why = "stage-in: the files were not there within "
             + format_fsd(st.context->stage_in_timeout_s) + " (exec.stage_in_timeout)";
  leave_unstaged(self, why, 1 << 8);
  // The end of a job has steps for a process that does not die.
  break_off(self, why, 1 << 8);
  return true;
}

void kill_staging(shell_state::pointer self) {
  auto& st = self->state;
  if (st.staging && st.staging->token != 0)
    st.context->tasks->signal(st.staging->token, SIGKILL);
}

} // namespace hactor
