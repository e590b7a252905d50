// What the job manager shows of jobs: summaries, listings, whole jobs. Reading only; shared by live
// jobs and by records read back from disk (actors/archive.cpp).
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "actors/job_constraint.hpp"
#include "actors/job_manager_core.hpp"
#include "runtime/hostlist.hpp"
#include "runtime/json.hpp"
#include "runtime/varint.hpp"

namespace hactor {

namespace {

/// True when only R tells how many tasks there are: it has ranges, or tasks by node or core.
bool leaves_choice(const resource_request& r) {
  return !r.plain || r.exclusive || std::any_of(r.tasks.begin(), r.tasks.end(), [](auto& group) {
    return group.spread == task_spread::per_node || group.spread == task_spread::per_core;
  });
}

} // namespace

job_summary summarize(job_id id, const job_fold& fold, const job_spec& spec, int64_t cc,
                      const rset* resources, const job_report* end) {
  job_summary s;
  s.id = id;
  s.userid = fold.userid;
  s.urgency = fold.urgency;
  s.priority = fold.priority;
  s.state = fold.state;
  s.result = fold.result();
  s.name = fill_cc(spec.name, cc);
  s.queue = spec.queue;
  s.bank = spec.bank;
  s.project = spec.project;
  s.cwd = spec.cwd;
  s.cc = cc;
  s.ntasks = spec.ntasks;
  s.ncores = spec.ncores;
  s.nnodes = spec.nnodes;
  s.duration_s = spec.duration_s;
  s.t_submit = fold.t_submit;
  s.t_depend = fold.t_depend;
  s.t_priority = fold.t_priority;
  s.t_sched = fold.t_sched;
  s.t_run = fold.t_run;
  s.t_cleanup = fold.t_cleanup;
  s.t_inactive = fold.t_inactive;
  if (resources != nullptr && !resources->nodes.empty()) {
    idset ranks;
    uint64_t cores = 0;
    for (auto& node : resources->nodes) {
      ranks.add(node.rank);
      cores += node.cores.size();
    }
    s.ranks = ranks.to_string();
    s.nodelist = format_hostlist(resources->nodelist);
    s.nnodes = static_cast<uint32_t>(resources->nodes.size());
    if (leaves_choice(*spec.request))
      if (auto tasks = layout(*spec.request, *resources))
        s.ntasks = tasks->ntasks;
    s.ncores = static_cast<uint32_t>(cores);
    s.expiration = resources->expiration;
  }
  if (cc >= 0 && spec.array)
    s.array = array_of(id, *spec.array, cc);
  s.attempts = fold.attempts;
  s.waitstatus = fold.waitstatus;
  s.exception = fold.exception_severity >= 0;
  s.exception_severity = fold.exception_severity;
  s.exception_type = fold.exception_type;
  s.exception_note = fold.exception_note;
  s.annotations = fold.annotations;
  s.dependencies.assign(fold.dependencies.begin(), fold.dependencies.end());
  if (spec.dependencies != nullptr && !fold.dependencies.empty())
    s.reason = sentence_of(*spec.dependencies, fold.dependencies);
  if (fold.state == job_state::sched && fold.priority == 0)
    s.reason = "held: its urgency is 0";
  if (end != nullptr) {
    s.maxrss_kb = end->used.maxrss_kb;
    s.user_s = static_cast<double>(end->used.user_us) / 1e6;
    s.system_s = static_cast<double>(end->used.system_us) / 1e6;
    s.read_kb = end->used.read_kb;
    s.written_kb = end->used.written_kb;
    s.outputs = end->outputs;
  }
  return s;
}

bool is_on(const list_request& r, const rset& resources) {
  if (r.hosts.empty() && r.ranks.empty())
    return true;
  for (size_t i = 0; i < resources.nodes.size(); ++i)
    if (r.ranks.contains(resources.nodes[i].rank)
        || std::find(r.hosts.begin(), r.hosts.end(), resources.host(i)) != r.hosts.end())
      return true;
  return false;
}

bool is_meant(const list_request& r, const job_spec& spec, int64_t cc, uint32_t userid) {
  return (r.name.empty() || fill_cc(spec.name, cc) == r.name)
         && (r.queue.empty() || spec.queue == r.queue)
         && (r.userid < 0 || r.userid == userid);
}

job_summary job_manager_core::summary_of(job_id id, const job& j) const {
  auto s = summarize(id, j.fold, *j.spec, j.cc, &all_of(j), j.end.get());
  if (j.retry_ns != 0 && j.fold.state == job_state::priority)
    s.reason = fmt::format("has failed; attempt {} begins at {:%Y-%m-%dT%H:%M:%SZ}", s.attempts,
                           fmt::gmtime(static_cast<std::time_t>(j.retry_ns / 1'000'000'000)));
  return s;
}

caf::expected<job_summary> job_manager_core::summary(job_id id) const {
  auto it = jobs_.find(id);
  if (it == jobs_.end())
    return make_error(ec::unknown_job, to_string(id) + ": no active job has this id");
  return summary_of(id, it->second);
}

caf::expected<job_reply> job_manager_core::whole(job_id id) const {
  auto it = jobs_.find(id);
  if (it == jobs_.end())
    return make_error(ec::unknown_job, to_string(id) + ": no active job has this id");
  auto& j = it->second;
  job_reply r;
  r.summary = summary_of(id, j);
  r.events = events(id);
  r.jobspec = restore_jobspec(j.spec->text, j.spec->environment_text(), j.cc);
  r.init_ns = j.init_ns;
  if (j.first_exit)
    r.first_exit = *j.first_exit;
  else if (j.end && !j.launched) // else that is of an attempt before
    r.first_exit = j.end->first_exit;
  if (!j.resources.nodes.empty())
    r.rset = to_json(all_of(j));
  for (auto& node : j.resources.nodes)
    r.ranks.push_back(node.rank);
  if (j.grown)
    for (auto& [growth, part] : j.grown->parts)
      for (auto& node : part.nodes)
        r.ranks.push_back(node.rank);
  return r;
}

idset job_manager_core::ranks(job_id id) const {
  idset result;
  auto it = jobs_.find(id);
  if (it != jobs_.end())
    for (auto& node : it->second.resources.nodes)
      result.add(node.rank);
  return result;
}

std::vector<job_event> job_manager_core::events(job_id id) const {
  std::vector<job_event> result;
  auto it = jobs_.find(id);
  if (it == jobs_.end())
    return result;
  std::string_view log = it->second.log;
  int64_t previous = 0;
  while (!log.empty()) {
    job_event e;
    e.id = id;
    auto err = decode_event(log, e, &previous, false);
    HACTOR_CHECK(!err); // written by ourselves, never left memory
    result.push_back(std::move(e));
  }
  return result;
}

void job_manager_core::show(job_id id, job& j) {
  if (j.place == UINT32_MAX) {
    j.place = static_cast<uint32_t>(listed_.size());
    listed_.emplace_back();
  }
  listed_[j.place] = {id, j.fold.t_run, j.fold.priority, j.fold.state};
}

void job_manager_core::hide(const job& j) {
  if (j.place + 1 != listed_.size()) {
    listed_[j.place] = listed_.back();
    jobs_.find(listed_[j.place].id)->second.place = j.place;
  }
  listed_.pop_back();
  if (listed_.size() < listed_.capacity() / 4)
    listed_.shrink_to_fit();
}

/// Pending by priority, then running by latest start.
bool job_manager_core::shown_before(const listed& a, const listed& b) {
  auto a_waits = a.state < job_state::run, b_waits = b.state < job_state::run;
  if (a_waits != b_waits)
    return a_waits;
  if (a_waits)
    return a.priority != b.priority ? a.priority > b.priority : a.id < b.id;
  return a.t_run != b.t_run ? a.t_run > b.t_run : a.id < b.id;
}

std::vector<job_summary> job_manager_core::list(const list_request& request,
                                                job_constraint* only) const {
  std::vector<job_summary> result;
  auto asks_where = !request.hosts.empty() || !request.ranks.empty();
  // Else a listing need not look at the jobs themselves.
  auto asks_more = !request.name.empty() || !request.queue.empty() || request.userid >= 0
                   || asks_where || only != nullptr;
  auto is_on_them = [&](const job& j, const rset& resources) {
    return is_on(request, resources)
           && (only == nullptr || only->matches(j.fold, *j.spec, j.cc, resources));
  };
  auto is_asked_for = [&](const job& j) {
    if (!is_meant(request, *j.spec, j.cc, j.fold.userid))
      return false;
    // A job that ends is not on the nodes that have come back, which may have others' tasks.
    auto partly = j.fold.state == job_state::cleanup && !j.fold.released.empty();
    return partly ? is_on_them(j, held_of(j)) : is_on_them(j, all_of(j));
  };
  auto is_spent = [only] { return only != nullptr && only->is_spent(); };
  auto add = [&](job_id id, const job& j) { result.push_back(summary_of(id, j)); };
  if (!request.ids.empty()) {
    for (auto id : request.ids) {
      if (auto it = jobs_.find(id);
          it != jobs_.end() && (only == nullptr || is_asked_for(it->second)))
        add(id, it->second);
      if (is_spent())
        break;
    }
    return result;
  }
  // Twice as many as are wanted gather before the worse half goes: O(1) for each that is looked at,
  // whatever order they are in, and nothing of the others is copied.
  std::vector<listed> found;
  auto most = request.max == 0 ? listed_.size() : std::min<size_t>(request.max, listed_.size());
  auto are_enough = false; // found[most - 1] is the last of enough
  auto trim = [&] {
    if (found.size() <= most)
      return;
    std::nth_element(found.begin(), found.begin() + static_cast<ptrdiff_t>(most) - 1, found.end(),
                     shown_before);
    found.resize(most);
  };
  for (auto& l : listed_) {
    if (is_spent())
      break; // the request is to fail
    if ((static_cast<uint32_t>(l.state) & request.states) == 0
        || (are_enough && !shown_before(l, found[most - 1]))
        || (asks_more && !is_asked_for(jobs_.find(l.id)->second)))
      continue;
    found.push_back(l);
    if (found.size() == 2 * most) {
      trim();
      are_enough = true;
    }
  }
  trim();
  std::sort(found.begin(), found.end(), shown_before);
  for (auto& l : found)
    add(l.id, jobs_.find(l.id)->second);
  return result;
}

job_counts job_manager_core::counts() const { return counts_; }

rooms_reply job_manager_core::rooms() const {
  rooms_reply all;
  std::unordered_map<const resource_request*, size_t> groups;
  for (auto& [id, j] : jobs_) {
    if (j.fold.has_alloc)
      all.held.push_back({id, {j.spec, {}, {}}, held_of(j)});
    if (j.fold.has_alloc && j.grown)
      for (auto& [growth, part] : j.grown->parts)
        all.held.push_back({growth, {j.spec, {}, {}}, part});
    if (!j.room_wanted || j.fold.state != job_state::sched)
      continue;
    auto& spec = j.elsewhere ? j.elsewhere->spec : j.spec;
    auto [at, is_new] = groups.try_emplace(spec->request.get(), all.wanted.groups.size());
    if (is_new)
      all.wanted.groups.push_back({{spec, {}, {}}, {}});
    all.wanted.groups[at->second].items.push_back(
        {id, j.fold.priority, j.fold.t_submit, j.elsewhere != nullptr});
  }
  for (auto& [growth, wanted] : growths_)
    all.wanted.groups.push_back({{wanted.spec, {}, {}}, {wanted.entry}});
  return all;
}

std::string encode_extra(const job_report& end) {
  std::string out;
  append_varint(out, 1); // version of this record's form
  append_varint(out, static_cast<uint64_t>(end.used.maxrss_kb));
  append_varint(out, static_cast<uint64_t>(end.used.user_us));
  append_varint(out, static_cast<uint64_t>(end.used.system_us));
  append_varint(out, end.outputs.size());
  for (auto& [rank, address] : end.outputs) {
    append_varint(out, rank);
    append_varint(out, address);
  }
  auto& first = end.first_exit;
  if (end.init_ns == 0 && first.t_ns == 0)
    return out; // of a simulated job, or one that never ran
  append_varint(out, static_cast<uint64_t>(end.init_ns));
  append_varint(out, static_cast<uint64_t>(first.t_ns));
  for (auto value : {first.task, first.local, static_cast<uint32_t>(first.pid),
                     static_cast<uint32_t>(first.status)})
    append_varint(out, value);
  append_varint(out, static_cast<uint64_t>(end.used.read_kb));
  append_varint(out, static_cast<uint64_t>(end.used.written_kb));
  return out;
}

job_report decode_extra(std::string_view in) {
  job_report r;
  auto next = [&in] {
    auto value = read_varint(in);
    if (!value)
      in = {}; // cut off: nothing more can be read
    return value.value_or(0);
  };
  if (next() != 1)
    return r;
  r.used.maxrss_kb = static_cast<int64_t>(next());
  r.used.user_us = static_cast<int64_t>(next());
  r.used.system_us = static_cast<int64_t>(next());
  auto n = next();
  for (uint64_t i = 0; i < n && !in.empty(); ++i) {
    auto rank = static_cast<uint32_t>(next());
    r.outputs.emplace_back(rank, next());
  }
  r.init_ns = static_cast<int64_t>(next());
  r.first_exit.t_ns = static_cast<int64_t>(next());
  r.first_exit.task = static_cast<uint32_t>(next());
  r.first_exit.local = static_cast<uint32_t>(next());
  r.first_exit.pid = static_cast<int32_t>(next());
  r.first_exit.status = static_cast<int32_t>(next());
  r.used.read_kb = static_cast<int64_t>(next());
  r.used.written_kb = static_cast<int64_t>(next());
  return r;
}

} // namespace hactor
