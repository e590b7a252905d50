// See job_shape.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "workflow/job_shape.hpp"

#include <algorithm>

namespace hactor::workflow {

namespace {

caf::error bad(std::string text) { return make_error(ec::bad_argument, std::move(text)); }

caf::error check(const job_sizes& s) {
  if (s.exclusive && s.nodes == 0 && s.nodes_range.is_null())
    return bad("--exclusive needs --nodes: whole nodes are counted by -N");
  if (s.nodes > s.tasks && s.tasks != 0)
    return bad("--nodes=" + std::to_string(s.nodes) + " with --ntasks=" + std::to_string(s.tasks)
               + ": every node needs a task; ask for at most " + std::to_string(s.tasks)
               + " nodes or at least " + std::to_string(s.nodes) + " tasks");
  return {};
}

// Makes -N and -n agree with --tasks-per-node.
caf::error settle_tasks_per_node(job_sizes& s) {
  auto per = s.tasks_per_node;
  auto asked = "--tasks-per-node=" + std::to_string(per);
  if (s.nodes == 0 && s.tasks == 0)
    return bad(asked + " needs --nodes or --ntasks");
  if (s.nodes == 0) {
    if (s.tasks % per != 0)
      return bad(asked + " with --ntasks=" + std::to_string(s.tasks)
                 + ": the tasks do not fill whole nodes; " + std::to_string(s.tasks - s.tasks % per)
                 + " or " + std::to_string(s.tasks - s.tasks % per + per) + " would");
    s.nodes = s.tasks / per;
  } else if (s.tasks != 0 && s.tasks != s.nodes * per) {
    return bad(asked + " on " + std::to_string(s.nodes) + " nodes makes "
               + std::to_string(s.nodes * per) + " tasks, not --ntasks=" + std::to_string(s.tasks));
  }
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
  return {{"type", "slot"}, {"count", count}, {"label", "task"}, {"with", with}};
}

json node_of(json count, bool exclusive, json slot) {
  json node = {{"type", "node"}, {"count", count}, {"with", json::array({std::move(slot)})}};
  if (exclusive)
    node["exclusive"] = true;
  return node;
}

} // namespace

caf::expected<job_shape> shape_of(job_sizes s) {
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
    shape.tasks_on_each_node = s.tasks_per_node;
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
