// The job manager core's dependencies: who waits for whom, and what follows when a job starts or
// ends. Each open condition of a job in DEPEND stands under what it waits for, in dependents_,
// begins_ or its namesakes, so that an event costs only what it releases: n jobs that wait for one,
// and one that waits for n, cost n log n. What ends gathers in ended_ and is worked off one by one:
// a chain of 100,000 jobs fails without recursion.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>

#include <fmt/format.h>

#include "actors/job_manager_core.hpp"
#include "actors/job_references.hpp"

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

caf::expected<job_end> job_manager_core::find_target(uint32_t userid, job_id id,
                                                     const known_ends& ends,
                                                     const std::set<job_id>& together) const {
  job_end target{id};
  auto active = jobs_.find(id);
  auto ended = ends.find(id);
  if (together.count(id) != 0)
    target.userid = userid; // it has yet to begin
  else if (active != jobs_.end())
    target = end_of(id, active->second.fold, all_of(active->second));
  else if (ended != ends.end() && ended->second.result != job_result::none)
    target = ended->second;
  else
    return make_error(ec::unknown_job,
                      fmt::format("{}: there is no job {}, or it was purged", key, to_string(id)));
  if (target.userid != userid)
    return make_error(ec::not_permitted,
                      fmt::format("{}: job {} is another user's", key, to_string(id)));
  return target;
}

caf::error job_manager_core::check_dependencies(uint32_t userid, const job_spec& spec,
                                                const known_ends& ends,
                                                const std::set<job_id>& together,
                                                const std::vector<int64_t>& cc) const {
  if (spec.dependencies == nullptr)
    return {};
  for (auto& d : *spec.dependencies) {
    bool possible = false;
    std::string why;
    for (auto& c : d.any_of)
      for (size_t i = 0; i < (c.array ? cc.size() : 1); ++i) {
        job_end facts;
        if (has_target(c)) {
          auto target = find_target(userid, target_of(c, c.array ? cc[i] : -1), ends, together);
          if (!target)
            return std::move(target.error());
          facts = std::move(*target);
        }
        if (judge(c.kind, facts) != verdict::never)
          possible = true;
        else if (why.empty() || !c.array) // of an array one is enough
          why += (why.empty() ? "" : "; ") + why_never(c, facts);
      }
    if (!possible)
      return make_error(ec::unsatisfiable, fmt::format("{}: {}", key, why));
  }
  return {};
}

// -- jobs by other words than their ids -----------------------------------------------------------

array_reply job_manager_core::array_with(job_id id) const {
  auto it = jobs_.find(id);
  if (it == jobs_.end())
    return {};
  auto& j = it->second;
  if (!is_of_array(j))
    return {true};
  return {true, array_of(id, *j.spec->array, j.cc), *j.spec->array};
}

/// Notes when a job of a name was submitted. True when it has not ended.
bool job_manager_core::note_named(const job& j, named_jobs& to) {
  auto is_active = j.fold.state != job_state::inactive;
  to.last_ns = std::max(to.last_ns, j.fold.t_submit);
  if (is_active && (to.since_ns == 0 || j.fold.t_submit < to.since_ns))
    to.since_ns = j.fold.t_submit;
  return is_active;
}

void job_manager_core::add_named(const job_entry& e, named_jobs& to) {
  auto& j = e.second;
  to.jobs.push_back({e.first, j.fold.t_submit, j.cc, j.fold.state == job_state::inactive});
}

job_manager_core::named_jobs job_manager_core::named(uint32_t userid, const std::string& name,
                                                     const job_reference& wanted,
                                                     size_t max) const {
  named_jobs found;
  auto known = names_.find({userid, name});
  if (known == names_.end())
    return found;
  auto& all = known->second;
  if (wanted.of_copies) {
    for (auto* at = all.copies.first; at != nullptr && found.jobs.size() <= max;)
      at = add_array(all, at, wanted, found);
    auto* at = all.single.first; // for its time only, and the others came later
    while (at != nullptr && !note_named(at->second, found))
      at = at->second.name_after;
    return found;
  }
  size_t active = 0;
  for (auto* chain : {&all.copies, &all.single})
    for (auto* at = chain->first; at != nullptr && active <= max; at = at->second.name_after) {
      active += note_named(at->second, found);
      add_named(*at, found);
    }
  return found;
}

/// Adds those of an array that are wanted. `at`: the first of them in the chain. Returns what
/// stands behind them.
job_manager_core::job_entry* job_manager_core::add_array(const namesakes& all, job_entry* at,
                                                         const job_reference& wanted,
                                                         named_jobs& to) const {
  auto values = at->second.spec->array;
  auto first = array_of(at->first, *values, at->second.cc);
  auto is_of_it = [&](const job_entry* e) {
    return e != nullptr && *e->second.spec->array == *values
           && array_of(e->first, *values, e->second.cc) == first;
  };
  auto own = [&](job_id id) {
    auto it = jobs_.find(id);
    return it != jobs_.end() && it->second.name == &all ? &*it : nullptr;
  };
  for (auto id : members_of(first, *values, wanted, references_max + 1))
    if (auto* e = own(id))
      add_named(*e, to);
  while (is_of_it(at) && !note_named(at->second, to))
    at = at->second.name_after;
  if (auto last = job_in_array(first, *values, values->last()); !all.mixed && is_of_it(at) && last)
    if (auto* e = own(*last))
      return e->second.name_after;
  while (is_of_it(at))
    at = at->second.name_after;
  return at;
}

// -- names and groups -----------------------------------------------------------------------------

