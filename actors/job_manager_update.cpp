// Jobs whose jobspec is changed while they wait, or whose time limit while they run.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "actors/job_manager_core.hpp"
#include "runtime/duration.hpp"

namespace hactor {

caf::expected<job_spec_ptr> job_manager_core::updatable(job_id id, bool limit_only) const {
  auto it = jobs_.find(id);
  if (it == jobs_.end())
    return make_error(ec::unknown_job, to_string(id) + ": no active job has this id");
  auto& j = it->second;
  auto s = j.fold.state;
  if (s == job_state::new_job || s == job_state::cleanup || s == job_state::inactive)
    return make_error(ec::wrong_state, fmt::format("{}: the job is {}; only a job that waits or "
                                                   "runs can be changed",
                                                   to_string(id), name_of(s)));
  if (s == job_state::run && !limit_only)
    return make_error(ec::wrong_state, fmt::format("{}: the job runs; only its duration can be "
                                                   "changed",
                                                   to_string(id)));
  if (s == job_state::depend && !limit_only && j.spec->dependencies != nullptr)
    return make_error(ec::wrong_state, fmt::format("{}: the job waits for others; until then only "
                                                   "its duration can be changed",
                                                   to_string(id)));
  return j.spec;
}

void job_manager_core::update(int64_t now_ns, job_id id, const job_spec_ptr& spec,
                              const std::string& changes, const std::string& old_values,
                              job_manager_out& out) {
  auto it = jobs_.find(id);
  if (it == jobs_.end() || it->second.fold.state == job_state::cleanup
      || it->second.fold.state == job_state::inactive)
    return;
  auto& j = it->second;
  auto old = j.spec;
  out.keep_spec(spec->hash, spec->stored());
  if (spec->environment)
    out.keep_spec(spec->environment->hash, spec->environment->text);
  if (old->name != spec->name) {
    j.name->active -= j.is_active;
    begin_singletons(now_ns, *j.name, out);
    unname_job(j);
    j.spec = spec;
    name_job(id, j);
    j.name->mixed = true;
    j.name->active += j.is_active;
  }
  j.spec = spec;
  if (j.elsewhere)
    avoid(j, std::move(j.elsewhere->last));
  auto before = j.fold.state;
  job_event was; // so that nobody has to keep the jobspecs that the job has had
  was.kind = event_kind::debug;
  was.text = "jobspec-before\n" + old_values;
  post(now_ns, id, j, std::move(was), out);
  job_event changed;
  changed.kind = event_kind::jobspec_update;
  changed.text = changes;
  post(now_ns, id, j, std::move(changed), out);
  if (before == job_state::run && old->duration_s != spec->duration_s)
    move_end(now_ns, id, j, out);
  out.keep_record(live_record(id, j)); // from here on a restart finds it as it is now
  if (before != job_state::sched)
    return;
  // It keeps its place in the queue, which goes by priority and the time of its submission.
  j.moves = true;
  out.cancel_room(id);
}

/// The job's own limit, or the end of the instance, whichever is first; 0: neither.
int64_t job_manager_core::end_after(int64_t start_ns, const job& j) const {
  if (j.spec->duration_s <= 0)
    return ends_ns_;
  auto own = moment_after(start_ns, j.spec->duration_s);
  return ends_ns_ == 0 ? own : std::min(own, ends_ns_);
}

/// Of a job that runs, and that shall end at another time than it did.
void job_manager_core::move_end(int64_t now_ns, job_id id, job& j, job_manager_out& out) {
  deadlines_.erase({j.deadline_ns, id});
  warnings_.erase({j.warn_ns, id});
  j.deadline_ns = j.warn_ns = 0;
  if (j.fold.has_started)
    begin_limit(j.t_start_ns, id, j);
  else
    limit_start(j.fold.t_run, id, j);
  job_event moved;
  moved.kind = event_kind::resource_update;
  moved.a = end_after(j.fold.t_run, j);
  j.resources.expiration = static_cast<double>(moved.a) * 1e-9;
  out.extend_room(id, moved.a);
  if (j.grown) {
    for (auto& [growth, part] : j.grown->parts) {
      part.expiration = j.resources.expiration;
      out.extend_room(growth, moved.a);
    }
    j.grown->whole.expiration = j.resources.expiration;
  }
  post(now_ns, id, j, std::move(moved), out);
}

void job_manager_core::set_end(int64_t now_ns, int64_t end_ns, job_manager_out& out) {
  constexpr int64_t rounded_ns = 1'000'000; // a time that went through the text of an R
  if (std::abs(end_ns - ends_ns_) < rounded_ns)
    return;
  auto before = std::exchange(ends_ns_, end_ns);
  std::vector<job_id> moved; // in an order that does not depend on the table
  for (auto& [id, j] : jobs_) {
    auto own = j.spec->duration_s > 0 ? moment_after(j.fold.t_run, j.spec->duration_s) : INT64_MAX;
    auto least = std::min(before == 0 ? INT64_MAX : before, end_ns == 0 ? INT64_MAX : end_ns);
    if (j.fold.state == job_state::run && own > least)
      moved.push_back(id);
  }
  std::sort(moved.begin(), moved.end());
  for (auto id : moved)
    move_end(now_ns, id, jobs_.at(id), out);
}

/// The scheduler has nothing of the job any more.
void job_manager_core::on_room_given_back(int64_t now_ns, job_id id, job& j, job_manager_out& out) {
  j.room_wanted = false;
  auto moves = std::exchange(j.moves, false);
  if (moves && j.fold.state == job_state::priority)
    enqueue(now_ns, id, j, out);
  else
    finish_cleanup(now_ns, id, j, out);
}

} // namespace hactor
