// See taskmap.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/taskmap.hpp"

#include <map>

#include <fmt/format.h>

namespace hactor {

namespace {

caf::error bad(const std::string& what) { return make_error(ec::bad_jobspec, "taskmap: " + what); }

caf::error too_many() {
  return make_error(ec::too_big, fmt::format("taskmap: more than {} tasks", tasks_max));
}

caf::expected<std::vector<uint32_t>> read_blocks(const json& blocks) {
  std::vector<uint32_t> nodes;
  if (!blocks.is_array() || blocks.empty())
    return bad("a map is a list of blocks [NODE, NODES, TASKS, REPEAT]");
  for (auto& block : blocks) {
    uint64_t n[4] = {};
    bool right = block.is_array() && block.size() == 4;
    for (size_t i = 0; right && i < 4; ++i) {
      right = block[i].is_number_unsigned() && block[i] <= tasks_max && (i == 0 || block[i] > 0);
      n[i] = right ? block[i].get<uint64_t>() : 0;
    }
    if (!right)
      return bad("a block is [NODE, NODES, TASKS, REPEAT] of whole numbers, found " + dump(block));
    // Each factor is at most 2^24, and so is the product of two that was let pass.
    if (n[1] * n[2] > tasks_max || n[1] * n[2] * n[3] > tasks_max - nodes.size())
      return too_many();
    for (uint64_t repeat = 0; repeat < n[3]; ++repeat)
      for (uint64_t node = n[0]; node < n[0] + n[1]; ++node)
        nodes.insert(nodes.end(), n[2], static_cast<uint32_t>(node));
  }
  return nodes;
}

/// "0-1;2-3"
caf::expected<std::vector<uint32_t>> read_raw(std::string_view text) {
  std::map<uint32_t, uint32_t> nodes; // by task
  for (uint32_t node = 0;; ++node) {
    auto end = std::min(text.find(';'), text.size());
    auto tasks = idset::parse(text.substr(0, end));
    if (!tasks)
      return bad("the tasks of node " + std::to_string(node) + ": " + context_of(tasks.error()));
    if (nodes.size() + tasks->size() > tasks_max)
      return too_many();
    for (auto task : tasks->expand())
      if (!nodes.emplace(task, node).second)
        return bad("task " + std::to_string(task) + " is on two nodes");
    if (end == text.size())
      break;
    text.remove_prefix(end + 1);
  }
  std::vector<uint32_t> result;
  for (auto& [task, node] : nodes) {
    if (task != result.size())
      return bad("task " + std::to_string(result.size()) + " is on no node");
    result.push_back(node);
  }
  return result;
}

/// The node of each task; a host of several nodes of R stands for the first that has room.
caf::expected<std::vector<uint32_t>> nodes_of_hosts(const std::vector<std::string>& hosts,
                                                    const rset& r, const job_layout& where) {
  std::vector<uint32_t> nodes;
  std::vector<size_t> left;
  for (auto& tasks : where.tasks)
    left.push_back(tasks.size());
  for (auto& host : hosts) {
    bool known = false;
    uint32_t node = 0;
    for (; node < r.nodes.size(); ++node) {
      known = known || r.host(node) == host;
      if (r.host(node) == host && left[node] > 0)
        break;
    }
    if (node == r.nodes.size())
      return bad(known ? "more tasks are named for host " + host + " than the job has there"
                       : "the job has no node on host " + host);
    --left[node];
    nodes.push_back(node);
  }
  return nodes;
}

} // namespace

caf::expected<std::vector<uint32_t>> read_taskmap_nodes(const std::string& text) {
  if (!text.starts_with('[') && !text.starts_with('{'))
    return read_raw(text);
  auto map = parse_json(text);
  if (!map)
    return bad(context_of(map.error()));
  if (!map->is_object())
    return read_blocks(*map);
  if (!map->contains("version") || (*map)["version"] != 1 || !map->contains("map"))
    return bad("a map that is an object has \"version\": 1 and \"map\"");
  return read_blocks((*map)["map"]);
}

caf::error renumber_tasks(const resource_request& request, const rset& r, job_layout& where) {
  auto nodes = request.task_hosts.empty() ? caf::expected{request.task_nodes}
                                          : nodes_of_hosts(request.task_hosts, r, where);
  if (!nodes)
    return std::move(nodes.error());
  if (where.starts.size() > 1)
    return bad("a job of several programs has no map of its own");
  if (nodes->size() != where.ntasks)
    return bad(fmt::format("it is for {} tasks, the job has {}", nodes->size(), where.ntasks));
  std::vector<idset> tasks(where.tasks.size());
  for (uint32_t task = 0; task < nodes->size(); ++task) {
    auto node = (*nodes)[task];
    if (node >= tasks.size())
      return bad(fmt::format("it names node {}, the job has {}", node, tasks.size()));
    tasks[node].add_range(task, task);
  }
  for (size_t i = 0; i < tasks.size(); ++i)
    if (tasks[i].size() != where.tasks[i].size())
      return bad(fmt::format("it has {} tasks on node {}, the job has {} there", tasks[i].size(), i,
                             where.tasks[i].size()));
  where.tasks = std::move(tasks);
  return {};
}

} // namespace hactor
