// From the options of submit and run to a jobspec of version 1, whose shapes are those of
// workflow/job_shape. Counts may be ranges, and --shape may say all of it (RFC 45, 46): then the
// version is not 1.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <charconv>
#include <cmath>
#include <csignal>
#include <fstream>
#include <iterator>

#include "graph/affinity.hpp"
#include "graph/count.hpp"
#include "runtime/duration.hpp"
#include "runtime/idset.hpp"
#include "runtime/limits.hpp"
#include "runtime/mpi_settings.hpp"
#include "runtime/signals.hpp"
#include "tools/constraint_text.hpp"
#include "tools/session.hpp"
#include "tools/shape.hpp"
#include "tools/submit_options.hpp"
#include "tools/submitted.hpp"
#include "workflow/job_shape.hpp"
#include "workflow/utf8_words.hpp"

namespace hactor::tools {

namespace {

// Of jobspecs that are more than version 1 has.
constexpr int canonical_version = 9999;

caf::error bad(std::string text) { return make_error(ec::bad_argument, std::move(text)); }

using sizes = workflow::job_sizes;

// Reads a count that is no plain number. Null when it is one.
caf::expected<json> read_range(const parsed_options& options, const char* name) {
  auto text = options.value(name);
  if (text.find_first_not_of("0123456789") == text.npos)
    return json{};
  auto count = parse_count_text(text);
  if (!count)
    return bad("--" + std::string{name} + ": '" + text
               + "' is neither a number nor a range like 2-4, 2-8:2:*, 4+ or 1,2,4");
  return to_json(*count);
}

caf::error check_ranges(const sizes& s) {
  if (!s.nodes_range.is_null() && (s.tasks != 0 || !s.tasks_range.is_null()))
    return bad("--ntasks with a range of --nodes: say --tasks-per-node, or leave one of them out");
  if (!s.tasks_range.is_null() && (s.nodes != 0 || s.tasks_per_node != 0))
    return bad("a range of --ntasks goes with neither --nodes nor --tasks-per-node");
  return {};
}

/// "4G", "512M", "2T", or bare megabytes as for Slurm; in MB, rounded up.
/// Errors: ec::bad_argument.
caf::expected<uint64_t> parse_memory(const std::string& option, std::string_view text) {
  uint64_t n = 0;
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), n);
  auto unit = std::string_view{end, static_cast<size_t>(text.data() + text.size() - end)};
  if (unit.size() == 2 && (unit[1] == 'B' || unit[1] == 'b'))
    unit.remove_suffix(1);
  auto letter = unit.empty() ? 'M' : unit.size() == 1 ? static_cast<char>(unit[0] & ~0x20) : '?';
  constexpr uint64_t step = 1024;
  if (code == std::errc{} && n > 0 && n <= count_max) {
    if (letter == 'K')
      return (n + step - 1) / step;
    if (letter == 'M')
      return n;
    if (letter == 'G')
      return n * step;
    if (letter == 'T' && n * step <= count_max)
      return n * step * step;
  }
  return bad("--" + option + ": '" + std::string{text} + "' is not a size like 512M, 4G or 1T");
}

/// The memory of each node in GB, the unit of resource graphs, or that of each core.
caf::error read_memory(sizes& s, const parsed_options& options) {
  if (options.has("mem") && options.has("mem-per-cpu"))
    return bad("--mem and --mem-per-cpu exclude each other: the memory of each node, or of each "
               "core");
  for (std::string option : {"mem", "mem-per-cpu"}) {
    if (!options.has(option))
      continue;
    if (options.value(option) == "0") // of Slurm: all that the node has, which is no limit
      continue;
    auto mb = parse_memory(option, options.value(option));
    if (!mb)
      return std::move(mb.error());
    constexpr uint64_t mb_in_gb = 1024;
    (option == "mem" ? s.memory_gb : s.memory_mb_per_core) =
        option == "mem" ? (*mb + mb_in_gb - 1) / mb_in_gb : *mb;
  }
  if (s.memory_gb == 0)
    return {};
  if (!s.tasks_range.is_null())
    return bad("--mem is the memory of each node: with a range of --ntasks it has no meaning; "
               "--mem-per-cpu has");
  if (s.nodes == 0 && s.tasks > 1)
    return bad("--mem is the memory of each node: with --ntasks=" + std::to_string(s.tasks)
               + " it needs --nodes, or say --mem-per-cpu");
  return {};
}