job_manager_core::user_and_name job_manager_core::name_of_job(const job& j) {
  return {j.fold.userid, fill_cc(j.spec->name, j.cc)};
}

job_manager_core::name_chain& job_manager_core::chain_of(job& j) {
  return is_of_array(j) ? j.name->copies : j.name->single;
}

void job_manager_core::name_job(job_id id, job& j) {
  j.name = &names_[name_of_job(j)];
  ++j.name->jobs;
  auto& chain = chain_of(j);
  auto* own = &*jobs_.find(id);
  j.name_before = chain.last;
  j.name_after = nullptr;
  (chain.last != nullptr ? chain.last->second.name_after : chain.first) = own;
  chain.last = own;
}

/// For a job that leaves memory, or gets another name.
void job_manager_core::unname_job(job& j) {
  auto& chain = chain_of(j);
  (j.name_before != nullptr ? j.name_before->second.name_after : chain.first) = j.name_after;
  (j.name_after != nullptr ? j.name_after->second.name_before : chain.last) = j.name_before;
  if (--j.name->jobs == 0)
    names_.erase(name_of_job(j));
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

/// Requires: the job is in memory or among `ends`.
job_end job_manager_core::facts_of(job_id id, const known_ends& ends) const {
  auto active = jobs_.find(id);
  return active != jobs_.end() ? end_of(id, active->second.fold, all_of(active->second))
                               : ends.at(id);
}

verdict job_manager_core::judge_now(int64_t now_ns, const condition& c, int64_t cc,
                                    const known_ends& ends) const {
  if (c.kind == dependency_kind::begin_time)
    return c.begin_ns <= now_ns ? verdict::holds : verdict::open;
  if (!has_target(c))
    return verdict::open;
  return judge(c.kind, facts_of(target_of(c, cc), ends));
}

/// NEW -> DEPEND has just been: says what the job waits for, and lets it go on if that is nothing.
void job_manager_core::begin_to_depend(int64_t now_ns, job_id id, job& j, const known_ends& ends,
                                       job_manager_out& out) {
  name_job(id, j);
  join_flight(j);
  auto list = j.spec->dependencies; // the jobspec may become another
  auto count = list == nullptr ? 0 : list->size();
  caf::error misplaced;
  for (uint32_t i = 0; i < count && !misplaced; ++i) {
    auto& d = (*list)[i];
    bool holds = false;
    std::vector<bool> failed;
    for (auto& c : d.any_of) {
      auto v = judge_now(now_ns, c, j.cc, ends);
      holds = holds || v == verdict::holds;
      failed.push_back(v == verdict::never);
    }
    if (holds) { // it needs no event: it has never been open
      if (auto& c = d.any_of.front(); is_of_nodes(c.kind))
        misplaced = place_beside(now_ns, id, j, c, ranks_of(c.target, ends), out);
      continue;
    }
    open_dependency(id, j, i, failed);
    job_event e;
    e.kind = event_kind::dependency_add;
    e.text = d.text;
    post(now_ns, id, j, std::move(e), out);
  }
  for (auto& [dependency, failures] : j.open)
    if (is_hopeless(j, dependency)) { // it alone of its array, or all would have been refused
      auto& c = (*list)[dependency].any_of.front();
      auto why = why_never(c, facts_of(target_of(c, j.cc), ends));
      return fail_to_depend(now_ns, id, j, std::move(why), out);
    }
  if (misplaced)
    return fail_to_depend(now_ns, id, j, render(misplaced), out);
  leave_depend(now_ns, id, j, out);
}

void job_manager_core::fail_to_depend(int64_t now_ns, job_id id, job& j, std::string why,
                                      job_manager_out& out) {
  fail(now_ns, id, j, "dependency", std::move(why), 0, -1, -1, out);
  finish_cleanup(now_ns, id, j, out);
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
      failed.push_back(has_target(c) && jobs_.count(target_of(c, j.cc)) == 0);
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
      dependents_.insert({target_of(c, j.cc), {id, dependency, i}});
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
      dependents_.erase({target_of(c, j.cc), {id, dependency, i}});
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
/// that everybody sees it and a restart finds it. Errors: ec::too_big.
caf::error job_manager_core::place_beside(int64_t now_ns, job_id id, job& j, const condition& c,
                                          const idset& ranks, job_manager_out& out) {
  if (ranks.empty())
    return {}; // there is nothing to keep away from
  json where = {{"ranks", json::array({ranks.to_string()})}};
  if (c.kind == dependency_kind::other_node)
    where = {{"not", json::array({std::move(where)})}};
  if (auto text = dump(where); beside_.from != j.spec || beside_.where != text) {
    auto next = with_constraint(*j.spec, where);
    if (!next)
      return std::move(next.error());
    beside_ = {j.spec, std::move(*next), std::move(text)};
  }
  auto next = beside_.to;
  constexpr const char* changed = "attributes.system.constraints";
  update(now_ns, id, next, dump({{changed, next->request->wants.system.constraints}}),
         dump({{changed, j.spec->request->wants.system.constraints}}), out);
  return {};
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
      caf::error misplaced;
      if (is_of_nodes(c.kind))
        misplaced = place_beside(now_ns, waiting, j, c, facts.ranks, out);
      close_dependency(now_ns, waiting, j, dependency, out);
      if (misplaced)
        fail_to_depend(now_ns, waiting, j, render(misplaced), out);
      else
        leave_depend(now_ns, waiting, j, out);
    } else if (v == verdict::never) {
      dependents_.erase(at);
      ++j.open.at(dependency);
      if (is_hopeless(j, dependency))
        fail_to_depend(now_ns, waiting, j, why_never(c, facts), out);
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
