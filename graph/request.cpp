// See request.hpp. Layout follows flux-core: a total is dealt evenly over the nodes, no node beyond
// its slots before all are full; ranks then run along the nodes (block) or around them (cyclic).
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/request.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>

#include <fmt/format.h>

#include "graph/rset_extra.hpp"
#include "graph/slot_amounts.hpp"
#include "graph/taskmap.hpp"
#include "graph/type_words.hpp"
#include "runtime/hostlist.hpp"

namespace hactor {

namespace {

caf::error bad(const std::string& path, std::string_view wanted, const json& found) {
  return make_error(ec::bad_jobspec, fmt::format("{}: {}, found {}", path, wanted, brief(found)));
}

// -- resources ----------------------------------------------------------------------------------

/// The one number that a plain vertex asks for; nothing when it needs a graph.
std::optional<uint32_t> plain_count(const resource_vertex& vertex) {
  auto count = exact(vertex.count);
  if (!count || !vertex.id.empty() || !vertex.unit.empty())
    return std::nullopt;
  return static_cast<uint32_t>(*count);
}

/// Reads what is inside of a plain slot (or of a node inside of a slot): core, gpu.
bool read_leaves(const std::vector<resource_vertex>& with, resource_request& to) {
  uint32_t cores = 0;
  uint32_t gpus = 0;
  for (const auto& leaf : with) {
    auto count = plain_count(leaf);
    auto* field = leaf.type == "core" ? &cores : leaf.type == "gpu" ? &gpus : nullptr;
    if (!count || field == nullptr || *field != 0 || !leaf.with.empty() || leaf.exclusive == false)
      return false;
    *field = *count;
  }
  to.cores_per_slot = cores;
  to.gpus_per_slot = gpus;
  return cores > 0;
}

/// Reads slot > core, slot > (core, gpu) or slot > node > ...
bool read_slot(const resource_vertex& slot, bool in_node, resource_request& to) {
  auto slots = plain_count(slot);
  if (!slots)
    return false;
  to.slots = *slots;
  if (in_node || slot.with.size() != 1 || slot.with[0].type != "node")
    return read_leaves(slot.with, to);
  const auto& node = slot.with[0];
  if (plain_count(node) != 1u || node.exclusive == false)
    return false;
  to.nnodes = to.slots;
  to.slots_per_node = 1;
  to.exclusive = true;
  to.cores_per_slot = 1;
  to.gpus_per_slot = 0;
  return node.with.empty() || read_leaves(node.with, to);
}

/// Reads the shapes of RFC 25, and slot > node. False: it is none of them.
bool read_plain(const jobspec& spec, resource_request& to) {
  if (spec.resources.size() != 1)
    return false;
  const auto& top = spec.resources[0];
  if (top.type == "slot")
    return read_slot(top, false, to);
  auto nodes = plain_count(top);
  if (top.type != "node" || !nodes || top.with.size() != 1 || top.with[0].type != "slot")
    return false;
  to.exclusive = top.exclusive.value_or(false);
  if (!read_slot(top.with[0], true, to))
    return false;
  to.nnodes = *nodes;
  to.slots_per_node = to.slots;
  return true;
}

/// For which of `labels` each slot is one, in the order of slot_labels(level).
void find_labels(const std::vector<resource_vertex>& level, const std::vector<std::string>& labels,
                 std::vector<std::optional<uint32_t>>& to) {
  auto of = [&labels](const resource_vertex& v) -> std::optional<uint32_t> {
    auto i = std::find(labels.begin(), labels.end(), v.label);
    if (i == labels.end())
      return std::nullopt;
    return static_cast<uint32_t>(i - labels.begin());
  };
  for (auto& v : level) {
    if (is_slot(v.type)) {
      to.push_back(of(v));
      for (auto i = level.begin(); i != level.end() && is_option(v.type) && !to.back(); ++i)
        if (i->type == v.type)
          to.back() = of(*i);
    }
    find_labels(v.with, labels, to);
  }
}

/// What a jobspec asks for at least, by counting. Products stop growing far beyond any bound.
class tally {
public:
  /// `label_of_slot`: of the slots of what is counted, in their order.
  tally(size_t labels, const std::vector<std::optional<uint32_t>>& label_of_slot)
      : label_of_slot_{label_of_slot}, slots_(labels), in_one_slot_(labels) {}