/// GPUs that are said in all, or of each node beside a number of tasks, become those of each task.
caf::error settle_gpus(sizes& s, const parsed_options& options) {
  auto of_nodes = s.gpus_per_node != 0 && options.has("ntasks");
  if (!of_nodes && !options.has("gpus"))
    return {};
  auto name = std::string{of_nodes ? "gpus-per-node" : "gpus"};
  auto asked = "--" + name + "=" + options.value(name);
  if (options.has("gpus-per-task") || (s.gpus_per_node != 0 && options.has("gpus")))
    return bad(asked + ": GPUs are asked for in one way");
  if (of_nodes && s.nodes == 0)
    return bad(asked + " needs --nodes");
  if (!s.tasks_range.is_null() || !s.nodes_range.is_null())
    return bad(asked + " with a range of tasks or nodes: say --gpus-per-task");
  auto n = options.number(name, 0, 1, count_max);
  if (!n)
    return std::move(n.error());
  auto tasks = std::max({s.tasks, s.nodes * std::max<uint64_t>(s.tasks_per_node, 1), uint64_t{1}});
  auto all = of_nodes ? *n * s.nodes : *n;
  if (all % tasks != 0)
    return bad(asked + ": " + std::to_string(all) + " GPUs cannot be dealt evenly to "
               + std::to_string(tasks) + " tasks");
  s.gpus = all / tasks;
  s.gpus_per_node = 0;
  return {};
}

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
                {"tasks-per-node", &s.tasks_per_node, 1},
                {"cores", &s.all_cores, 1},
                {"tasks-per-core", &s.tasks_per_core, 1},
                {"gpus-per-node", &s.gpus_per_node, 0}};
  for (auto& [name, to] : {std::pair{"ntasks", &s.tasks_range}, {"nodes", &s.nodes_range}}) {
    auto range = read_range(options, name);
    if (!range)
      return std::move(range.error());
    *to = std::move(*range);
  }
  for (auto& f : fields) {
    if ((f.to == &s.tasks && !s.tasks_range.is_null())
        || (f.to == &s.nodes && !s.nodes_range.is_null()))
      continue;
    auto n = options.number(f.name, 0, f.min, count_max);
    if (!n)
      return std::move(n.error());
    *f.to = *n;
  }
  if (auto e = read_memory(s, options))
    return e;
  s.exclusive = options.has("exclusive");
  if (auto e = check_ranges(s))
    return e;
  if (auto e = settle_gpus(s, options))
    return e;
  return s;
}

json one_task(const parsed_options& options, const std::string& slot, json count) {
  return json::array(
      {{{"command", options.operands}, {"slot", slot}, {"count", std::move(count)}}});
}

// What --shape says is all that is said.
caf::error set_told_shape(json& spec, const parsed_options& options) {
  for (auto* other : {"ntasks", "nodes", "cores-per-task", "gpus-per-task", "tasks-per-node",
                      "cores", "tasks-per-core", "gpus", "gpus-per-node",
                      "exclusive"})
    if (options.has(other))
      return bad("--shape and --" + std::string{other} + " exclude each other");
  auto told = parse_shape(options.value("shape"));
  if (!told)
    return std::move(told.error());
  spec["version"] = canonical_version;
  spec["resources"] = std::move(told->resources);
  spec["tasks"] = one_task(options, told->label, {{"per_slot", 1}});
  return {};
}

// Sets resources, the task count, and the shell's option for several tasks a slot.
caf::error set_shape(json& spec, const parsed_options& options) {
  if (options.has("shape"))
    return set_told_shape(spec, options);
  auto read = read_sizes(options);
  if (!read)
    return std::move(read.error());
  auto shape = workflow::shape_of(std::move(*read));
  if (!shape)
    return std::move(shape.error());
  if (shape->beyond_version_1)
    spec["version"] = canonical_version;
  if (auto each = shape->tasks_on_each; each != 0)
    spec["attributes"]["system"]["shell"]["options"]["per-resource"]
      = {{"type", shape->each_type}, {"count", each}};
  spec["resources"] = std::move(shape->resources);
  spec["tasks"] = one_task(options, "task", std::move(shape->count));
  return {};
}

