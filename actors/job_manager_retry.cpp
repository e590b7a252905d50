// The job manager core's second chances: a job that has failed and is to be started again goes from
// CLEANUP back to PRIORITY, with its id and its log; and of jobs that were submitted together the
// rest is cancelled once too many have failed. The count of failures begins again with a restart of
// the instance; that of attempts is in the events.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>

#include <fmt/format.h>

#include "actors/job_manager_core.hpp"
#include "runtime/duration.hpp"
#include "runtime/limits.hpp"

namespace hactor {

namespace {

struct judgement {
  bool again = false;
  bool node = false; // a node was lost, which is not the job's fault
  std::string why;
};

judgement judge_end(const retry_rule& rule, const job_fold& fold) {
  judgement v;
  if (fold.was_cancelled)
    return v;
  auto tries = fold.attempts - fold.node_losses; // that count
  if (fold.is_lost()) {
    v.node = true;
    v.again = rule.on_node && fold.node_losses < limits::node_losses_max;
    v.why = fold.exception_note;
    return v;
  }
  if (fold.has_fatal && fold.exception_type != "exec")
    return v; // a time limit, a policy, a person: it would not end otherwise the next time
  auto code = fold.exit_code();
  v.again = code != 0 && rule.on_exit && tries <= rule.count
            && (rule.codes.empty() || rule.codes.contains(static_cast<uint32_t>(code)));
  v.why = fmt::format("exit code {}", code);
  if (fold.has_fatal)
    v.why += ": " + fold.exception_note;
  return v;
}

} // namespace

/// Starts a job in CLEANUP again, if it is to be. False: it has ended.
bool job_manager_core::begin_again(int64_t now_ns, job_id id, job& j, job_manager_out& out) {
  if (!j.spec->retries || j.damaged || j.fold.t_run == 0)
    return false;
  auto v = judge_end(*j.spec->retries, j.fold);
  if (!v.again)
    return false;
  job_event e;
  e.kind = event_kind::retry;
  e.a = j.fold.attempts + 1;
  e.b = v.node;
  e.text = v.why;
  post(now_ns, id, j, std::move(e), out);
  avoid(j, std::exchange(j.resources, {}));
  j.grown = nullptr;
  out.keep_record(live_record(id, j)); // with where its output lies, and where it has failed
  if (j.spec->retries->delay_s <= 0) {
    enqueue(now_ns, id, j, out);
    return true;
  }
  j.retry_ns = moment_after(now_ns, j.spec->retries->delay_s);
  retries_.emplace(j.retry_ns, id);
  return true;
}

/// The next attempt is to run on other nodes than those of the last, if the job is to have such.
void job_manager_core::avoid(job& j, rset last) {
  j.elsewhere = nullptr;
  if (!j.spec->retries || !j.spec->retries->elsewhere || last.nodes.empty())
    return;
  auto ranks = last.ranks().to_string();
  auto spec = with_constraint(*j.spec, {{"not", json::array({{{"ranks", json::array({ranks})}}})}});
  if (spec) // else it may run there again
    j.elsewhere = std::make_unique<elsewhere_job>(elsewhere_job{std::move(last), std::move(*spec)});
}

/// Asks for other nodes than those on which the job has just failed, if it is to have such.
void job_manager_core::ask_for_room(job_id id, const job& j, job_manager_out& out) {
  auto& spec = j.elsewhere ? j.elsewhere->spec : j.spec;
  out.want_room(spec, {id, j.fold.priority, j.fold.t_submit, j.elsewhere != nullptr});
}

void job_manager_core::retry_due(int64_t now_ns, job_manager_out& out) {
  while (!retries_.empty() && retries_.begin()->first <= now_ns) {
    auto id = retries_.begin()->second;
    retries_.erase(retries_.begin());
    auto& j = jobs_.at(id);
    j.retry_ns = 0;
    if (j.fold.state == job_state::priority)
      enqueue(now_ns, id, j, out);
  }
}

/// What an attempt used and wrote is added to what those before it did.
void job_manager_core::take_end(job& j, const job_report& report) const {
  if (!j.end) {
    j.end = std::make_unique<job_report>(report);
    return;
  }
  auto sum = report;
  sum.used.add(j.end->used);
  for (auto& before : j.end->outputs) { // a rank that was there again has all in its new index
    auto again = std::any_of(report.outputs.begin(), report.outputs.end(),
                             [&](auto& now) { return now.first == before.first; });
    if (!again)
      sum.outputs.push_back(before);
  }
  *j.end = std::move(sum);
}

void job_manager_core::join_group(job_id id, const job& j) {
  if (j.spec->max_fails)
    groups_[j.spec->max_fails->group].active.insert(id);
}

void job_manager_core::leave_group(job_id id, const job& j) {
  if (!j.spec->max_fails)
    return;
  auto group = groups_.find(j.spec->max_fails->group);
  if (group == groups_.end())
    return;
  group->second.active.erase(id);
  if (group->second.active.empty())
    groups_.erase(group);
}

/// The job has ended. Requires: what is cancelled here is worked off by follow_ends.
void job_manager_core::count_failure(int64_t now_ns, job_id id, const job& j,
                                     job_manager_out& out) {
  if (!j.spec->max_fails)
    return;
  auto& limit = *j.spec->max_fails;
  auto& group = groups_[limit.group];
  auto result = j.fold.result();
  auto failed = result == job_result::failed || result == job_result::timeout
                || result == job_result::node_failed;
  group.failed += failed;
  if (failed && group.failed >= limit.count) {
    auto rest = group.active;
    rest.erase(id);
    for (auto other : rest) {
      auto& o = jobs_.at(other);
      if (o.fold.state == job_state::cleanup || o.fold.state == job_state::inactive)
        continue; // it ends anyway
      fail(now_ns, other, o, "cancel",
           fmt::format("{} of the jobs that were submitted together have failed", group.failed), 0,
           -1, -1, out);
      finish_cleanup(now_ns, other, o, out);
    }
  }
  leave_group(id, j);
}

} // namespace hactor
