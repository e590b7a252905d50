// See request.hpp. Layout follows flux-core: a total is dealt evenly over the nodes, no node beyond
// its slots before all are full; ranks then run along the nodes (block) or around them (cyclic).
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/request.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

namespace hactor {

namespace {

constexpr auto scope = "this instance's scheduler places node, slot, core and gpu only";

caf::error cannot(const std::string& path, const std::string& what) {
  return make_error(ec::unsatisfiable, fmt::format("{}: {}; {}", path, what, scope));
}

caf::error bad(const std::string& path, std::string_view wanted, const json& found) {
  return make_error(ec::bad_jobspec, fmt::format("{}: {}, found {}", path, wanted, brief(found)));
}

/// Takes the count of a vertex that must be one number and carry nothing that needs a graph.
caf::error read_plain(const resource_vertex& vertex, const std::string& path, uint32_t& to) {
  auto count = exact(vertex.count);
  if (!count)
    return cannot(path + ".count",
                  fmt::format("{} is a choice, and one number is needed", to_string(vertex.count)));
  if (!vertex.id.empty())
    return cannot(path + ".id", fmt::format("\"{}\" names single resources", vertex.id));
  if (!vertex.unit.empty())
    return cannot(path + ".unit", fmt::format("\"{}\" is not a whole resource", vertex.unit));
  to = static_cast<uint32_t>(*count);
  return {};
}

/// Reads what is inside of a slot (or of a node inside of a slot): core, gpu.
caf::error read_leaves(const std::vector<resource_vertex>& with, const std::string& path,
                       resource_request& to) {
  uint32_t cores = 0;
  uint32_t gpus = 0;
  for (size_t i = 0; i < with.size(); ++i) {
    auto where = fmt::format("{}.with[{}]", path, i);
    const auto& leaf = with[i];
    if (leaf.type != "core" && leaf.type != "gpu")
      return cannot(where, fmt::format("\"{}\" inside of a slot", leaf.type));
    if (!leaf.with.empty())
      return cannot(where + ".with", fmt::format("a {} with parts", leaf.type));
    if (leaf.exclusive == false)
      return cannot(where + ".exclusive", "shared parts of a slot");
    auto& field = leaf.type == "core" ? cores : gpus;
    if (field != 0)
      return cannot(where, fmt::format("a second entry of type {} in one slot", leaf.type));
    if (auto e = read_plain(leaf, where, field))
      return e;
  }
  if (cores == 0)
    return cannot(path + ".with", "a slot without cores");
  to.cores_per_slot = cores;
  to.gpus_per_slot = gpus;
  return {};
}

/// Reads slot > core, slot > (core, gpu) or slot > node > ...
caf::error read_slot(const resource_vertex& slot, const std::string& path, bool in_node,
                     resource_request& to) {
  if (auto e = read_plain(slot, path, to.slots))
    return e;
  if (in_node || slot.with.size() != 1 || slot.with[0].type != "node")
    return read_leaves(slot.with, path, to);
  uint32_t nodes = 0;
  const auto& node = slot.with[0];
  if (auto e = read_plain(node, path + ".with[0]", nodes))
    return e;
  if (nodes != 1)
    return cannot(path + ".with[0].count", fmt::format("a slot of {} nodes", nodes));
  if (node.exclusive == false)
    return cannot(path + ".with[0].exclusive", "shared parts of a slot");
  to.nnodes = to.slots;
  to.slots_per_node = 1;
  to.exclusive = true;
  return node.with.empty() ? caf::error{} : read_leaves(node.with, path + ".with[0]", to);
}

caf::error read_resources(const jobspec& spec, resource_request& to) {
  if (spec.resources.size() != 1)
    return cannot("resources", fmt::format("{} entries, and one is needed", spec.resources.size()));
  const auto& top = spec.resources[0];
  if (top.type == "slot")
    return read_slot(top, "resources[0]", false, to);
  if (top.type != "node")
    return cannot("resources[0].type", fmt::format("\"{}\" at the top", top.type));
  if (auto e = read_plain(top, "resources[0]", to.nnodes))
    return e;
  if (top.with.size() != 1 || top.with[0].type != "slot")
    return cannot("resources[0].with", "a node with something else than one slot entry");
  to.exclusive = top.exclusive.value_or(false);
  if (auto e = read_slot(top.with[0], "resources[0].with[0]", true, to))
    return e;
  to.slots_per_node = to.slots;
  auto slots = uint64_t{to.nnodes} * to.slots_per_node;
  if (slots > count_max)
    return cannot("resources[0]", fmt::format("{} slots", slots));
  to.slots = static_cast<uint32_t>(slots);
  return {};
}

caf::error read_task(const jobspec& spec, resource_request& to) {
  if (spec.tasks.size() != 1)
    return cannot("tasks", fmt::format("{} entries, and one is needed", spec.tasks.size()));
  const auto& task = spec.tasks[0];
  auto count = task.count;
  if (task.rule == task_rule::total) {
    to.spread = task_spread::total;
    if (spec.version == 1 && count < to.nnodes)
      return bad("tasks[0].count.total",
                 fmt::format("must be at least the number of nodes ({})", to.nnodes), count);
    if (spec.version == 1 && count > to.slots)
      return bad("tasks[0].count.total",
                 fmt::format("must be at most the number of slots ({})", to.slots), count);
  } else {
    to.spread = task_spread::per_slot;
    // What is inside of a slot is the same in all slots: a count per resource is one per slot.
    if (task.rule == task_rule::per_resource && task.per_type == "core")
      count *= to.cores_per_slot;
    if (task.rule == task_rule::per_resource && task.per_type == "gpu")
      count *= to.gpus_per_slot;
  }
  if (count > tasks_max)
    return make_error(ec::too_big,
                      fmt::format("tasks[0].count: {} tasks; at most {}", count, tasks_max));
  to.task_count = static_cast<uint32_t>(count);
  return {};
}

caf::error read_per_resource(const json& option, resource_request& to) {
  const std::string path = "attributes.system.shell.options.per-resource";
  if (!option.is_object() || !option.contains("type"))
    return bad(path, "must be a mapping with type (node or core) and count", option);
  const auto& type = option["type"];
  if (type != "node" && type != "core")
    return bad(path + ".type", "must be \"node\" or \"core\"", type);
  to.task_count = 1;
  if (auto count = option.find("count"); count != option.end()) {
    if (!count->is_number_unsigned() || *count < 1 || *count > tasks_max)
      return bad(path + ".count", "must be a positive integer", *count);
    to.task_count = count->get<uint32_t>();
  }
  to.spread = type == "node" ? task_spread::per_node : task_spread::per_core;
  return {};
}

/// The option's value is "block", "cyclic" or "cyclic:N", plain or as {"scheme": s, "value": v}.
caf::error read_taskmap(const json& option, resource_request& to) {
  const std::string path = "attributes.system.shell.options.taskmap";
  constexpr auto wanted = "must be block, cyclic or cyclic:N";
  std::string scheme;
  std::string value;
  if (option.is_object() && option.contains("scheme") && option["scheme"].is_string()) {
    scheme = option["scheme"].get<std::string>();
    if (auto x = option.find("value"); x != option.end())
      value = x->is_string() ? x->get<std::string>() : dump(*x);
  } else if (option.is_string()) {
    scheme = option.get<std::string>();
    if (auto colon = scheme.find(':'); colon != std::string::npos) {
      value = scheme.substr(colon + 1);
      scheme.resize(colon);
    }
  }
  if (scheme == "block" && value.empty()) {
    to.order = task_order::block;
    return {};
  }
  if (scheme != "cyclic")
    return bad(path, wanted, option);
  to.order = task_order::cyclic;
  if (value.empty())
    return {};
  auto stride = parse_count_text(value);
  auto number = stride ? exact(*stride) : std::nullopt;
  if (!number)
    return bad(path, wanted, option);
  to.cyclic_stride = static_cast<uint32_t>(*number);
  return {};
}

/// Deals `total` over nodes evenly, no node beyond its slots before all have theirs.
std::vector<uint64_t> deal(const std::vector<uint32_t>& slots, uint64_t total) {
  auto all = std::accumulate(slots.begin(), slots.end(), uint64_t{0});
  std::vector<uint64_t> counts(slots.size());
  if (total >= all) {
    auto rest = total - all;
    for (size_t i = 0; i < counts.size(); ++i)
      counts[i] = slots[i] + rest / counts.size() + (i < rest % counts.size() ? 1 : 0);
    return counts;
  }
  auto filled = [&](uint64_t level) {
    uint64_t sum = 0;
    for (auto s : slots)
      sum += std::min<uint64_t>(s, level);
    return sum;
  };
  // The highest level to which all nodes can be filled; what is left is less than a round.
  uint64_t low = 0;
  uint64_t high = *std::max_element(slots.begin(), slots.end());
  while (low < high) {
    auto middle = (low + high + 1) / 2;
    if (filled(middle) <= total)
      low = middle;
    else
      high = middle - 1;
  }
  auto rest = total - filled(low);
  for (size_t i = 0; i < counts.size(); ++i) {
    counts[i] = std::min<uint64_t>(slots[i], low);
    if (rest > 0 && slots[i] > low) {
      ++counts[i];
      --rest;
    }
  }
  return counts;
}

std::vector<idset> number_tasks(const std::vector<uint64_t>& counts, uint32_t stride) {
  std::vector<idset> tasks(counts.size());
  auto left = counts;
  uint32_t next = 0;
  for (bool some = true; some;) {
    some = false;
    for (size_t i = 0; i < left.size(); ++i) {
      auto n = stride == 0 ? left[i] : std::min<uint64_t>(left[i], stride);
      if (n == 0)
        continue;
      tasks[i].add_range(next, next + static_cast<uint32_t>(n) - 1);
      next += static_cast<uint32_t>(n);
      left[i] -= n;
      some = some || left[i] > 0;
    }
  }
  return tasks;
}

/// Slots on each node of R; they sum up to request.slots, or there is too little room.
caf::expected<std::vector<uint32_t>> count_slots(const resource_request& request, const rset& r) {
  std::vector<uint32_t> slots;
  uint64_t left = request.slots;
  for (const auto& node : r.nodes) {
    uint64_t room = node.cores.size() / request.cores_per_slot;
    if (request.gpus_per_slot > 0)
      room = std::min(room, node.gpus.size() / request.gpus_per_slot);
    if (request.nnodes > 0)
      room = std::min<uint64_t>(room, request.slots_per_node);
    room = std::min(room, left);
    left -= room;
    slots.push_back(static_cast<uint32_t>(room));
  }
  if (left > 0 || (request.nnodes > 0 && r.nodes.size() != request.nnodes))
    return make_error(ec::bad_rset, fmt::format("R: {} nodes with {} cores do not hold {}",
                                                r.nodes.size(), r.core_count(), describe(request)));
  return slots;
}

} // namespace

caf::expected<resource_request> compile_request(const jobspec& spec) {
  resource_request request;
  if (auto e = read_resources(spec, request))
    return e;
  if (auto e = read_task(spec, request))
    return e;
  request.duration_s = spec.system.duration.value_or(0);
  if (!spec.system.constraints.is_null()) {
    auto where = constraint::compile(spec.system.constraints, "attributes.system.constraints");
    if (!where)
      return where.error();
    request.where = std::move(*where);
  }
  if (spec.system.shell_options.is_object()) {
    const auto& options = spec.system.shell_options;
    if (auto x = options.find("per-resource"); x != options.end())
      if (auto e = read_per_resource(*x, request))
        return e;
    if (auto x = options.find("taskmap"); x != options.end())
      if (auto e = read_taskmap(*x, request))
        return e;
  }
  return request;
}

std::string describe(const resource_request& request) {
  auto plural = [](uint64_t n, std::string_view what) {
    return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
  };
  auto text = std::string();
  if (request.nnodes > 0)
    text = fmt::format("{}{} with ", request.exclusive ? "whole " : "",
                       plural(request.nnodes, "node"));
  text += plural(request.nnodes > 0 ? request.slots_per_node : request.slots, "slot");
  text += " of " + plural(request.cores_per_slot, "core");
  if (request.gpus_per_slot > 0)
    text += " and " + plural(request.gpus_per_slot, "gpu");
  return text;
}

caf::expected<job_layout> layout(const resource_request& request, const rset& r) {
  job_layout result;
  auto slots = count_slots(request, r);
  if (!slots)
    return slots.error();
  result.slots = std::move(*slots);
  std::vector<uint64_t> counts;
  if (request.spread == task_spread::total)
    counts = deal(result.slots, request.task_count);
  for (size_t i = 0; i < r.nodes.size(); ++i) {
    if (request.spread == task_spread::per_slot)
      counts.push_back(uint64_t{result.slots[i]} * request.task_count);
    else if (request.spread == task_spread::per_node)
      counts.push_back(request.task_count);
    else if (request.spread == task_spread::per_core)
      counts.push_back(r.nodes[i].cores.size() * request.task_count);
  }
  auto ntasks = std::accumulate(counts.begin(), counts.end(), uint64_t{0});
  if (ntasks > tasks_max)
    return make_error(ec::too_big,
                      fmt::format("tasks: {} tasks; at most {} in one job", ntasks, tasks_max));
  result.ntasks = static_cast<uint32_t>(ntasks);
  result.tasks =
      number_tasks(counts, request.order == task_order::block ? 0 : request.cyclic_stride);
  return result;
}

std::string taskmap_json(const job_layout& where) {
  struct stretch {
    uint32_t first;
    uint32_t node;
    uint32_t count;
  };
  std::vector<stretch> all;
  for (size_t i = 0; i < where.tasks.size(); ++i)
    for (const auto& run : where.tasks[i].runs())
      all.push_back({run.first, static_cast<uint32_t>(i), run.last - run.first + 1});
  std::sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.first < b.first; });
  auto same = [](const stretch& a, const stretch& b) {
    return a.node == b.node && a.count == b.count;
  };
  std::string text = "[";
  for (size_t i = 0; i < all.size();) {
    size_t n = 1;
    while (i + n < all.size() && all[i + n].node == all[i].node + n
           && all[i + n].count == all[i].count)
      ++n;
    auto begin = all.begin() + static_cast<ptrdiff_t>(i);
    size_t repeat = 1;
    while (i + (repeat + 1) * n <= all.size()
           && std::equal(begin, begin + static_cast<ptrdiff_t>(n),
                         begin + static_cast<ptrdiff_t>(repeat * n), same))
      ++repeat;
    text += fmt::format("{}[{},{},{},{}]", text.size() > 1 ? "," : "", all[i].node, n, all[i].count,
                        repeat);
    i += n * repeat;
  }
  return text + "]";
}

} // namespace hactor
