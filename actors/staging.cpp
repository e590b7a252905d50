// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/staging.hpp"

#include <csignal>

#include "actors/shell_helpers.hpp"
#include "actors/shell_turns.hpp"
#include "actors/stage_in.hpp"

namespace hactor {

namespace {

/// Bytes of what the process has said that are kept: names of files with -O verbose, and why it
/// has failed, which comes last.
constexpr size_t said_bytes_max = 64 << 10;

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

} // namespace

void begin_staging(shell_state::pointer self) {
  auto& st = self->state;
  st.staging = std::make_unique<shell_staging>();
  auto& start = st.unbegun->start;
  auto& plan = *start.order.plan;
  if (plan.staging->once && start.entries.front() != 0)
    return meet_others(self); // the job's first node does it
  if (st.context->program.empty())
    return leave_unstaged(self, "stage-in: the program hactor is not beside hactor-start", 1 << 8);
  spawn_request request;
  request.argv = stage_in_command(*plan.staging, st.context->program, start.place.tmpdir,
                                  start.work.names.attempt > 1, plan.verbose);
  request.environment = start.work.beside;
  request.cwd = start.work.cwd;
  task_pipes pipes;
  pipes.error = true;
  auto token = st.context->tasks->start(std::move(request), pipes, hears_of(self, staging_task));
  if (!token)
    return leave_unstaged(self, "stage-in: " + render(token.error()), 1 << 8);
  st.staging->token = *token;
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

void kill_staging(shell_state::pointer self) {
  auto& st = self->state;
  if (st.staging && st.staging->token != 0)
    st.context->tasks->signal(st.staging->token, SIGKILL);
}

} // namespace hactor
