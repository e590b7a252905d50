// See the header. One function per incoming fact; each is idempotent, so that replayed or crossing
// messages do no harm.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/job_manager_core.hpp"

#include <algorithm>
#include <map>
#include <unordered_set>

#include <fmt/format.h>

#include "actors/task_warning.hpp"
#include "runtime/duration.hpp"
#include "runtime/limits.hpp"

namespace hactor {

namespace {

constexpr uint32_t bit(job_state s) { return static_cast<uint32_t>(s); }
constexpr uint32_t pending_states = 2 | 4 | 8;

/// What a job may take besides its time limit until its tasks have started, seconds: it may have
/// files to fetch. Two that each wait for what the other holds end by this.
constexpr double start_grace_s = 1800;

/// Urgency 0 holds, 31 expedites (RFC 30); between them priority equals urgency.
uint32_t priority_of(int32_t urgency) {
  return urgency == 31 ? UINT32_MAX : static_cast<uint32_t>(urgency);
}

} // namespace

void job_manager_core::count(job_state from, job_state to) {
  auto slot = [this](job_state s) -> uint64_t* {
    switch (s) {
      case job_state::depend: return &counts_.depend;
      case job_state::priority: return &counts_.priority;
      case job_state::sched: return &counts_.sched;
      case job_state::run: return &counts_.run;
      case job_state::cleanup: return &counts_.cleanup;
      case job_state::inactive: return &counts_.inactive;
      default: return nullptr;
    }
  };
  if (auto* n = slot(from))
    --*n;
  if (auto* n = slot(to))
    ++*n;
}

void job_manager_core::count_before(const std::map<job_result, uint64_t>& ended) {
  for (auto [result, n] : ended) {
    counts_.inactive += n;
    count_result(result, static_cast<int64_t>(n));
  }
}

void job_manager_core::count_result(job_result result, int64_t by) {
  auto n = static_cast<uint64_t>(by);
  switch (result) {
    case job_result::failed: counts_.failed += n; break;
    case job_result::canceled: counts_.canceled += n; break;
    case job_result::timeout: counts_.timeout += n; break;
    case job_result::node_failed: counts_.node_failed += n; break;
    default: break;
  }
}

void job_manager_core::post(int64_t now_ns, job_id id, job& j, job_event e, job_manager_out& out) {
  e.id = id;
  e.t_ns = std::max(now_ns, j.log_last_ns); // a clock stepped back must not reorder a job's log
  auto before = j.fold.state;
  j.fold.apply(e);
  count(before, j.fold.state);
  show(id, j);
  encode_event(j.log, e, &j.log_last_ns, false);
  out.post(e);
}

void job_manager_core::post(int64_t now_ns, job_id id, job& j, event_kind kind,
                            job_manager_out& out) {
  job_event e;
  e.kind = kind;
  post(now_ns, id, j, std::move(e), out);
}

// -- submission -----------------------------------------------------------------------------------

void job_manager_core::accept(int64_t now_ns, uint32_t userid, const job_spec_ptr& spec,
                              const accepted_spec& jobs, job_manager_out& out,
                              const known_ends& ends) {
  out.keep_spec(spec->hash, spec->stored());
  if (spec->environment)
    out.keep_spec(spec->environment->hash, spec->environment->text);
  auto flags = static_cast<int64_t>(jobs.flags);
  if (!jobs.with_cc_env)
    flags |= submit_flag_bcc;
  for (size_t i = 0; i < jobs.ids.size(); ++i) {
    auto id = jobs.ids[i];
    auto& j = jobs_[id];
    j.spec = spec;
    j.cc = jobs.cc.empty() ? -1 : jobs.cc[i];
    waitable_active_ += (flags & submit_flag_waitable) != 0;
    job_event submit;
    submit.kind = event_kind::submit;
    submit.a = jobs.urgency;
    submit.b = userid;
    submit.c = flags;
    post(now_ns, id, j, std::move(submit), out);
    out.keep_record(live_record(id, j));
    post(now_ns, id, j, event_kind::validate, out);
    join_group(id, j);
    begin_to_depend(now_ns, id, j, ends, out);
  }
}

/// What is kept of a job that has not ended.
job_record job_manager_core::live_record(job_id id, const job& j) {
  job_record record;
  record.id = id;
  record.spec = j.spec->hash;
  record.cc = j.cc;
  if (!j.resources.nodes.empty())
    record.rset = to_json(all_of(j));
  else if (j.elsewhere)
    record.rset = to_json(j.elsewhere->last);
  if (j.end)
    record.extra = encode_extra(*j.end);
  return record;
}

/// PRIORITY -> SCHED: computes the priority and asks the scheduler for room.
void job_manager_core::enqueue(int64_t now_ns, job_id id, job& j, job_manager_out& out) {
  job_event e;
  e.kind = event_kind::priority;
  e.a = priority_of(j.fold.urgency);
  post(now_ns, id, j, std::move(e), out);
  if (j.room_wanted)
    out.prioritize_room({id, j.fold.priority, j.fold.t_submit});
  else
    ask_for_room(id, j, out);
  j.room_wanted = true;
}

// -- restart --------------------------------------------------------------------------------------

void job_manager_core::restore(const job_spec_ptr& spec, const job_record& record,
                               const std::vector<job_event>& events) {
  auto& j = jobs_[record.id];
  j.spec = spec;
  j.cc = record.cc;
  if (!record.extra.empty())
    j.end = std::make_unique<job_report>(decode_extra(record.extra)); // of attempts before
  for (auto e : events) {
    j.damaged = j.damaged || !next_state(j.fold.state, e);
    if (j.damaged)
      break;
    auto before = j.fold.state;
    j.fold.apply(e);
    count(before, j.fold.state);
    encode_event(j.log, e, &j.log_last_ns, false);
  }
  rset last;
  if (auto resources = parse_rset(record.rset); resources && !record.rset.empty())
    last = std::move(*resources);
  if (j.fold.attempts > 1 && !j.fold.has_alloc && !j.damaged)
    avoid(j, std::move(last)); // where it has failed
  else
    j.resources = std::move(last);
  show(record.id, j);
  waitable_active_ += is_waitable(j);
  name_job(record.id, j);
  auto s = j.fold.state; // past DEPEND?
  j.is_active = s == job_state::priority || s == job_state::sched || s == job_state::run
                || (s == job_state::cleanup && j.fold.t_sched != 0);
  j.name->active += j.is_active;
  join_flight(j);
  if (j.flight != nullptr)
    j.flight->active += j.is_active;
  join_group(record.id, j);
}

void job_manager_core::resume(int64_t now_ns, job_manager_out& out) {
  std::vector<job_id> ids;
  for (auto& [id, j] : jobs_)
    ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  for (auto id : ids) // all, before any of them ends
    if (auto& j = jobs_.at(id); j.fold.state <= job_state::depend)
      depend_again(id, j);
  for (auto id : ids) {
    auto& j = jobs_.at(id);
    if (j.fold.state == job_state::new_job)
      post(now_ns, id, j, event_kind::validate, out);
    if (j.damaged && j.fold.state < job_state::run)
      fail(now_ns, id, j, "lost", "the job's log has a hole; whether it ran is not known", 0, -1,
           -1, out);
    if (j.fold.state == job_state::depend)
      resume_depend(now_ns, id, j, out);
    else if (j.fold.state == job_state::sched && !j.room_wanted)
      post(now_ns, id, j, event_kind::restart, out);
    if (j.fold.state == job_state::priority)
      enqueue(now_ns, id, j, out);
    else if (j.fold.state == job_state::run)
      fail(now_ns, id, j, "lost", "the instance ended while the job ran; whether it finished is "
                                  "not known", 0, -1, -1, out);
    if (j.fold.state == job_state::cleanup)
      finish_cleanup(now_ns, id, j, out);
  }
}

// -- what the scheduler says ----------------------------------------------------------------------

namespace {

/// "rank[0-3]/core[0-1],gpu0 rank4/core0": ranks that have the same stand together.
std::string resource_summary(const rset& r) {
  auto ids = [](const char* type, const idset& set) {
    auto text = set.to_string();
    return set.size() == 1 ? type + text : fmt::format("{}[{}]", type, text);
  };
  std::map<std::string, idset> ranks;
  std::vector<std::string> order;
  for (auto& share : r.nodes) {
    auto what = share.cores.empty() ? "" : ids("core", share.cores);
    if (!share.gpus.empty())
      what += (what.empty() ? "" : ",") + ids("gpu", share.gpus);
    auto [at, is_new] = ranks.try_emplace(what);
    if (is_new)
      order.push_back(what);
    at->second.add(share.rank);
  }
  std::string text;
  for (auto& what : order)
    text += (text.empty() ? "" : " ") + ids("rank", ranks[what]) + "/" + what;
  return text;
}

/// What the alloc event says of a grant (RFC 27), as a JSON object.
std::string annotations_of(const rset& granted, std::string_view how) {
  // Letters, digits and ,-/[] only: nothing needs escaping.
  auto type = how.empty() ? "" : fmt::format(R"(,"selection_type":"{}")", how);
  return fmt::format(R"({{"sched":{{"resource_summary":"{}"{}}}}})", resource_summary(granted),
                     type);
}

} // namespace

void job_manager_core::on_granted(int64_t now_ns, job_id id, rset&& resources,
                                  job_manager_out& out, std::string_view how) {
  if (is_growing(id))
    return on_grown(now_ns, id, std::move(resources), out);
  auto it = jobs_.find(id);
  if (it != jobs_.end() && it->second.fold.has_alloc)
    return; // the grant came twice
  if (it == jobs_.end() || it->second.fold.state != job_state::sched) {
    out.free_room(id); // it was cancelled while the grant was on its way
    if (it != jobs_.end()) {
      on_room_given_back(now_ns, id, it->second, out);
    }
    return;
  }
  auto& j = it->second;
  j.room_wanted = false;
  j.elsewhere = nullptr;
  j.init_ns = 0;
  j.first_exit = nullptr;
  j.resources = std::move(resources);
  job_event alloc;
  alloc.kind = event_kind::alloc;
  alloc.text = annotations_of(j.resources, how);
  post(now_ns, id, j, std::move(alloc), out);
  tell_dependents(now_ns, id, j, out);
  limit_start(now_ns, id, j);
  j.launched = true;
  launch_item item{id, j.fold.userid, j.cc, (j.fold.flags & submit_flag_bcc) == 0, j.resources};
  item.attempt = j.fold.attempts;
  if (j.end)
    item.outputs = j.end->outputs;
  out.keep_record(live_record(id, j)); // R is durable with the alloc event
  out.launch(j.spec, std::move(item));
}

bool job_manager_core::has_lost(const rset& resources, const rank_map& where) const {
  return !lost_.empty()
         && std::any_of(resources.nodes.begin(), resources.nodes.end(),
                        [&](auto& node) { return lost_.contains(where.broker(node.rank)); });
}

void job_manager_core::on_void_grant(int64_t now_ns, job_id id, job_manager_out& out) {
  auto it = jobs_.find(id);
  if (it == jobs_.end() || it->second.fold.has_alloc || it->second.fold.state != job_state::sched)
    return on_granted(now_ns, id, {}, out); // it is not wanted any more
  auto& j = it->second;
  out.free_room(id);
  ask_for_room(id, j, out);
}

void job_manager_core::on_late_grant(job_id id, job_manager_out& out) {
  out.free_room(id);
  if (auto it = jobs_.find(id); it != jobs_.end())
    it->second.room_wanted = false; // who cancels it now must not wait for the scheduler
}

void job_manager_core::on_denied(int64_t now_ns, job_id id, const std::string& note,
                                 job_manager_out& out) {
  if (growths_.erase(id) != 0)
    return out.grown(id, {}, note);
  auto it = jobs_.find(id);
  if (it == jobs_.end() || !it->second.room_wanted)
    return;
  auto& j = it->second;
  if (std::exchange(j.elsewhere, nullptr) && j.fold.state == job_state::sched)
    return ask_for_room(id, j, out); // then on the nodes on which it has failed
  if (j.fold.state == job_state::sched) {
    j.room_wanted = false;
    fail(now_ns, id, j, "alloc", note, 0, -1, -1, out);
  }
  on_room_given_back(now_ns, id, j, out);
}

void job_manager_core::on_room_cancelled(int64_t now_ns, job_id id, job_manager_out& out) {
  auto it = jobs_.find(id);
  if (it == jobs_.end() || !it->second.room_wanted)
    return;
  on_room_given_back(now_ns, id, it->second, out);
}

// -- what exec says -------------------------------------------------------------------------------

void job_manager_core::on_report(int64_t now_ns, const job_report& report, job_manager_out& out) {
  auto it = jobs_.find(report.id);
  if (it == jobs_.end() || !it->second.launched)
    return;
  auto id = report.id;
  auto& j = it->second;
  auto began = report.started || (report.ended && report.failure.empty());
  if (began && !j.fold.has_started && j.fold.state == job_state::run) {
    j.init_ns = report.init_ns;
    post(now_ns, id, j, event_kind::start, out);
    tell_dependents(now_ns, id, j, out);
    // The limit counts from here: what the instance took to start the job is not the job's time.
    begin_limit(now_ns, id, j);
  }
  if (!report.ended) {
    if (report.first_exit.t_ns != 0) {
      j.first_exit = std::make_unique<task_end>(report.first_exit);
      out.heard(id);
    }
    return;
  }
  if (j.settle) {
    j.settle->tree_ended = true;
    j.settle->end = report;
    end_settled(now_ns, id, j, out);
    return;
  }
  j.launched = false;
  take_end(j, report);
  if (j.first_exit) // as it was told
    j.end->first_exit = *j.first_exit;
  if (!report.failure.empty() && !j.fold.has_fatal)
    fail(now_ns, id, j, "exec", report.failure, 0, -1, report.status, out);
  auto [of_task, lost] = split_warnings(report.warning);
  if (!of_task.empty() && !j.fold.has_fatal) // else that is the cause
    fail(now_ns, id, j, "exec", std::string{of_task}, 1, -1, -1, out);
  if (!lost.empty())
    fail(now_ns, id, j, "output", std::string{lost}, 1, -1, -1, out);
  if (j.fold.has_started && !j.fold.has_finished)
    post_finish(now_ns, id, j, report.status, out);
  if (j.fold.state == job_state::cleanup)
    finish_cleanup(now_ns, id, j, out);
}

void job_manager_core::post_finish(int64_t now_ns, job_id id, job& j, int32_t status,
                                   job_manager_out& out) {
  job_event e;
  e.kind = event_kind::finish;
  e.a = status;
  post(now_ns, id, j, std::move(e), out);
}

void job_manager_core::on_launch_failed(int64_t now_ns, job_id id, const std::string& why,
                                        job_manager_out& out) {
  job_report r;
  r.id = id;
  r.ended = true;
  r.status = 1 << 8;
  r.failure = why;
  on_report(now_ns, r, out);
}

void job_manager_core::on_rank_lost(int64_t now_ns, rank_t broker, const rank_map& where,
                                    job_manager_out& out) {
  if (lost_.contains(broker))
    return;
  lost_.add(broker);
  std::vector<job_id> hit;
  for (auto& [id, j] : jobs_)
    if (j.launched
        && std::any_of(all_of(j).nodes.begin(), all_of(j).nodes.end(),
                       [&](auto& node) { return where.broker(node.rank) == broker; }))
      hit.push_back(id);
  std::sort(hit.begin(), hit.end());
  for (auto id : hit) {
    auto& j = jobs_.at(id);
    auto note = fmt::format("the broker of rank {} was lost", broker);
    // What had come back before is no loss to a job whose tasks have all ended.
    auto is_loss = [&](const node_share& node) {
      return where.broker(node.rank) == broker && !j.fold.released.contains(node.rank);
    };
    auto& nodes = all_of(j).nodes;
    auto harmless = j.fold.has_finished && std::none_of(nodes.begin(), nodes.end(), is_loss);
    if (!j.fold.has_fatal && !harmless)
      fail(now_ns, id, j, "node-failure", note, 0, -1, 1 << 8, out);
    if (!j.settle) {
      j.settle = std::make_unique<settling>();
      for (auto& node : all_of(j).nodes)
        j.settle->due.add(where.broker(node.rank));
      j.settle->due.remove_all(lost_);
      if (!j.settle->due.empty())
        out.settle(id, j.fold.attempts, j.settle->due, lost_);
    }
    j.settle->due.remove(broker);
    if (where.broker(j.resources.nodes.front().rank) == broker && !j.settle->tree_ended) {
      j.settle->tree_ended = true; // nobody is left who would report its end
      j.settle->end.id = id;
      j.settle->end.ended = true;
      j.settle->end.status = 1 << 8;
      j.settle->end.failure = note;
    }
    end_settled(now_ns, id, j, out);
  }
}

void job_manager_core::on_settled(int64_t now_ns, rank_t rank, const job_report& report,
                                  job_manager_out& out) {
  auto it = jobs_.find(report.id);
  if (it == jobs_.end() || !it->second.settle || !it->second.settle->due.contains(rank))
    return;
  auto& s = *it->second.settle;
  s.due.remove(rank);
  s.parts.used.add(report.used);
  s.parts.outputs.insert(s.parts.outputs.end(), report.outputs.begin(), report.outputs.end());
  add_warnings(s.parts.warning, report.warning, false);
  end_settled(now_ns, report.id, it->second, out);
}

/// Ends a job that lost a broker, once its tree has ended and nothing of it runs anywhere.
void job_manager_core::end_settled(int64_t now_ns, job_id id, job& j, job_manager_out& out) {
  if (!j.settle->due.empty() || !j.settle->tree_ended)
    return;
  auto s = std::move(j.settle);
  auto end = std::move(s->end);
  end.id = id;
  end.used.add(s->parts.used);
  end.outputs.insert(end.outputs.end(), s->parts.outputs.begin(), s->parts.outputs.end());
  if (end.warning.empty())
    end.warning = s->parts.warning;
  if (j.fold.has_finished && !j.fold.has_fatal)
    end.failure.clear(); // that a broker was lost, which had given back its part of the job
  on_report(now_ns, end, out);
}

// -- endings --------------------------------------------------------------------------------------

/// Posts an exception; a fatal one sets the job's end in motion.
void job_manager_core::fail(int64_t now_ns, job_id id, job& j, std::string type, std::string note,
                            int severity, int64_t userid, int64_t wait_status,
                            job_manager_out& out) {
  auto was = j.fold.state;
  job_event e;
  e.kind = event_kind::exception;
  e.text = std::move(type) + "\n" + std::move(note);
  e.a = severity;
  e.b = userid;
  e.c = wait_status;
  post(now_ns, id, j, std::move(e), out);
  if (severity != 0 || was == job_state::cleanup)
    return;
  if (was == job_state::depend)
    stop_to_depend(id, j);
  if (j.room_wanted)
    out.cancel_room(id);
  else if (j.launched)
    out.signal(j.resources, {id, j.fold.exception_type == "timeout" ? 14 : 15, true});
}

/// Ends a job in CLEANUP as soon as neither scheduler nor exec holds anything of it.
void job_manager_core::finish_cleanup(int64_t now_ns, job_id id, job& j, job_manager_out& out) {
  if (j.fold.state != job_state::cleanup || j.room_wanted || j.launched)
    return;
  if (j.fold.has_alloc) {
    auto rest = j.fold.released.empty() ? idset{} : all_of(j).ranks();
    rest.remove_all(j.fold.released);
    post_release(now_ns, id, j, rest, true, out);
    give_back(id, j, out);
    post(now_ns, id, j, event_kind::free, out);
  }
  end_limit(id, j);
  if (begin_again(now_ns, id, j, out))
    return;
  post(now_ns, id, j, event_kind::clean, out);
  auto result = j.fold.result();
  count_result(result, 1);
  j.elsewhere = nullptr;
  auto record = live_record(id, j);
  record.ended = true;
  record.result = result;
  record.t_end_ns = j.log_last_ns;
  record.events = events(id);
  auto [userid, name] = name_of_job(j);
  record.label = name_label(userid, name);
  out.keep_record(std::move(record));
  out.ended(id);
  ended_.push_back(id);
  follow_ends(now_ns, out);
}

void job_manager_core::withdraw(job_id id, job_manager_out& out) {
  auto it = jobs_.find(id);
  if (it == jobs_.end())
    return;
  auto& j = it->second;
  if (j.room_wanted)
    out.cancel_room(id); // a grant that is on its way meets no job, and its room goes back
  else if (j.fold.has_alloc && j.fold.state != job_state::inactive)
    give_back(id, j, out);
  if (j.fold.state == job_state::inactive)
    count_result(j.fold.result(), -1);
  count(j.fold.state, job_state::none);
  waitable_active_ -= is_waitable(j);
  stop_to_depend(id, j);
  end_limit(id, j);
  leave_group(id, j);
  count_active(j.log_last_ns, j, false, out);
  leave_flight(j);
  unname_job(j);
  hide(j);
  jobs_.erase(it);
}

void job_manager_core::forget(job_id id) {
  auto it = jobs_.find(id);
  if (it == jobs_.end())
    return;
  auto& j = it->second;
  if (is_waitable(j)) {
    --waitable_active_;
    ended_job e{id, j.fold.result(), j.fold.waitstatus};
    if (j.fold.has_fatal)
      e.exception = j.fold.exception_type + "\n" + j.fold.exception_note;
    job_ends_.add(std::move(e));
  }
  leave_flight(j);
  unname_job(j);
  hide(j);
  jobs_.erase(it);
  if (jobs_.size() < jobs_.bucket_count() / 16)
    jobs_.rehash(0); // else the table stays as large as it ever was
}

// -- what users ask -------------------------------------------------------------------------------

caf::expected<std::vector<job_id>> job_manager_core::select(const job_selection& s,
                                                            uint32_t wanted_states,
                                                            const char* wanted,
                                                            bool children) const {
  std::vector<job_id> result;
  if (s.ids.empty()) {
    auto mask = s.states & wanted_states;
    for (auto& [id, j] : jobs_)
      if ((bit(j.fold.state) & mask) != 0 && (children || !j.spec->is_child))
        result.push_back(id);
    std::sort(result.begin(), result.end());
    return result;
  }
  std::unordered_set<job_id> named; // whoever is named twice is meant once
  for (auto id : s.ids) {
    if (!named.insert(id).second)
      continue;
    auto it = jobs_.find(id);
    if (s.states != 0 && (it == jobs_.end() || (bit(it->second.fold.state) & s.states) == 0))
      continue;
    if (it == jobs_.end())
      return make_error(ec::unknown_job, to_string(id) + ": no active job has this id");
    if (bit(it->second.fold.state) & wanted_states)
      result.push_back(id);
    else if (std::ranges::count(s.ids, id) == std::ssize(s.ids))
      return make_error(ec::wrong_state,
                        fmt::format("{}: the job is {}; only {} can be meant", to_string(id),
                                    name_of(it->second.fold.state), wanted));
  }
  return result;
}

caf::expected<uint64_t> job_manager_core::raise(int64_t now_ns, const raise_request& r,
                                                job_manager_out& out, bool of_children) {
  if (r.severity < 0 || r.severity > 7)
    return make_error(ec::bad_argument, fmt::format("severity {}: must be 0 to 7", r.severity));
  auto ids = select(r.jobs, pending_states | 16 | 32, "an active job", of_children);
  if (!ids)
    return std::move(ids.error());
  auto followed = std::exchange(following_, true); // what is cancelled was not ended by the others
  for (auto id : *ids) {
    auto& j = jobs_.at(id);
    auto forced = r.severity == 0 && j.fold.state == job_state::cleanup && j.launched
                  && r.type != "node-failure"; // that is a fact, not a wish
    auto again = j.fold.has_fatal;
    fail(now_ns, id, j, r.type, r.note, r.severity, r.userid, -1, out);
    if (forced) // asked again while it ends: no more patience
      out.signal(j.resources, {id, again ? 9 : 15, true});
    finish_cleanup(now_ns, id, j, out); // nobody holds anything of a job in DEPEND
  }
  following_ = followed;
  follow_ends(now_ns, out);
  return ids->size();
}

caf::expected<uint64_t> job_manager_core::kill(const kill_request& r, job_manager_out& out) {
  auto ids = select(r.jobs, 16 | 32, "a running job", r.warning);
  if (!ids)
    return std::move(ids.error());
  uint64_t n = 0;
  auto whom = r.warning ? signal_for::jobs : signal_for::tasks;
  for (auto id : *ids) {
    auto& j = jobs_.at(id);
    if (!j.launched)
      continue;
    out.signal(j.resources, {id, r.signal, false, whom});
    ++n;
  }
  return n;
}

caf::expected<uint64_t> job_manager_core::set_urgency(int64_t now_ns, const urgency_request& r,
                                                      job_manager_out& out) {
  if (r.urgency < 0 || r.urgency > 31)
    return make_error(ec::bad_argument, fmt::format("urgency {}: must be 0 to 31", r.urgency));
  auto ids = select(r.jobs, pending_states, "a pending job");
  if (!ids)
    return std::move(ids.error());
  for (auto id : *ids) {
    auto& j = jobs_.at(id);
    job_event e;
    e.kind = event_kind::urgency;
    e.a = r.urgency;
    e.b = r.userid;
    post(now_ns, id, j, std::move(e), out);
    if (j.fold.state == job_state::priority && j.retry_ns == 0 && !j.moves)
      enqueue(now_ns, id, j, out);
  }
  return ids->size();
}

caf::expected<uint64_t> job_manager_core::add_memo(int64_t now_ns, const memo_request& r,
                                                   job_manager_out& out) {
  auto memo = parse_json(r.memo);
  if (!memo || !memo->is_object())
    return make_error(ec::bad_argument, "memo: must be a JSON object");
  auto ids = select(r.jobs, pending_states | 16 | 32, "a job that has not ended");
  if (!ids)
    return std::move(ids.error());
  for (auto id : *ids) {
    job_event e;
    e.kind = event_kind::memo;
    e.text = r.memo;
    post(now_ns, id, jobs_.at(id), std::move(e), out);
  }
  return ids->size();
}

void job_manager_core::on_deadline(int64_t now_ns, job_manager_out& out) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now_ns) {
    auto id = deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    auto& j = jobs_.at(id);
    j.deadline_ns = 0;
    if (j.fold.state == job_state::run)
      fail(now_ns, id, j, "timeout",
           fmt::format("resource allocation expired: time limit {} s{}", j.spec->duration_s,
                       j.fold.has_started ? ""
                                          : "; its tasks had not started by half an hour more"),
           0, -1, -1, out);
  }
  warn_due(now_ns, out);
  begin_due(now_ns, out);
  retry_due(now_ns, out);
}