caf::error set_terminal(json& shell, const parsed_options& options) {
  for (auto* other : {"input", "output", "error", "label-io"})
    if (options.has(other))
      return bad(std::string{"--pty and --"} + other + " exclude each other: a terminal is input, "
                 "output and error at once");
  shell["options"]["pty"] = true;
  return {};
}

caf::error set_streams(json& shell, const parsed_options& options) {
  bool runs = std::string_view{options.of->name} == "run";
  struct {
    const char* option;
    const char* group;
    const char* stream;
  } streams[] = {{"output", "output", "stdout"}, {"error", "output", "stderr"},
                 {"input", "input", "stdin"}};
  for (auto& s : streams) {
    if (!options.has(s.option) || (s.group == std::string_view{"input"} && tasks_of_input(options)))
      continue;
    if (options.value(s.option).empty())
      return bad("--" + std::string{s.option} + ": '' is not the name of a file");
    auto& at = shell["options"][s.group][s.stream];
    at = {{"type", "file"}, {"path", options.value(s.option)}};
    if (options.has("label-io") && std::string_view{s.group} == "output")
      at["label"] = true;
  }
  // Who runs a job is attached to it: its input comes from there.
  if (tasks_of_input(options))
    shell["options"]["input"]["stdin"] = {{"type", "service"}, {"ranks", options.value("input")}};
  else if (runs && !options.has("input"))
    shell["options"]["input"]["stdin"]["type"] = "service";
  if (options.has("unbuffered"))
    for (auto* stream : {"stdout", "stderr"})
      shell["options"]["output"][stream]["buffer"]["type"] = "none";
  return runs && options.has("pty") ? set_terminal(shell, options) : caf::error{};
}

/// Who asked for an amount of each task wants each to have its own.
caf::error set_binding(json& shell, const parsed_options& options) {
  struct {
    const char* option;
    const char* amount;
  } rows[] = {{"cpu-affinity", "cores-per-task"}, {"gpu-affinity", "gpus-per-task"}};
  for (auto& row : rows) {
    if (!options.has(row.option) && !options.has(row.amount))
      continue;
    auto text = options.value(row.option, "per-task");
    if (auto read = parse_affinity(text); !read)
      return bad("--" + std::string{row.option} + ": " + context_of(read.error()));
    shell["options"][row.option] = text;
  }
  if (options.has("compat")) {
    auto name = options.value("compat");
    if (name != "slurm" && name != "flux")
      return bad("--compat: '" + name + "' is neither slurm nor flux");
    shell["options"]["compat"] = name;
  }
  if (auto e = set_taskmap(shell, options))
    return e;
  if (options.has("verbose"))
    shell["options"]["verbose"] = options.count("verbose");
  return {};
}

caf::error set_limits(json& system, const parsed_options& options) {
  if (!options.has("time-limit"))
    return {};
  auto seconds = parse_time_limit(options.value("time-limit"));
  if (!seconds)
    return bad("--time-limit: " + render(seconds.error()));
  // No limit is written 0 in a jobspec; one that says nothing gets the instance's default. Whole
  // seconds stay integers, for those who read them.
  if (std::isinf(*seconds))
    system["duration"] = 0;
  else if (*seconds == std::floor(*seconds) && *seconds < 1e15)
    system["duration"] = static_cast<int64_t>(*seconds);
  else
    system["duration"] = *seconds;
  return {};
}

