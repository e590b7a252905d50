// What a job has, and jobs that get more nodes or give some back while they run. More is asked of
// the scheduler under an id of its own, as a job asks for room; once granted it is the job's, and
// is freed with the rest of it. A part of job_manager_core.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>

#include <fmt/format.h>

#include "actors/growth_id.hpp"
#include "actors/job_manager_core.hpp"

namespace hactor {

namespace {

/// Besides what the job itself asks of its nodes: none that it has.
json other_nodes(const json& own, const idset& has) {
  auto others = json{{"not", json::array({{{"ranks", json::array({has.to_string()})}}})}};
  return own.is_null() ? others : json{{"and", json::array({own, others})}};
}

} // namespace

const rset& job_manager_core::all_of(const job& j) {
  return j.grown ? j.grown->whole : j.resources;
}

/// A jobspec that asks for so many other nodes, for as long as the job may still run.
job_spec_ptr job_manager_core::growth_spec(int64_t now_ns, const job& j, uint32_t nodes) {
  auto& like = j.resources.nodes.front();
  resource_vertex slot{"slot", uint64_t{1}, {}, "task", {}, {}, {}};
  if (!like.cores.empty())
    slot.with.push_back({"core", uint64_t{like.cores.size()}, {}, {}, {}, {}, {}});
  if (!like.gpus.empty())
    slot.with.push_back({"gpu", uint64_t{like.gpus.size()}, {}, {}, {}, {}, {}});
  auto& own = j.spec->request->wants.system;
  jobspec wants;
  wants.resources.push_back({"node", uint64_t{nodes}, {}, {}, {}, {}, {std::move(slot)}});
  task_spec task;
  task.command = {"grow"};
  task.slot = "task";
  wants.tasks.push_back(std::move(task));
  auto left = j.deadline_ns == 0 ? 0.0 : static_cast<double>(j.deadline_ns - now_ns) * 1e-9;
  wants.system.duration = j.deadline_ns == 0 ? 0.0 : std::max(left, 1.0);
  wants.system.queue = own.queue;
  wants.system.constraints = other_nodes(own.constraints, all_of(j).ranks());
  wants.system.rest = json::object();
  auto made = make_job_spec(canonical_json(wants), wants, nullptr);
  HACTOR_CHECK(made); // of parts of a jobspec that was read
  return std::make_shared<const job_spec>(std::move(*made));
}

caf::expected<job_id> job_manager_core::grow(int64_t now_ns, job_id id, uint32_t nodes,
                                             job_manager_out& out) {
  auto it = jobs_.find(id);
  if (it == jobs_.end())
    return make_error(ec::unknown_job, to_string(id) + ": no active job has this id");
  auto& j = it->second;
  if (j.fold.state != job_state::run || !j.launched)
    return make_error(ec::wrong_state, fmt::format("{}: the job is {}; only a running job can grow",
                                                   to_string(id), name_of(j.fold.state)));
  auto growth = growth_id(growths_made_++ % growths_max);
  wanted_growth w{id, growth_spec(now_ns, j, nodes), {growth, j.fold.priority, now_ns}};
  out.want_room(w.spec, w.entry);
  growths_.emplace(growth, std::move(w));
  return growth;
}

std::optional<job_id> job_manager_core::growth_of(job_id id) const {
  auto wanted =
      std::find_if(growths_.begin(), growths_.end(), [id](auto& x) { return x.second.job == id; });
  return wanted == growths_.end() ? std::nullopt : std::optional{wanted->first};
}

void job_manager_core::stop_growing(job_id growth, const std::string& why, job_manager_out& out) {
  if (growths_.erase(growth) == 0)
    return;
  out.cancel_room(growth); // a grant that is on its way meets no job, and goes back
  out.grown(growth, {}, why);
}

void job_manager_core::on_grown(int64_t now_ns, job_id growth, rset&& part, job_manager_out& out) {
  auto& w = growths_.at(growth);
  if (part.nodes.empty()) { // on a lost broker
    out.free_room(growth);
    out.want_room(w.spec, w.entry);
    return;
  }
  auto id = w.job;
  growths_.erase(growth);
  auto it = jobs_.find(id);
  if (it == jobs_.end() || it->second.fold.state != job_state::run) {
    out.free_room(growth);
    out.grown(growth, {}, "the job has ended");
    return;
  }
  auto& j = it->second;
  if (!j.grown)
    j.grown = std::make_unique<growth_of_job>();
  part.expiration = j.resources.expiration;
  j.grown->parts.emplace_back(growth, part);
  resized(now_ns, id, j, out);
  out.grown(growth, part, {});
}

/// Requires: j.grown. Writes down what the job has now.
void job_manager_core::resized(int64_t now_ns, job_id id, job& j, job_manager_out& out) {
  j.grown->whole = j.resources;
  for (auto& [growth, part] : j.grown->parts)
    j.grown->whole = unite(j.grown->whole, part);
  job_event e;
  e.kind = event_kind::resource_update;
  e.text = j.grown->whole.ranks().to_string();
  post(now_ns, id, j, std::move(e), out);
  out.keep_record(live_record(id, j));
}

void job_manager_core::shrink(int64_t now_ns, job_id id, const idset& ranks, job_manager_out& out) {
  auto it = jobs_.find(id);
  if (it == jobs_.end() || !it->second.fold.has_alloc)
    return; // all of it has come back
  auto& j = it->second;
  auto keep = [&ranks](const rset& r) {
    auto rest = r.ranks();
    rest.remove_all(ranks);
    return rest;
  };
  auto first = keep(j.resources);
  HACTOR_CHECK(first.contains(j.resources.nodes.front().rank));
  if (first.size() != j.resources.nodes.size()) {
    j.resources = restrict_to(j.resources, first);
    out.free_part(id, ranks);
  }
  if (!j.grown)
    j.grown = std::make_unique<growth_of_job>();
  std::erase_if(j.grown->parts, [&](auto& p) {
    auto& [growth, part] = p;
    auto rest = keep(part);
    if (rest.size() == part.nodes.size())
      return false;
    if (rest.empty())
      out.free_room(growth);
    else
      out.free_part(growth, ranks);
    part = restrict_to(part, rest);
    return rest.empty();
  });
  resized(now_ns, id, j, out);
}

// -- jobs that end on some of their nodes later than on others ------------------------------------

rset job_manager_core::held_of(const job& j) {
  auto rest = j.resources.ranks();
  rest.remove_all(j.fold.released);
  return j.fold.released.empty() ? j.resources : restrict_to(j.resources, rest);
}

/// `ranks`: none means all.
void job_manager_core::post_release(int64_t now_ns, job_id id, job& j, const idset& ranks,
                                    bool final, job_manager_out& out) {
  job_event e;
  e.kind = event_kind::release;
  e.text = ranks.empty() ? "all" : ranks.to_string();
  e.a = final;
  post(now_ns, id, j, std::move(e), out);
}

void job_manager_core::on_clean(int64_t now_ns, const job_report& report, const rank_map& where,
                                job_manager_out& out) {
  auto it = jobs_.find(report.id);
  if (it == jobs_.end() || !it->second.launched || !it->second.fold.has_alloc)
    return;
  auto id = report.id;
  auto& j = it->second;
  if (j.settle || j.grown)
    return; // a broker of it is lost; an instance had all of it
  if (!report.failure.empty() && !j.fold.has_fatal)
    fail(now_ns, id, j, "exec", report.failure, 0, -1, report.status, out);
  if (report.tasks_ended && j.fold.has_started && !j.fold.has_finished)
    post_finish(now_ns, id, j, report.status, out);
  if (j.fold.state != job_state::cleanup)
    return;
  idset ranks;
  for (auto& node : j.resources.nodes)
    if (report.clean.contains(where.broker(node.rank)) && !j.fold.released.contains(node.rank))
      ranks.add(node.rank);
  // All of it comes with the report of its end.
  if (ranks.empty() || j.fold.released.size() + ranks.size() == j.resources.nodes.size())
    return;
  post_release(now_ns, id, j, ranks, false, out);
  out.free_part(id, ranks);
}

/// All that the job has, and what it still wants.
void job_manager_core::give_back(job_id id, job& j, job_manager_out& out) {
  out.free_room(id);
  if (j.grown)
    for (auto& [growth, part] : j.grown->parts)
      out.free_room(growth);
  std::vector<job_id> wanted;
  for (auto& [growth, w] : growths_)
    if (w.job == id)
      wanted.push_back(growth);
  for (auto growth : wanted)
    stop_growing(growth, "the job has ended", out);
}

} // namespace hactor