  void add(const std::vector<resource_vertex>& level, uint64_t times) {
    auto sum = count(level, times);
    nodes += sum.nodes;
    cores += sum.cores;
    gpus += sum.gpus;
  }

  /// Slots of one label, or of all.
  uint64_t slots(size_t label) const { return slots_[label]; }
  uint64_t slots() const { return std::accumulate(slots_.begin(), slots_.end(), uint64_t{0}); }

  /// How many of a type one slot has; of options, the fewest.
  uint64_t in_one_slot(size_t label, const std::string& type) const {
    uint64_t fewest = UINT64_MAX;
    for (auto& kind : in_one_slot_[label])
      fewest = std::min(fewest, amount_of(kind, type));
    return in_one_slot_[label].empty() ? 0 : fewest;
  }

  /// Whether that depends on which option is taken.
  bool varies(size_t label, const std::string& type) const {
    auto& kinds = in_one_slot_[label];
    return std::any_of(kinds.begin(), kinds.end(), [&](const amounts& kind) {
      return amount_of(kind, type) != amount_of(kinds.front(), type);
    });
  }

  uint64_t nodes = 0, cores = 0, gpus = 0;

private:
  using amounts = std::map<std::string, uint64_t>;

  struct sums {
    uint64_t nodes = 0, cores = 0, gpus = 0;

    void add(const sums& x) {
      nodes += x.nodes;
      cores += x.cores;
      gpus += x.gpus;
    }
    void keep_least(const sums& x) {
      nodes = std::min(nodes, x.nodes);
      cores = std::min(cores, x.cores);
      gpus = std::min(gpus, x.gpus);
    }
  };

  static uint64_t amount_of(const amounts& kind, const std::string& type) {
    auto i = kind.find(type);
    return i == kind.end() ? 0 : i->second;
  }

  /// Options side by side count once, as the least of each.
  sums count(const std::vector<resource_vertex>& level, uint64_t times) {
    sums all;
    std::map<std::string, sums> options; // by type
    for (const auto& v : level) {
      auto number = product(times, least(v.count));
      if (is_slot(v.type)) {
        auto seen = options.count(v.type) != 0;
        if (auto label = label_of_slot_[slot_++]) {
          slots_[*label] += seen ? 0 : number;
          add_parts(v.with, 1, in_one_slot_[*label].emplace_back());
        }
      }
      sums one{v.type == "node" ? number : 0, v.type == "core" ? number : 0,
               v.type == "gpu" ? number : 0};
      one.add(count(v.with, number));
      if (!is_option(v.type))
        all.add(one);
      else if (auto [known, is_new] = options.try_emplace(v.type, one); !is_new)
        known->second.keep_least(one);
    }
    for (auto& [type, least_of_kinds] : options)
      all.add(least_of_kinds);
    return all;
  }

  static void add_parts(const std::vector<resource_vertex>& level, uint64_t times, amounts& to) {
    for (const auto& v : level) {
      auto count = product(times, least(v.count));
      to[v.type] += count;
      add_parts(v.with, count, to);
    }
  }

  static uint64_t product(uint64_t a, uint64_t b) {
    constexpr uint64_t much = uint64_t{1} << 48;
    return a > much / b ? much : a * b;
  }

