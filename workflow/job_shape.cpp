// See job_shape.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "workflow/job_shape.hpp"

#include <algorithm>

namespace hactor::workflow {

namespace {

caf::error bad(std::string text) { return make_error(ec::bad_argument, std::move(text)); }

caf::error check(const job_sizes& s) {
  if (s.exclusive && s.nodes == 0 && s.tasks_per_node == 0 && s.nodes_range.is_null())
    return bad("--exclusive with a range of --ntasks needs --nodes: whole nodes are counted by -N");
  if (s.nodes > s.tasks && s.tasks != 0)
    return bad("--nodes=" + std::to_string(s.nodes) + " with --ntasks=" + std::to_string(s.tasks)
               + ": every node needs a task; ask for at most " + std::to_string(s.tasks)
               + " nodes or at least " + std::to_string(s.nodes) + " tasks");
  return {};
}

// Makes -N and -n agree with --tasks-per-node, which beside -n is the most that a node has.
caf::error settle_tasks_per_node(job_sizes& s) {
  auto per = s.tasks_per_node;
  if (s.nodes == 0) {
    s.nodes = (s.tasks + per - 1) / per;
  } else if (s.tasks > s.nodes * per) {
    return bad("--tasks-per-node=" + std::to_string(per) + " on " + std::to_string(s.nodes)
               + " nodes makes "
               + std::to_string(s.nodes * per) + " tasks at most, not --ntasks="
               + std::to_string(s.tasks));
  }
  if (s.tasks == 0)
    s.tasks = s.nodes * per;
  return {};
}

json slot_of(json count, const job_sizes& s) {
  json with = json::array({{{"type", "core"}, {"count", std::max<uint64_t>(s.cores, 1)}}});
  if (s.gpus > 0)
    with.push_back({{"type", "gpu"}, {"count", s.gpus}});
  // What is asked of the node is asked in its slots: only there it is the job's alone.
  auto of_nodes = s.nodes != 0 || !s.nodes_range.is_null();
  if (auto slots = of_nodes && count.is_number() ? count.get<uint64_t>() : 1; s.memory_gb > 0)
    with.push_back(
        {{"type", "memory"}, {"count", (s.memory_gb + slots - 1) / slots}, {"unit", "GB"}});
  constexpr uint64_t mb_in_gb = 1024;
  if (auto mb = s.memory_mb_per_core * std::max<uint64_t>(s.cores, 1); mb > 0)
    with.push_back({{"type", "memory"}, {"count", (mb + mb_in_gb - 1) / mb_in_gb}, {"unit", "GB"}});
  return {{"type", "slot"}, {"count", count}, {"label", "task"}, {"with", with}};
}

json node_of(json count, bool exclusive, json slot) {
  json node = {{"type", "node"}, {"count", count}, {"with", json::array({std::move(slot)})}};
  if (exclusive)
    node["exclusive"] = true;
  return node;
}

/// The option by which the job is asked for by its resources; "" when it is by its tasks.
std::string_view resource_family(const job_sizes& s) {
  return s.all_cores != 0        ? "--cores"
         : s.tasks_per_core != 0 ? "--tasks-per-core"
         : s.gpus_per_node != 0  ? "--gpus-per-node"
                                 : "";
}

caf::error check_by_resource(const job_sizes& s, std::string asked) {
  for (auto& [name, given] : {std::pair{"ntasks", s.tasks != 0 || !s.tasks_range.is_null()},
                              {"cores-per-task", s.cores != 0},
                              {"gpus-per-task", s.gpus != 0}})
    if (given)
      return bad(asked + " and --" + name + " exclude each other: a job is asked for by its "
                 "resources or by its tasks");
  if (!s.nodes_range.is_null())
    return bad(asked + " with a range of --nodes: say one number of nodes");
  if (s.nodes == 0 && s.all_cores == 0)
    return bad(asked + " needs --nodes" + (s.gpus_per_node != 0 ? "" : " or --cores"));
  if (s.nodes == 0 && (s.gpus_per_node != 0 || s.tasks_per_node != 0 || s.memory_gb != 0))
    return bad("--gpus-per-node, --tasks-per-node and --mem are of each node: with "
               + asked + " they need --nodes");
  if (s.tasks_per_node != 0 && s.tasks_per_core != 0)
    return bad("--tasks-per-node and --tasks-per-core exclude each other");
  if (s.nodes != 0 && s.all_cores % s.nodes != 0)
    return bad("--cores=" + std::to_string(s.all_cores) + " cannot be spread evenly over "
               + std::to_string(s.nodes) + " nodes; "
               + std::to_string((s.all_cores / s.nodes + 1) * s.nodes) + " could");
  return {};
}

caf::expected<job_shape> shape_by_resource(job_sizes s, std::string_view asked) {
  if (auto e = check_by_resource(s, std::string{asked}))
    return e;
  job_shape shape;
  shape.count = {{"per_slot", 1}};
  json resource;
  if (s.nodes == 0) {
    resource = slot_of(s.all_cores, s);
  } else {
    s.gpus = s.gpus_per_node;
    s.cores = s.all_cores / s.nodes;
    resource = node_of(s.nodes, s.exclusive || s.all_cores == 0, slot_of(1, s));
  }
  shape.resources = json::array({std::move(resource)});
  shape.each_type = s.tasks_per_core != 0 ? "core" : "node";
  shape.tasks_on_each = s.tasks_per_core != 0 ? s.tasks_per_core : s.tasks_per_node;
  return shape;
}

} // namespace

void settle_one_node(job_sizes& s) {
  auto of_nodes = s.exclusive || (s.memory_gb != 0 && s.tasks > 1) || s.gpus_per_node != 0
                  || (s.tasks_per_node != 0 && s.tasks == 0);
  auto by_nodes =
      s.nodes != 0 || !s.nodes_range.is_null() || (s.tasks_per_node != 0 && s.tasks != 0);
  auto otherwise = s.all_cores != 0 || s.tasks_per_core != 0 || !s.tasks_range.is_null();
  if (!of_nodes || by_nodes || otherwise)
    return;
  s.nodes = 1;
  s.tasks = std::max<uint64_t>({s.tasks, s.tasks_per_node, 1});
}

caf::expected<job_shape> shape_of(job_sizes s) {
  if (auto family = resource_family(s); !family.empty())
    return shape_by_resource(std::move(s), family);
  settle_one_node(s);
  if (auto e = check(s))
    return e;
  job_shape shape;
  shape.count = {{"per_slot", 1}};
  json resource;
  if (!s.nodes_range.is_null() || !s.tasks_range.is_null()) {
    shape.beyond_version_1 = true;
    resource = s.nodes_range.is_null()
                   ? slot_of(s.tasks_range, s)
                   : node_of(s.nodes_range, s.exclusive || s.tasks_per_node == 0,
                             slot_of(std::max<uint64_t>(s.tasks_per_node, 1), s));
  } else if (s.tasks_per_node != 0 && s.nodes != 0 && s.tasks == 0 && s.cores == 0 && s.gpus == 0) {
    resource = node_of(s.nodes, true, slot_of(1, s));
    shape.tasks_on_each = s.tasks_per_node;
  } else {
    if (auto e = s.tasks_per_node != 0 ? settle_tasks_per_node(s) : caf::error{})
      return e;
    if (s.nodes == 0) {
      resource = slot_of(std::max<uint64_t>(s.tasks, 1), s);
    } else {
      bool whole = s.exclusive || s.tasks == 0;
      auto tasks = s.tasks == 0 ? s.nodes : s.tasks;
      auto slots = (tasks + s.nodes - 1) / s.nodes;
      if (tasks != s.nodes * slots)
        shape.count = {{"total", tasks}};
      resource = node_of(s.nodes, whole, slot_of(slots, s));
    }
  }
  shape.resources = json::array({std::move(resource)});
  return shape;
}

} // namespace hactor::workflow