// "SIG@TIME"; with Slurm's "B:" it is for the script of an instance, not for what runs in it.
caf::error set_warning(json& system, const parsed_options& options) {
  if (!options.has("signal"))
    return {};
  auto given = options.value("signal");
  if (given.empty())
    return bad("--signal: '' is not SIG@TIME, e.g. USR1@2m");
  std::string_view text = given;
  auto to_script = text.starts_with("B:");
  if (to_script)
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
  auto& warning = system["shell"]["options"]["signal"];
  warning = {{"signum", *signal}, {"timeleft", *before}};
  if (to_script)
    warning["script"] = true;
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
  for (auto [option, scheme] :
       {std::pair{"same-node-as", "same-node"}, std::pair{"not-same-node-as", "not-same-node"}})
    for (auto& job : options.all(option))
      list.push_back({{"scheme", scheme}, {"value", job}});
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
  for (auto& hosts : options.all("exclude"))
    all.push_back({{"not", json::array({{{"hostlist", json::array({hosts})}}})}});
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
    else if (option->name == std::string_view{"env-allow"})
      rules.push_back("+" + value);
    else if (option->name == std::string_view{"env-file"})
      rules.push_back("^" + value);
  }
  for (auto& rule : rules)
    if (auto e = workflow::check_utf8(rule))
      return bad("--env: " + context_of(e));
  auto environment = job_environment(own, rules);
  if (!environment)
    return std::move(environment.error());
  clean_environment(*environment, "hactor-" + std::string{options.of->name});
  // A program of many threads would take all cores of its node.
  if (options.has("cores-per-task") && !environment->contains("OMP_NUM_THREADS"))
    environment->emplace("OMP_NUM_THREADS", options.value("cores-per-task"));
  if (auto names = workflow::allowed_names(*environment); !names.empty())
    system["shell"]["options"][env_allow_option] = std::move(names);
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

bool tasks_of_input(const parsed_options& options) {
  auto text = options.value("input");
  return text == "all" || (!text.empty() && idset::parse(text));
}

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

/// Neither held nor expedited, however much was said.
static caf::expected<int> urgency_of_nice(const std::string& text) {
  int64_t n = 0;
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (code == std::errc::invalid_argument || end != text.data() + text.size())
    return bad("--nice: '" + text + "' is not a whole number");
  if (code == std::errc::result_out_of_range)
    n = text.starts_with("-") ? -limits::urgency_max : limits::urgency_max;
  n = std::clamp<int64_t>(n, -limits::urgency_max, limits::urgency_max);
  return static_cast<int>(
      std::clamp<int64_t>(limits::urgency_default - n, 1, limits::urgency_max - 1));
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
  for (auto set : {set_retries, set_in_flight, set_files})
    if (auto e = set(system, options))
      return e;
  auto dir = options.value("cwd", cwd);
  if (cwd.empty() && !dir.starts_with("/"))
    return bad(gone_directory);
  system["cwd"] = dir.starts_with("/") ? dir : cwd + "/" + dir;
  if (auto queue = options.value("queue"); queue.starts_with("-"))
    return bad("--queue: needs a name, found '" + queue + "'; for no output use --quiet");
  for (auto [option, key] : {std::pair{"queue", "queue"}, std::pair{"bank", "bank"}})
    if (options.has(option))
      system[key] = options.value(option);
  if (options.has("job-name"))
    system["job"]["name"] = options.value("job-name");
  if (auto e = set_streams(system["shell"], options))
    return e;
  for (auto set : {set_binding, set_task_limits})
    if (auto e = set(system["shell"], options))
      return e;
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
  if (auto e = workflow::check_all_utf8(spec))
    return e;
  return spec;
}

caf::expected<json> build_submit(const parsed_options& options, const environment_map& own,
                                 const std::string& cwd) {
  if (auto e = check_event(options))
    return e;
  auto spec = build_jobspec(options, own, cwd);
  if (!spec)
    return spec;
  json params = {{"jobspec", std::move(*spec)}};
  if (options.has("hold") && options.has("urgency") && options.value("urgency") != "hold"
      && options.value("urgency") != "0")
    return bad("--hold and --urgency=" + options.value("urgency") + " contradict each other");
  auto is_nice = options.has("nice") || options.has("nice-text");
  if (is_nice && options.has("urgency"))
    return bad("--nice and --urgency exclude each other: both say how urgent it is");
  if (options.has("hold") || options.has("urgency") || is_nice) {
    auto urgency = options.has("hold") ? caf::expected<int>{0}
                   : is_nice           ? urgency_of_nice(options.value("nice-text", "1"))
                                       : parse_urgency(options.value("urgency"));
    if (!urgency)
      return std::move(urgency.error());
    params["urgency"] = *urgency;
  }
  if (options.has("flags"))
    params["flags"] = split_commas(options.value("flags"));
  return params;
}

} // namespace hactor::tools