void job_manager_core::on_clock_set(int64_t by_ns) {
  auto move_all = [&](std::set<std::pair<int64_t, job_id>>& times, int64_t job::*time,
                      auto&& is_counted) {
    std::set<std::pair<int64_t, job_id>> moved;
    for (auto [at_ns, id] : times) {
      auto& j = jobs_.at(id);
      if (is_counted(j) && at_ns < INT64_MAX / 2)
        j.*time = at_ns += by_ns;
      moved.emplace(at_ns, id);
    }
    times = std::move(moved);
  };
  auto always = [](const job&) { return true; };
  move_all(deadlines_, &job::deadline_ns, always);
  move_all(retries_, &job::retry_ns, always);
  // Of jobs without a limit they come before the end of the instance, which is a time of the day.
  move_all(warnings_, &job::warn_ns, [](const job& j) { return j.spec->duration_s > 0; });
  for (auto& [id, j] : jobs_)
    if (j.t_start_ns != 0)
      j.t_start_ns += by_ns;
}

void job_manager_core::set_deadline(int64_t at_ns, job_id id, job& j) {
  deadlines_.erase({j.deadline_ns, id});
  j.deadline_ns = at_ns;
  deadlines_.emplace(at_ns, id);
}

void job_manager_core::limit_start(int64_t granted_ns, job_id id, job& j) {
  if (j.spec->duration_s > 0)
    set_deadline(moment_after(granted_ns, j.spec->duration_s + start_grace_s), id, j);
}