  const std::vector<std::optional<uint32_t>>& label_of_slot_;
  size_t slot_ = 0; // the next one
  std::vector<uint64_t> slots_;
  std::vector<std::vector<amounts>> in_one_slot_; // by label, of each slot of it
};

caf::error read_resources(const jobspec& spec, const tally& sums, resource_request& to) {
  if (sums.slots() > count_max)
    return make_error(ec::unsatisfiable,
                      fmt::format("resources: {} slots; at most {}", sums.slots(), count_max));
  to.plain = read_plain(spec, to);
  to.slots = static_cast<uint32_t>(sums.slots());
  to.ncores = sums.cores;
  to.ngpus = sums.gpus;
  if (to.plain) {
    to.ncores = std::max(to.ncores, uint64_t{to.slots} * to.cores_per_slot); // a bare node
    return {};
  }
  to.nnodes = static_cast<uint32_t>(std::min(sums.nodes, count_max));
  to.slots_per_node = 0;
  to.exclusive = false;
  to.cores_per_slot = static_cast<uint32_t>(sums.in_one_slot(0, "core"));
  to.gpus_per_slot = static_cast<uint32_t>(sums.in_one_slot(0, "gpu"));
  return {};
}

/// The text is that of a jobspec with nothing but what a match depends on.
void set_shape(const jobspec& spec, resource_request& to) {
  to.wants.version = spec.version;
  to.wants.resources = spec.resources;
  to.wants.system.duration = to.duration_s;
  to.wants.system.constraints = spec.system.constraints;
  to.wants.system.queue = spec.system.queue;
  to.shape = canonical_json(to.wants);
}

// -- tasks --------------------------------------------------------------------------------------

/// Each is a process with words and variables of its own, all of which their node has at a time.
constexpr uint64_t node_tasks_max = 65'536;

caf::error too_many_on_node(std::string_view path, uint64_t tasks, std::string_view node) {
  return make_error(ec::too_big, fmt::format("{}: {} tasks on {}; at most {} run on a node", path,
                                             tasks, node, node_tasks_max));
}

/// As far as it can be told before there is an R.
caf::error check_node_tasks(const task_group& group, const resource_request& r,
                            std::string_view path) {
  uint64_t tasks = group.count;
  if (group.spread == task_spread::total) {
    if (!r.plain || r.nnodes == 0)
      return {};
    tasks = (tasks + r.nnodes - 1) / r.nnodes;
  } else if (r.plain && group.spread != task_spread::per_node) {
    tasks *= std::max(r.slots_per_node, 1u);
    if (group.spread == task_spread::per_core)
      tasks *= std::max(r.cores_per_slot, 1u);
  }
  return tasks > node_tasks_max ? too_many_on_node(path, tasks, "each node") : caf::none;
}

caf::error read_task(const jobspec& spec, size_t entry, const tally& sums, resource_request& to) {
  const auto& task = spec.tasks[entry];
  auto& group = to.tasks[entry];
  auto path = fmt::format("tasks[{}].count", entry);
  auto label = std::find(to.slot_labels.begin(), to.slot_labels.end(), task.slot);
  group.slot = static_cast<uint32_t>(label - to.slot_labels.begin());
  group.slots = static_cast<uint32_t>(sums.slots(group.slot));
  auto count = task.count;
  if (task.rule == task_rule::total) {
    group.spread = task_spread::total;
    if (spec.version == 1 && count < to.nnodes)
      return bad(path + ".total",
                 fmt::format("must be at least the number of nodes ({})", to.nnodes), count);
    if (spec.version == 1 && to.plain && count > to.slots)
      return bad(path + ".total", fmt::format("must be at most the number of slots ({})", to.slots),
                 count);
  } else {
    group.spread = task_spread::per_slot;
    // What is inside of a slot is the same in all slots: a count per resource is one per slot.
    if (task.rule == task_rule::per_resource && sums.varies(group.slot, task.per_type))
      return bad(
          path + ".per_resource.type",
          fmt::format("must be one of which all slots that may be \"{}\" have the same", task.slot),
          task.per_type);
    if (task.rule == task_rule::per_resource)
      count *= std::clamp<uint64_t>(sums.in_one_slot(group.slot, task.per_type), 1, count_max);
  }
  if (count > tasks_max)
    return make_error(ec::too_big, fmt::format("{}: {} tasks; at most {}", path, count, tasks_max));
  group.count = static_cast<uint32_t>(count);
  return check_node_tasks(group, to, path);
}

caf::error read_per_resource(const json& option, resource_request& to) {
  const std::string path = "attributes.system.shell.options.per-resource";
  if (to.tasks.size() != 1)
    return bad(path, "is for jobs with one entry in tasks", option);
  if (!option.is_object() || !option.contains("type"))
    return bad(path, "must be a mapping with type (node or core) and count", option);
  const auto& type = option["type"];
  if (type != "node" && type != "core")
    return bad(path + ".type", "must be \"node\" or \"core\"", type);
  auto& group = to.tasks[0];
  group.count = 1;
  if (auto count = option.find("count"); count != option.end()) {
    if (!count->is_number_unsigned() || *count < 1 || *count > tasks_max)
      return bad(path + ".count", "must be a positive integer", *count);
    group.count = count->get<uint32_t>();
  }
  group.spread = type == "node" ? task_spread::per_node : task_spread::per_core;
  return check_node_tasks(group, to, path + ".count");
}

/// True for options of a shell by which it loads code of others (actors/plugin_options.hpp).
bool loads_plugins(const json& options) {
  return options.contains("initrc") || options.contains("userrc") || options.contains("plugins");
}

/// The option's value is "block", "cyclic", "cyclic:N", "manual:MAP" or "hosts:HOSTLIST" (which the
/// client makes of a file), plain or as {"scheme": s, "value": v}.
/// `foreign`: plugins of the job's shells may know other schemes, and say so when they are loaded.
caf::error read_taskmap(const json& option, bool foreign, resource_request& to) {
  const std::string path = "attributes.system.shell.options.taskmap";
  constexpr auto wanted = "must be block, cyclic, cyclic:N, manual:MAP or hosts:LIST";
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
  if (scheme == "manual" && !value.empty()) {
    auto nodes = read_taskmap_nodes(value);
    if (!nodes)
      return make_error(code_of(nodes.error()), path + ": " + context_of(nodes.error()));
    to.task_nodes = std::move(*nodes);
    return {};
  }
  if (scheme == "hosts") {
    auto hosts = parse_hostlist(value);
    if (!hosts || hosts->empty())
      return bad(path, "must name hosts after \"hosts:\"", option);
    to.task_hosts = std::move(*hosts);
    return {};
  }
  if (scheme != "cyclic")
    return foreign && !scheme.empty() && scheme != "block" && scheme != "manual"
               ? caf::error{}
               : bad(path, wanted, option);
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

caf::error read_affinity(const json& options, const char* name, affinity& to) {
  auto option = options.find(name);
  if (option == options.end())
    return {};
  auto path = fmt::format("attributes.system.shell.options.{}", name);
  if (!option->is_string())
    return bad(path, "must be on, off, per-task or map:SET;SET;..", *option);
  auto read = parse_affinity(option->get_ref<const std::string&>());
  if (!read)
    return make_error(ec::bad_jobspec, fmt::format("{}: {}", path, context_of(read.error())));
  to = std::move(*read);
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

/// Gives out task ranks from `next` on.
void number_tasks(const std::vector<uint64_t>& counts, uint32_t stride, uint32_t next,
                  std::vector<idset>& tasks) {
  auto left = counts;
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
    return make_error(ec::bad_rset,
                      fmt::format("R: {} nodes with {} cores do not hold {} slots of {} cores",
                                  r.nodes.size(), r.core_count(), request.slots,
                                  request.cores_per_slot));
  return slots;
}

/// Whether there may be none of a label's slots: others are made in their place.
bool is_optional(const std::vector<resource_vertex>& level, const std::string& label) {
  return std::any_of(level.begin(), level.end(), [&label](const resource_vertex& v) {
    return (is_option(v.type) && v.label == label) || is_optional(v.with, label);
  });
}

/// The slots of one label on each node of R, when R says it.
caf::expected<std::vector<uint32_t>> told_slots(const resource_request& request, size_t label,
                                                const rset& r) {
  auto extra = parse_rset_extra(r.scheduling);
  if (!extra)
    return extra.error();
  std::vector<uint32_t> slots(r.nodes.size());
  uint64_t sum = 0;
  for (const auto& [ranks, of, count] : extra->slots) {
    if (!of.empty() && of != request.slot_labels[label])
      continue;
    if (!r.ranks().contains_all(ranks))
      return make_error(ec::bad_rset, "R: scheduling.slots names ranks that R_lite has not");
    for (size_t i = 0; i < r.nodes.size(); ++i)
      if (ranks.contains(r.nodes[i].rank)) {
        slots[i] += count;
        sum += count;
      }
  }
  if ((sum == 0 && !is_optional(request.wants.resources, request.slot_labels[label]))
      || sum > tasks_max)
    return make_error(ec::bad_rset, fmt::format("R: scheduling.slots has {} slots \"{}\"", sum,
                                                request.slot_labels[label]));
  return slots;
}

/// "2 whole nodes", "1 core", "300 power", "4 TB of storage".
std::string counted(const resource_vertex& v) {
  auto text = to_string(v.count);
  auto whole = v.exclusive == true && !is_slot(v.type) ? "whole " : "";
  if (!v.unit.empty())
    return fmt::format("{} {} of {}{}", text, v.unit, whole, v.type);
  if (*whole == '\0')
    return count_of_type(text, v.type);
  return text + " whole " + count_of_type(text, v.type).substr(text.size() + 1);
}

std::string describe(const std::vector<resource_vertex>& level);

/// All options of one type: "2 slots of 3 cores or of 1 gpu"; of "xor_slot"s "either 1 slot of 3
/// cores or 2 slots of 1 gpu".
std::string describe_options(const std::vector<resource_vertex>& level, std::string_view type) {
  std::string text;
  for (const auto& v : level) {
    if (v.type != type)
      continue;
    auto slots = count_of_type(to_string(v.count), "slot");
    if (text.empty())
      text = (type == "xor_slot" ? "either " : "") + slots;
    else
      text += type == "xor_slot" ? " or " + slots : " or";
    text += " of " + describe(v.with);
  }
  return text;
}

std::string describe(const std::vector<resource_vertex>& level) {
  std::vector<std::string> parts;
  for (auto i = level.begin(); i != level.end(); ++i) {
    auto is_same = [i](const resource_vertex& before) { return before.type == i->type; };
    if (!is_option(i->type))
      parts.push_back(
          counted(*i)
          + (i->with.empty() ? "" : (i->type == "slot" ? " of " : " with ") + describe(i->with)));
    else if (std::none_of(level.begin(), i, is_same))
      parts.push_back(describe_options(level, i->type));
  }
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i)
    text += (i == 0 ? "" : i + 1 == parts.size() ? " and " : ", ") + parts[i];
  return text;
}

/// Options need labels, by which what was made of them is told; and as many "or_slot"s are made of
/// all kinds together as each of them says.
caf::error check_options(const std::vector<resource_vertex>& level, const std::string& path) {
  const resource_vertex* first = nullptr; // or_slot
  for (size_t i = 0; i < level.size(); ++i) {
    auto& v = level[i];
    auto where = fmt::format("{}[{}]", path, i);
    if (is_option(v.type) && v.label.empty())
      return make_error(ec::bad_jobspec,
                        fmt::format("{}.label: missing; a slot must have a label, to which tasks "
                                    "refer",
                                    where));
    if (v.type == "or_slot" && first != nullptr && !(v.count == first->count))
      return bad(where + ".count",
                 fmt::format("must be {}, as of the or_slot before it: so many are made of all "
                             "kinds together",
                             to_string(first->count)),
                 to_json(v.count));
    if (v.type == "or_slot")
      first = &v;
    if (auto e = check_options(v.with, where + ".with"))
      return e;
  }
  return {};
}

} // namespace

caf::expected<resource_request> compile_request(const jobspec& spec) {
  resource_request request;
  auto& labels = request.slot_labels;
  for (auto& task : spec.tasks)
    if (std::find(labels.begin(), labels.end(), task.slot) == labels.end())
      labels.push_back(task.slot);
  if (auto e = check_options(spec.resources, "resources"))
    return e;
  find_labels(spec.resources, labels, request.label_of_slot);
  tally sums{labels.size(), request.label_of_slot};
  sums.add(spec.resources, 1);
  if (auto e = read_resources(spec, sums, request))
    return e;
  request.tasks.resize(spec.tasks.size());
  for (size_t i = 0; i < spec.tasks.size(); ++i)
    if (auto e = read_task(spec, i, sums, request))
      return e;
  request.duration_s = spec.system.duration.value_or(0);
  // Who wants several cores for a slot wants its tasks to have them, and no others.
  if (request.cores_per_slot > 1)
    request.cpus.kind = affinity_kind::per_task;
  set_shape(spec, request);
  // Likewise of GPUs.
  auto amounts = amounts_of_tasks(request);
  auto has_gpus = [](const slot_amounts& a) { return a.gpus > 0; };
  if (request.slots > 1 && std::any_of(amounts.begin(), amounts.end(), has_gpus))
    request.gpus.kind = affinity_kind::per_task;
  if (spec.system.shell_options.is_object()) {
    const auto& options = spec.system.shell_options;
    if (auto x = options.find("per-resource"); x != options.end())
      if (auto e = read_per_resource(*x, request))
        return e;
    if (auto x = options.find("taskmap"); x != options.end())
      if (auto e = read_taskmap(*x, loads_plugins(options), request))
        return e;
    if (auto e = read_affinity(options, "cpu-affinity", request.cpus))
      return e;
    if (auto e = read_affinity(options, "gpu-affinity", request.gpus))
      return e;
  }
  return request;
}

std::vector<slot_amounts> amounts_of_tasks(const resource_request& request) {
  auto own = [](const task_group& g) { return g.spread == task_spread::per_slot && g.count == 1; };
  if (!std::all_of(request.tasks.begin(), request.tasks.end(), own))
    return {};
  std::vector<slot_amounts> amounts;
  if (request.plain) {
    amounts.assign(request.tasks.size(), {request.cores_per_slot, request.gpus_per_slot});
    return amounts;
  }
  tally sums{request.slot_labels.size(), request.label_of_slot};
  sums.add(request.wants.resources, 1);
  for (auto& group : request.tasks) {
    if (sums.varies(group.slot, "core") || sums.varies(group.slot, "gpu"))
      return {};
    amounts.push_back({sums.in_one_slot(group.slot, "core"), sums.in_one_slot(group.slot, "gpu")});
  }
  return amounts;
}

std::string describe(const resource_request& request) { return describe(request.wants.resources); }

uint64_t least_tasks(const resource_request& request) {
  uint64_t sum = 0;
  for (auto& group : request.tasks) {
    auto times = group.spread == task_spread::per_slot   ? group.slots
                 : group.spread == task_spread::total    ? 1
                 : group.spread == task_spread::per_node ? std::max(request.nnodes, 1u)
                                                         : request.ncores;
    sum += uint64_t{group.count} * times;
  }
  return sum;
}

caf::expected<job_layout> layout(const resource_request& request, const rset& r) {
  job_layout result;
  result.slots.resize(r.nodes.size());
  result.tasks.resize(r.nodes.size());
  std::vector<std::vector<uint32_t>> slots; // by label
  auto labels = request.plain ? 1 : request.slot_labels.size();
  for (size_t label = 0; label < labels; ++label) {
    auto of_label = request.plain ? count_slots(request, r) : told_slots(request, label, r);
    if (!of_label)
      return of_label.error();
    for (size_t i = 0; i < r.nodes.size(); ++i)
      result.slots[i] += (*of_label)[i];
    slots.push_back(std::move(*of_label));
  }
  uint64_t ntasks = 0;
  for (auto& group : request.tasks) {
    auto& here = slots[group.slot];
    std::vector<uint64_t> counts;
    auto none = std::all_of(here.begin(), here.end(), [](uint32_t n) { return n == 0; });
    if (group.spread == task_spread::total && none) // another option was taken
      counts.resize(here.size());
    else if (group.spread == task_spread::total)
      counts = deal(here, group.count);
    for (size_t i = 0; i < r.nodes.size(); ++i) {
      if (group.spread == task_spread::per_slot)
        counts.push_back(uint64_t{here[i]} * group.count);
      else if (group.spread == task_spread::per_node)
        counts.push_back(group.count);
      else if (group.spread == task_spread::per_core)
        counts.push_back(r.nodes[i].cores.size() * group.count);
    }
    for (size_t i = 0; i < r.nodes.size(); ++i)
      if (auto all = counts[i] + result.tasks[i].size(); all > node_tasks_max)
        return too_many_on_node("tasks", all, r.host(i));
    auto first = static_cast<uint32_t>(ntasks);
    ntasks = std::accumulate(counts.begin(), counts.end(), ntasks);
    if (ntasks > tasks_max)
      return make_error(ec::too_big,
                        fmt::format("tasks: {} tasks; at most {} in one job", ntasks, tasks_max));
    result.starts.push_back(first);
    number_tasks(counts, request.order == task_order::block ? 0 : request.cyclic_stride, first,
                 result.tasks);
  }
  if (ntasks == 0)
    return make_error(ec::bad_rset,
                      "R: it has no slot, or for a task per core no core, for which a task runs");
  result.ntasks = static_cast<uint32_t>(ntasks);
  if (!request.task_nodes.empty() || !request.task_hosts.empty())
    if (auto e = renumber_tasks(request, r, result))
      return e;
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
