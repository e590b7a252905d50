// The job manager core's dependencies: who waits for whom, and what follows when a job starts or
// ends. Each open condition of a job in DEPEND stands under what it waits for, in dependents_,
// begins_ or its namesakes, so that an event costs only what it releases: n jobs that wait for one,
// and one that waits for n, cost n log n. What ends gathers in ended_ and is worked off one by one:
// a chain of 100,000 jobs fails without recursion.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>

#include <fmt/format.h>

#include "actors/job_manager_core.hpp"

namespace hactor {

namespace {

constexpr const char* key = "attributes.system.dependencies";

bool has_target(const condition& c) { return c.target != job_id{}; }

bool is_of_nodes(dependency_kind kind) {
  return kind == dependency_kind::same_node || kind == dependency_kind::other_node;
}

/// Is it the end of any other of a name or group that lets such a job go on?
bool waits_for_others(dependency_kind kind) {
  return kind == dependency_kind::singleton || kind == dependency_kind::in_flight;
}

} // namespace

job_end end_of(job_id id, const job_fold& fold, const rset& resources) {
  return {id,
          fold.result(),
          fold.userid,
          fold.t_run != 0,
          fold.has_started,
          fold.has_fatal,
          resources.ranks()};
}

caf::error job_manager_core::check_dependencies(uint32_t userid, const job_spec& spec,
                                                const known_ends& ends,
                                                const std::set<job_id>& together) const {
  if (spec.dependencies == nullptr)
    return {};
  for (auto& d : *spec.dependencies) {
    bool possible = false;
    std::string why;
    for (auto& c : d.any_of) {
      job_end target;
      if (has_target(c)) {
        auto active = jobs_.find(c.target);
        auto ended = ends.find(c.target);
        if (together.count(c.target) != 0)
          target.userid = userid; // it has yet to begin
        else if (active != jobs_.end())
          target = end_of(c.target, active->second.fold, all_of(active->second));
        else if (ended != ends.end() && ended->second.result != job_result::none)
          target = ended->second;
        else
          return make_error(ec::unknown_job, fmt::format("{}: there is no job {}, or it was purged",
                                                         key, to_string(c.target)));
        if (target.userid != userid)
          return make_error(ec::not_permitted,
                            fmt::format("{}: job {} is another user's", key, to_string(c.target)));
      }
      if (judge(c.kind, target) != verdict::never)
        possible = true;
      else
        why += (why.empty() ? "" : "; ") + why_never(c, target);
    }
    if (!possible)
      return make_error(ec::unsatisfiable, fmt::format("{}: {}", key, why));
  }
  return {};
}

// -- jobs by other words than their ids -----------------------------------------------------------

std::optional<job_manager_core::found_job> job_manager_core::find(job_id id) const {
  auto it = jobs_.find(id);
  if (it == jobs_.end())
    return std::nullopt;
  auto& j = it->second;
  return found_job{id, j.fold.t_submit, label_of(*j.spec), j.cc,
                   j.fold.state == job_state::inactive};
}

std::vector<job_manager_core::found_job> job_manager_core::named(uint32_t userid,
                                                                 const std::string& name) const {
  std::vector<found_job> found;
  auto known = names_.find({userid, name});
  if (known == names_.end())
    return found;
  for (auto& [id, j] : jobs_)
    if (j.name == &known->second)
      found.push_back(*find(id));
  return found;
}

std::vector<job_manager_core::found_job> job_manager_core::copies_of(const found_job& one) const {
  std::vector<found_job> found;
  for (auto& [id, j] : jobs_)
    if (j.fold.t_submit == one.t_submit_ns && label_of(*j.spec) == one.label)
      found.push_back(*find(id));
  return found;
}

// -- names and groups -----------------------------------------------------------------------------

void job_manager_core::name_job(job& j) {
  j.name = &names_[{j.fold.userid, j.spec->name}];
  ++j.name->jobs;
}

/// For a job that leaves memory.
void job_manager_core::unname_job(job& j) {
  if (--j.name->jobs == 0)
    names_.erase({j.fold.userid, j.spec->name});
}

/// The group of which so many may be active at once.
void job_manager_core::join_flight(job& j) {
  auto* c = find_condition(j.spec->dependencies, dependency_kind::in_flight);
  if (c == nullptr)
    return;
  j.flight = &flights_[{j.fold.userid, c->group}];
  j.flight->most = c->most;
  ++j.flight->jobs;
}

/// For a job that leaves memory.
void job_manager_core::leave_flight(job& j) {
  if (j.flight != nullptr && --j.flight->jobs == 0)
    flights_.erase(
        {j.fold.userid, find_condition(j.spec->dependencies, dependency_kind::in_flight)->group});
}

/// The job is past DEPEND, or it has ended: then others of its name and group may go on.
void job_manager_core::count_active(int64_t now_ns, job& j, bool active, job_manager_out& out) {
  if (std::exchange(j.is_active, active) == active)
    return;
  for (auto* group : {j.name, j.flight})
    if (group != nullptr) {
      group->active += active ? 1 : -1;
      if (!active)
        begin_singletons(now_ns, *group, out);
    }
}

/// The first that wait for a name or a group go on when fewer than so many of it are active.
void job_manager_core::begin_singletons(int64_t now_ns, namesakes& name, job_manager_out& out) {
  while (name.active < name.most && !name.singletons.empty()) {
    auto id = *name.singletons.begin();
    auto& j = jobs_.at(id);
    while (!j.open.empty()) // each waits for namesakes, or for its group
      close_dependency(now_ns, id, j, j.open.begin()->first, out);
    leave_depend(now_ns, id, j, out);
  }
}

// -- the way through DEPEND -----------------------------------------------------------------------

verdict job_manager_core::judge_now(int64_t now_ns, const condition& c,
                                    const known_ends& ends) const {
  if (c.kind == dependency_kind::begin_time)
    return c.begin_ns <= now_ns ? verdict::holds : verdict::open;
  if (!has_target(c))
    return verdict::open;
  auto active = jobs_.find(c.target);
  return judge(c.kind, active != jobs_.end()
                           ? end_of(c.target, active->second.fold, all_of(active->second))
                           : ends.at(c.target));
}

/// NEW -> DEPEND has just been: says what the job waits for, and lets it go on if that is nothing.
void job_manager_core::begin_to_depend(int64_t now_ns, job_id id, job& j, const known_ends& ends,
                                       job_manager_out& out) {
  name_job(j);
  join_flight(j);
  auto list = j.spec->dependencies; // the jobspec may become another
  auto count = list == nullptr ? 0 : list->size();
  for (uint32_t i = 0; i < count; ++i) {
    auto& d = (*list)[i];
    bool holds = false;
    std::vector<bool> failed;
    for (auto& c : d.any_of) {
      auto v = judge_now(now_ns, c, ends);
      holds = holds || v == verdict::holds;
      failed.push_back(v == verdict::never);
    }
    if (holds) { // it needs no event: it has never been open
      if (auto& c = d.any_of.front(); is_of_nodes(c.kind))
        place_beside(now_ns, id, j, c, ranks_of(c.target, ends), out);
      continue;
    }
    open_dependency(id, j, i, failed);
    job_event e;
    e.kind = event_kind::dependency_add;
    e.text = d.text;
    post(now_ns, id, j, std::move(e), out);
  }
  leave_depend(now_ns, id, j, out);
}

/// After a restart: waits for what its events say is open. A job that is not in memory any more
/// did not fulfil the condition when it ended, or the dependency would have been closed with it.
void job_manager_core::depend_again(job_id id, job& j) {
  auto count = j.spec->dependencies == nullptr ? 0 : j.spec->dependencies->size();
  for (uint32_t i = 0; i < count; ++i) {
    auto& d = (*j.spec->dependencies)[i];
    if (j.fold.dependencies.count(d.text) == 0)
      continue;
    std::vector<bool> failed;
    for (auto& c : d.any_of)
      failed.push_back(has_target(c) && jobs_.count(c.target) == 0);
    open_dependency(id, j, i, failed);
  }
}

void job_manager_core::resume_depend(int64_t now_ns, job_id id, job& j, job_manager_out& out) {
  for (auto& [dependency, failures] : j.open)
    if (is_hopeless(j, dependency)) {
      fail(now_ns, id, j, "dependency",
           "what the job waited for is not known any more: "
               + (*j.spec->dependencies)[dependency].text,
           0, -1, -1, out);
      return;
    }
  leave_depend(now_ns, id, j, out);
}

void job_manager_core::open_dependency(job_id id, job& j, uint32_t dependency,
                                       const std::vector<bool>& failed) {
  auto& conditions = (*j.spec->dependencies)[dependency].any_of;
  auto& failures = j.open[dependency];
  bool named = false;
  for (uint32_t i = 0; i < conditions.size(); ++i) {
    auto& c = conditions[i];
    named = named || waits_for_others(c.kind);
    failures += failed[i];
    if (c.kind == dependency_kind::begin_time)
      begins_.insert({c.begin_ns, {id, dependency, i}});
    else if (has_target(c) && !failed[i])
      dependents_.insert({c.target, {id, dependency, i}});
  }
  j.open_unnamed += !named;
}

void job_manager_core::close_dependency(job_id id, job& j, uint32_t dependency) {
  auto& conditions = (*j.spec->dependencies)[dependency].any_of;
  bool named = false;
  for (uint32_t i = 0; i < conditions.size(); ++i) {
    auto& c = conditions[i];
    named = named || waits_for_others(c.kind);
    if (c.kind == dependency_kind::begin_time)
      begins_.erase({c.begin_ns, {id, dependency, i}});
    else if (has_target(c))
      dependents_.erase({c.target, {id, dependency, i}});
  }
  j.open.erase(dependency);
  j.open_unnamed -= !named;
}

void job_manager_core::close_dependency(int64_t now_ns, job_id id, job& j, uint32_t dependency,
                                        job_manager_out& out) {
  close_dependency(id, j, dependency);
  job_event e;
  e.kind = event_kind::dependency_remove;
  e.text = (*j.spec->dependencies)[dependency].text;
  post(now_ns, id, j, std::move(e), out);
}

/// The job waits for nothing any more, whether it goes on or ends.
void job_manager_core::stop_to_depend(job_id id, job& j) {
  while (!j.open.empty())
    close_dependency(id, j, j.open.begin()->first);
  j.name->singletons.erase(id);
  if (j.flight != nullptr)
    j.flight->singletons.erase(id);
}

/// DEPEND -> PRIORITY -> SCHED, unless something is open. A job that waits for its namesakes alone,
/// or for its group, queues up behind them.
void job_manager_core::leave_depend(int64_t now_ns, job_id id, job& j, job_manager_out& out) {
  if (!j.open.empty()) {
    auto& others = j.flight != nullptr ? *j.flight : *j.name;
    if (j.open_unnamed == 0 && others.singletons.insert(id).second)
      begin_singletons(now_ns, others, out);
    return;
  }
  stop_to_depend(id, j);
  post(now_ns, id, j, event_kind::depend, out);
  count_active(now_ns, j, true, out);
  enqueue(now_ns, id, j, out);
}

/// True when none of the conditions can hold any more.
bool job_manager_core::is_hopeless(const job& j, uint32_t dependency) const {
  auto open = j.open.find(dependency);
  return open != j.open.end() && open->second == (*j.spec->dependencies)[dependency].any_of.size();
}

// -- what other jobs do ---------------------------------------------------------------------------

/// The nodes of a job that need not be in memory any more.
idset job_manager_core::ranks_of(job_id id, const known_ends& ends) const {
  if (auto active = jobs_.find(id); active != jobs_.end())
    return all_of(active->second).ranks();
  auto ended = ends.find(id);
  return ended == ends.end() ? idset{} : ended->second.ranks;
}

/// The job is to run on these nodes, or on none of them: that becomes a part of its jobspec, so
/// that everybody sees it and a restart finds it.
void job_manager_core::place_beside(int64_t now_ns, job_id id, job& j, const condition& c,
                                    const idset& ranks, job_manager_out& out) {
  if (ranks.empty())
    return; // there is nothing to keep away from
  json where = {{"ranks", json::array({ranks.to_string()})}};
  if (c.kind == dependency_kind::other_node)
    where = {{"not", json::array({std::move(where)})}};
  if (auto text = dump(where); beside_.from != j.spec || beside_.where != text)
    beside_ = {j.spec, with_constraint(*j.spec, where), std::move(text)};
  auto next = beside_.to;
  constexpr const char* changed = "attributes.system.constraints";
  update(now_ns, id, next, dump({{changed, next->request->wants.system.constraints}}),
         dump({{changed, j.spec->request->wants.system.constraints}}), out);
}

/// The job has a grant, has started or ended: what waits for it is judged, in the order of the
/// waiting jobs.
void job_manager_core::tell_dependents(int64_t now_ns, job_id id, job& target,
                                       job_manager_out& out) {
  auto at = dependents_.lower_bound({id, {}});
  if (at == dependents_.end() || at->first != id)
    return;
  auto facts = end_of(id, target.fold, all_of(target));
  while (at != dependents_.end() && at->first == id) {
    auto [waiting, dependency, place] = at->second;
    auto& j = jobs_.at(waiting);
    auto list = j.spec->dependencies; // the jobspec may become another
    auto& c = (*list)[dependency].any_of[place];
    auto v = judge(c.kind, facts);
    if (v == verdict::holds) {
      if (is_of_nodes(c.kind))
        place_beside(now_ns, waiting, j, c, facts.ranks, out);
      close_dependency(now_ns, waiting, j, dependency, out);
      leave_depend(now_ns, waiting, j, out);
    } else if (v == verdict::never) {
      dependents_.erase(at);
      ++j.open.at(dependency);
      if (is_hopeless(j, dependency)) {
        fail(now_ns, waiting, j, "dependency", why_never(c, facts), 0, -1, -1, out);
        finish_cleanup(now_ns, waiting, j, out);
      }
    }
    at = dependents_.upper_bound({id, {waiting, dependency, place}});
  }
}

/// Works off what has ended, and what ends by that.
void job_manager_core::follow_ends(int64_t now_ns, job_manager_out& out) {
  if (std::exchange(following_, true))
    return;
  for (; !ended_.empty(); ended_.pop_front()) {
    auto id = ended_.front();
    auto& j = jobs_.at(id);
    tell_dependents(now_ns, id, j, out);
    count_failure(now_ns, id, j, out);
    count_active(now_ns, j, false, out);
  }
  following_ = false;
}

void job_manager_core::begin_due(int64_t now_ns, job_manager_out& out) {
  while (!begins_.empty() && begins_.begin()->first <= now_ns) {
    auto c = begins_.begin()->second;
    auto& j = jobs_.at(c.id);
    close_dependency(now_ns, c.id, j, c.dependency, out);
    leave_depend(now_ns, c.id, j, out);
  }
}

} // namespace hactor
