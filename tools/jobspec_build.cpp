// From the options of submit and run to a jobspec of version 1. The shapes are those of RFC 25:
//   -n            slot[n] > core[c] (, gpu[g])
//   -N [-n]       node[N] > slot[ceil(n/N)] > core[c] (, gpu[g])
//   -N --tasks-per-node=T alone: whole nodes with one slot, and the shell starts T tasks on each.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <charconv>
#include <cmath>
#include <csignal>
#include <fstream>
#include <iterator>

#include "runtime/duration.hpp"
#include "runtime/idset.hpp"
#include "runtime/limits.hpp"
#include "runtime/signals.hpp"
#include "tools/constraint_text.hpp"
#include "tools/session.hpp"
#include "tools/submit_options.hpp"

namespace hactor::tools {

namespace {

// The most that a jobspec takes for one count.
constexpr uint64_t count_max = (uint64_t{1} << 31) - 1;

caf::error bad(std::string text) { return make_error(ec::bad_argument, std::move(text)); }

// What was asked about the size of a job; 0: not given.
struct sizes {
  uint64_t tasks = 0;
  uint64_t nodes = 0;
  uint64_t cores = 0;
  uint64_t gpus = 0;
  uint64_t tasks_per_node = 0;
  bool exclusive = false;
};

caf::expected<sizes> read_sizes(const parsed_options& options) {
  sizes s;
  struct {
    const char* name;
    uint64_t* to;
    uint64_t min;
  } fields[] = {{"ntasks", &s.tasks, 1},
                {"nodes", &s.nodes, 1},
                {"cores-per-task", &s.cores, 1},
                {"gpus-per-task", &s.gpus, 0},
                {"tasks-per-node", &s.tasks_per_node, 1}};
  for (auto& f : fields) {
    auto n = options.number(f.name, 0, f.min, count_max);
    if (!n)
      return std::move(n.error());
    *f.to = *n;
  }
  s.exclusive = options.has("exclusive");
  if (s.exclusive && s.nodes == 0)
    return bad("--exclusive needs --nodes: whole nodes are counted by -N");
  if (s.nodes > s.tasks && s.tasks != 0)
    return bad("--nodes=" + std::to_string(s.nodes) + " with --ntasks=" + std::to_string(s.tasks)
               + ": every node needs a task; ask for at most " + std::to_string(s.tasks)
               + " nodes or at least " + std::to_string(s.nodes) + " tasks");
  return s;
}

// Makes -N and -n agree with --tasks-per-node.
caf::error settle_tasks_per_node(sizes& s) {
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

json slot_of(uint64_t count, const sizes& s) {
  json with = json::array({{{"type", "core"}, {"count", std::max<uint64_t>(s.cores, 1)}}});
  if (s.gpus > 0)
    with.push_back({{"type", "gpu"}, {"count", s.gpus}});
  return {{"type", "slot"}, {"count", count}, {"label", "task"}, {"with", with}};
}

json node_of(uint64_t count, bool exclusive, json slot) {
  json node = {{"type", "node"}, {"count", count}, {"with", json::array({std::move(slot)})}};
  if (exclusive)
    node["exclusive"] = true;
  return node;
}

// Sets resources, the task count, and the shell's option for several tasks a slot.
caf::error set_shape(json& spec, const parsed_options& options) {
  auto read = read_sizes(options);
  if (!read)
    return std::move(read.error());
  auto& s = *read;
  json count = {{"per_slot", 1}};
  json resource;
  if (s.tasks_per_node != 0 && s.nodes != 0 && s.tasks == 0 && s.cores == 0 && s.gpus == 0) {
    resource = node_of(s.nodes, true, slot_of(1, s));
    spec["attributes"]["system"]["shell"]["options"]["per-resource"]
      = {{"type", "node"}, {"count", s.tasks_per_node}};
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
        count = {{"total", tasks}};
      resource = node_of(s.nodes, whole, slot_of(slots, s));
    }
  }
  spec["resources"] = json::array({std::move(resource)});
  spec["tasks"]
    = json::array({{{"command", options.operands}, {"slot", "task"}, {"count", std::move(count)}}});
  return {};
}

void set_streams(json& shell, const parsed_options& options) {
  struct {
    const char* option;
    const char* group;
    const char* stream;
  } streams[] = {{"output", "output", "stdout"}, {"error", "output", "stderr"},
                 {"input", "input", "stdin"}};
  for (auto& s : streams) {
    if (!options.has(s.option))
      continue;
    auto& at = shell["options"][s.group][s.stream];
    at = {{"type", "file"}, {"path", options.value(s.option)}};
    if (options.has("label-io") && std::string_view{s.group} == "output")
      at["label"] = true;
  }
  // Who runs a job is attached to it: its input comes from there.
  if (std::string_view{options.of->name} == "run" && !options.has("input"))
    shell["options"]["input"]["stdin"]["type"] = "service";
  if (options.has("unbuffered"))
    for (auto* stream : {"stdout", "stderr"})
      shell["options"]["output"][stream]["buffer"]["type"] = "none";
}

caf::error set_limits(json& system, const parsed_options& options) {
  system["duration"] = 0;
  if (!options.has("time-limit"))
    return {};
  auto seconds = parse_time_limit(options.value("time-limit"));
  if (!seconds)
    return bad("--time-limit: " + render(seconds.error()));
  // No limit is written 0 in a jobspec. Whole seconds stay integers, for those who read them.
  if (std::isinf(*seconds))
    return {};
  if (*seconds == std::floor(*seconds) && *seconds < 1e15)
    system["duration"] = static_cast<int64_t>(*seconds);
  else
    system["duration"] = *seconds;
  return {};
}

// "SIG@TIME", and Slurm's "B:SIG@TIME": a job here has no batch shell apart from its tasks.
caf::error set_warning(json& system, const parsed_options& options) {
  if (!options.has("signal"))
    return {};
  if (system["duration"] == 0)
    return bad("--signal needs --time-limit: it warns before that");
  auto given = options.value("signal");
  std::string_view text = given;
  if (text.starts_with("B:"))
    text.remove_prefix(2);
  auto split = std::min(text.find('@'), text.size());
  auto signal = split == 0 ? caf::expected<int>{SIGUSR1} : parse_signal(text.substr(0, split));
  auto before =
      split == text.size() ? caf::expected<double>{60.0} : parse_fsd(text.substr(split + 1));
  if (!signal)
    return bad("--signal: " + render(signal.error()));
  if (!before)
    return bad("--signal: " + render(before.error()));
  if (!(*before > 0 && std::isfinite(*before)))
    return bad("--signal: '" + given + "': the time before the limit must be above 0");
  system["shell"]["options"]["signal"] = {{"signum", *signal}, {"timeleft", *before}};
  return {};
}

caf::error set_dependencies(json& system, const parsed_options& options) {
  json list = json::array();
  for (auto& text : options.all("dependency"))
    if (auto e = add_dependencies(list, text, now_s()))
      return e;
  if (options.has("begin-time"))
    if (auto e = add_dependencies(list, "begin-time:" + options.value("begin-time"), now_s()))
      return e;
  for (auto& entry : list)
    if (entry["scheme"] == "singleton" && !options.has("job-name"))
      return bad("--dependency=singleton needs --job-name: it waits for jobs of the same name");
  if (!list.empty())
    system["dependencies"] = std::move(list);
  return {};
}

caf::error set_constraints(json& system, const parsed_options& options) {
  json all = json::array();
  for (auto& text : options.all("requires")) {
    auto constraint = parse_constraint(text);
    if (!constraint)
      return std::move(constraint.error());
    all.push_back(std::move(*constraint));
  }
  for (auto& hosts : options.all("hosts"))
    all.push_back({{"hostlist", json::array({hosts})}});
  if (all.size() == 1)
    system["constraints"] = std::move(all[0]);
  else if (!all.empty())
    system["constraints"] = {{"and", std::move(all)}};
  return {};
}

caf::error set_environment(json& system, const parsed_options& options,
                           const environment_map& own) {
  std::vector<std::string> rules;
  for (auto& [option, value] :
       options.values) { // in order: a later rule sees an earlier one's work
    if (option->name == std::string_view{"env"})
      rules.push_back(value);
    else if (option->name == std::string_view{"env-remove"})
      rules.push_back("-" + value);
  }
  auto environment = job_environment(own, rules);
  if (!environment)
    return std::move(environment.error());
  system["environment"] = json(std::move(*environment));
  return {};
}

caf::expected<json> read_json_file(std::string_view option, const std::string& path) {
  std::ifstream file{path};
  if (!file)
    return bad("--" + std::string{option} + ": cannot read '" + path + "'");
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  auto value = parse_json(text);
  return value ? value : bad("--" + std::string{option} + ": " + path + ": "
                             + render(value.error()));
}

} // namespace

caf::expected<int> parse_urgency(std::string_view text) {
  if (text == "hold")
    return 0;
  if (text == "default")
    return limits::urgency_default;
  if (text == "expedite")
    return limits::urgency_max;
  int n = -1;
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (code != std::errc{} || end != text.data() + text.size() || n < 0 || n > limits::urgency_max)
    return bad("urgency '" + std::string{text} + "' is not 0 to 31, hold, default or expedite");
  return n;
}

caf::error set_attribute(json& at, std::string_view option, std::string_view text) {
  bool from_file = text.starts_with("^");
  text.remove_prefix(from_file ? 1 : 0);
  auto equals = std::min(text.find('='), text.size());
  auto key = text.substr(0, equals);
  json value = 1;
  if (from_file) {
    if (equals == text.size())
      return bad("--" + std::string{option} + ": '^" + std::string{text} + "' is not ^KEY=FILE");
    auto read = read_json_file(option, std::string{text.substr(equals + 1)});
    if (!read)
      return std::move(read.error());
    value = std::move(*read);
  } else if (equals < text.size()) {
    auto parsed = parse_json(text.substr(equals + 1));
    value = parsed ? std::move(*parsed) : json(std::string{text.substr(equals + 1)});
  }
  auto* node = &at;
  for (size_t start = 0; start <= key.size();) {
    auto end = std::min(key.find('.', start), key.size());
    auto part = std::string{key.substr(start, end - start)};
    if (part.empty())
      return bad("--" + std::string{option} + ": '" + std::string{key}
                 + "' is not a key like a.b.c");
    if (!node->is_object() && !node->is_null())
      return bad("--" + std::string{option} + ": '" + std::string{key}
                 + "' would put a key inside a value that is not an object");
    node = &(*node)[part];
    start = end + 1;
  }
  *node = std::move(value);
  return {};
}

caf::expected<json> build_jobspec(const parsed_options& options, const environment_map& own,
                                  const std::string& cwd) {
  json spec = {{"version", 1}};
  auto& system = spec["attributes"]["system"];
  if (auto e = set_shape(spec, options))
    return e;
  for (auto set : {set_limits, set_warning, set_dependencies, set_constraints})
    if (auto e = set(system, options))
      return e;
  if (auto e = set_environment(system, options, own))
    return e;
  auto dir = options.value("cwd", cwd);
  system["cwd"] = dir.starts_with("/") ? dir : cwd + "/" + dir;
  for (auto [option, key] : {std::pair{"queue", "queue"}, std::pair{"bank", "bank"}})
    if (options.has(option))
      system[key] = options.value(option);
  if (options.has("job-name"))
    system["job"]["name"] = options.value("job-name");
  set_streams(system["shell"], options);
  // The keys that a person names win over those that options made.
  for (auto& text : options.all("setopt"))
    if (auto e = set_attribute(system["shell"]["options"], "setopt", text))
      return e;
  for (auto& text : options.all("setattr")) {
    auto key = text.substr(text.starts_with("^") ? 1 : 0);
    bool rooted = key.starts_with("system.") || key.starts_with("user.");
    if (auto e = set_attribute(rooted ? spec["attributes"] : system, "setattr", text))
      return e;
  }
  if (system["shell"].is_null())
    system.erase("shell");
  return spec;
}

caf::expected<json> build_submit(const parsed_options& options, const environment_map& own,
                                 const std::string& cwd) {
  auto spec = build_jobspec(options, own, cwd);
  if (!spec)
    return spec;
  json params = {{"jobspec", std::move(*spec)}};
  if (options.has("hold") && options.has("urgency") && options.value("urgency") != "hold"
      && options.value("urgency") != "0")
    return bad("--hold and --urgency=" + options.value("urgency") + " contradict each other");
  if (options.has("hold") || options.has("urgency")) {
    auto urgency = options.has("hold") ? caf::expected<int>{0}
                                       : parse_urgency(options.value("urgency"));
    if (!urgency)
      return std::move(urgency.error());
    params["urgency"] = *urgency;
  }
  return params;
}

} // namespace hactor::tools