void job_manager_core::begin_limit(int64_t now_ns, job_id id, job& j) {
  j.t_start_ns = now_ns;
  if (j.spec->duration_s > 0)
    set_deadline(moment_after(now_ns, j.spec->duration_s), id, j);
  auto end_ns = end_after(now_ns, j); // that of the instance ends the job without us
  if (j.spec->warn_signal == 0 || end_ns == 0)
    return;
  auto before_ns = moment_after(0, j.spec->warn_before_s);
  j.warn_ns = end_ns - now_ns > before_ns ? end_ns - before_ns : now_ns;
  warnings_.emplace(j.warn_ns, id);
}

void job_manager_core::end_limit(job_id id, job& j) {
  deadlines_.erase({j.deadline_ns, id});
  warnings_.erase({j.warn_ns, id});
  retries_.erase({j.retry_ns, id});
}

/// Tells tasks that their time is nearly over; the job's state does not change.
void job_manager_core::warn_due(int64_t now_ns, job_manager_out& out) {
  while (!warnings_.empty() && warnings_.begin()->first <= now_ns) {
    auto id = warnings_.begin()->second;
    warnings_.erase(warnings_.begin());
    auto& j = jobs_.at(id);
    if (j.fold.state == job_state::run && j.launched)
      out.signal(j.resources, {id, j.spec->warn_signal, false,
                               j.spec->warn_script ? signal_for::script : signal_for::jobs});
  }
}

int64_t job_manager_core::next_deadline_ns() const {
  auto next = INT64_MAX;
  if (!deadlines_.empty())
    next = deadlines_.begin()->first;
  if (!warnings_.empty())
    next = std::min(next, warnings_.begin()->first);
  if (!begins_.empty())
    next = std::min(next, begins_.begin()->first);
  if (!retries_.empty())
    next = std::min(next, retries_.begin()->first);
  return next == INT64_MAX ? 0 : next;
}

} // namespace hactor
