// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/launch_plan.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "actors/binding.hpp"
#include "actors/job_spec.hpp"
#include "actors/shell_options.hpp"
#include "actors/templates.hpp"
#include "graph/jobspec.hpp"
#include "runtime/duration.hpp"
#include "runtime/json.hpp"
#include "runtime/mpi_settings.hpp"
#include "runtime/resource_limits.hpp"

namespace hactor {

namespace {

constexpr size_t recent_plans = 64;

/// Between two looks of sysmon, which cost some 30 us a process each.
constexpr double sysmon_default_s = 2, sysmon_least_s = 0.01;

/// Of what a shell waits for: more than any job runs, and counts in nanoseconds.
constexpr double duration_max_s = 1e9;

/// attributes.system.exec.test.run_duration: seconds, or a duration text.
caf::expected<double> simulated_duration(const json& rest) {
  auto at = rest.find("exec");
  if (at == rest.end() || !at->is_object())
    return -1.0;
  auto test = at->find("test");
  if (test == at->end() || !test->is_object())
    return -1.0;
  auto d = test->find("run_duration");
  if (d == test->end())
    return -1.0;
  constexpr auto path = "attributes.system.exec.test.run_duration: ";
  if (d->is_number() && d->get<double>() >= 0)
    return d->get<double>();
  if (d->is_string())
    if (auto s = parse_fsd(d->get_ref<const std::string&>()))
      return *s;
  return make_error(ec::bad_jobspec, path + std::string{"must be seconds >= 0 or a duration like "
                                                        "\"0.5s\", found "}
                                       + dump(*d));
}

constexpr auto options_path = "attributes.system.shell.options";

/// What shell.options say of one stream, as Flux writes it.
struct stream_options {
  std::string type, path, buffer, ranks; // empty: not said
  bool label = false;
};

/// Reads output.stdout = {"type": "file", "path": TEMPLATE, "label": true, "buffer": {"type":
/// "none"}} and its like. Errors: bad_jobspec, naming the key whose value has a wrong type.
caf::expected<stream_options> read_stream(const json& options, const std::string& side,
                                          const std::string& stream) {
  constexpr json_where where{ec::bad_jobspec, options_path};
  auto at = side + "." + stream;
  for (auto& part : {side, at, at + ".buffer"})
    if (find_json(options, part) != nullptr)
      if (auto object = get_object(options, part, where); !object)
        return std::move(object.error());
  stream_options s;
  for (auto& [key, value] : {std::pair{".type", &s.type}, std::pair{".path", &s.path},
                             std::pair{".buffer.type", &s.buffer},
                             std::pair{".ranks", &s.ranks}}) {
    auto text = get_string_or(options, at + key, "", where);
    if (!text)
      return std::move(text.error());
    *value = std::move(*text);
  }
  if (auto* label = find_json(options, at + ".label"); label != nullptr && label->is_number()) {
    s.label = label->get<double>() != 0; // as --setopt without a value has it
  } else {
    auto flag = get_bool_or(options, at + ".label", false, where);
    if (!flag)
      return std::move(flag.error());
    s.label = *flag;
  }
  auto service = side == "input" && s.type == "service";
  if (!s.type.empty() && s.type != "file" && !service)
    return make_error(ec::bad_jobspec,
                      fmt::format("{}.{}.type: must be file{}, or left out, found {}", where.prefix,
                                  at, side == "input" ? " or service" : "", s.type));
  if (!s.buffer.empty() && s.buffer != "none" && s.buffer != "line")
    return make_error(ec::bad_jobspec, fmt::format("{}.{}.buffer.type: must be none or line, found "
                                                   "{}",
                                                   where.prefix, at, s.buffer));
  if (s.type == "file" && s.path.empty())
    return make_error(ec::bad_jobspec, fmt::format("{}.{}.path: missing; type \"file\" needs the "
                                                   "name of a file", where.prefix, at));
  return s;
}

/// Tasks: "all", which is none, tasks like "0-3", or one as a number. Errors: ec::bad_jobspec.
caf::expected<std::optional<idset>> read_tasks(std::string_view option, const json& value) {
  auto text = value.is_string() ? value.get<std::string>() : dump(value);
  if (text == "all")
    return std::optional<idset>{};
  auto tasks = idset::parse(text);
  if (!tasks || tasks->empty())
    return make_error(ec::bad_jobspec, fmt::format("{}.{}: must be \"all\" or tasks like \"0-3\", "
                                                   "found {}",
                                                   options_path, option, dump(value)));
  return std::optional<idset>{std::move(*tasks)};
}

bool is_off(const json& value) { return value == false || value == 0; }

/// Whether an option that is a flag is set: a number, as --setopt without a value has it, or true.
caf::expected<bool> read_flag(const json& options, std::string_view option, bool absent = false) {
  auto* value = find_json(options, option);
  if (value == nullptr)
    return absent;
  if (!value->is_boolean() && !value->is_number())
    return make_error(ec::bad_jobspec, fmt::format("{}.{}: must be a number, 0 for off, or true or "
                                                   "false, found {}",
                                                   options_path, option, dump(*value)));
  return !is_off(*value);
}

/// pty: true, 1, or {"rows": R, "columns": C, "ranks": TASKS, "interactive": true, "capture":
/// true}.
caf::error add_terminal(launch_plan& plan, const json& options) {
  auto* pty = find_json(options, "pty");
  if (pty == nullptr || is_off(*pty))
    return caf::none;
  if (!pty->is_object() && !pty->is_boolean() && !pty->is_number())
    return make_error(ec::bad_jobspec,
                      fmt::format("{}.pty: must be 1, true or false, or a mapping with rows, "
                                  "columns, ranks, interactive or capture, found {}",
                                  options_path, dump(*pty)));
  plan.terminal = true;
  plan.terminal_tasks.reset();
  if (!pty->is_object())
    return caf::none;
  for (auto& [key, value] : {std::pair{"rows", &plan.rows}, std::pair{"columns", &plan.columns}}) {
    auto at = pty->find(key);
    if (at == pty->end())
      continue;
    if (!at->is_number_unsigned() || *at < 1 || *at > UINT16_MAX)
      return make_error(ec::bad_jobspec, fmt::format("{}.pty.{}: must be 1 to 65535, found {}",
                                                     options_path, key, dump(*at)));
    *value = at->get<uint16_t>();
  }
  auto interactive = read_flag(options, "pty.interactive");
  auto capture = read_flag(options, "pty.capture", interactive && !*interactive);
  for (auto* flag : {&interactive, &capture})
    if (!*flag)
      return std::move(flag->error());
  plan.keep_terminal = *capture;
  if (*interactive) // a person sits at one
    plan.terminal_tasks = idset::single(0);
  if (auto at = pty->find("ranks"); at != pty->end()) {
    auto tasks = read_tasks("pty.ranks", *at);
    if (!tasks)
      return std::move(tasks.error());
    plan.terminal_tasks = std::move(*tasks);
  }
  return caf::none;
}

/// pmi: "off" or "none", or those that are offered, divided by commas; others may stand beside
/// them, for other resource managers. What is not said there, mpi says: the kind of MPI that the
/// tasks are built with.
caf::error add_pmi(launch_plan& plan, const json& options) {
  if (find_json(options, "pmi") == nullptr) {
    auto mpi = options.value("mpi", json{}); // Intel MPI is made of MPICH, Spectrum of Open MPI
    plan.needs_pmix = mpi == "openmpi" || mpi == "spectrum";
    plan.pmi = !plan.needs_pmix;
    plan.pmix = mpi != "mpich" && mpi != "intel";
    return caf::none;
  }
  auto text = get_string_or(options, "pmi", "", {ec::bad_jobspec, options_path});
  if (!text)
    return std::move(text.error());
  plan.pmi = plan.pmix = false;
  if (*text == "off" || *text == "none")
    return caf::none;
  for (std::string_view rest = *text; !rest.empty();) {
    auto word = rest.substr(0, rest.find(','));
    plan.pmi = plan.pmi || word == "simple" || word == "pmi1" || word == "pmi2";
    plan.pmix = plan.pmix || word == "pmix";
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
  }
  if (!plan.pmi && !plan.pmix)
    return make_error(ec::bad_jobspec,
                      fmt::format("{}.pmi: must be simple (pmi1, pmi2), pmix, simple,pmix or off, "
                                  "found {}",
                                  options_path, *text));
  plan.needs_pmix = plan.pmix;
  return caf::none;
}

/// A duration, or "none", which is < 0. Nothing is changed where the option is not set.
caf::error read_patience(const json& options, std::string_view option, double& to) {
  auto* found = find_json(options, option);
  if (found == nullptr)
    return caf::none;
  to = -1;
  if (*found == "none")
    return caf::none;
  auto seconds = found->is_number()   ? caf::expected<double>{found->get<double>()}
                 : found->is_string() ? parse_fsd(found->get_ref<const std::string&>())
                                      : make_error(ec::bad_duration, "no duration");
  if (!seconds || !(*seconds >= 0))
    return make_error(ec::bad_jobspec,
                      fmt::format("{}.{}: must be a duration like 30s, or none, found {}",
                                  options_path, option, dump(*found)));
  to = *seconds;
  return caf::none;
}

/// worlds: how many MPI_COMM_WORLDs the job's programs have. Those with one of their own need not
/// end together: who wants that says so by exit-timeout. Requires: the plan has its commands.
caf::error add_worlds(launch_plan& plan, const json& options) {
  auto text = get_string_or(options, "worlds", "one", {ec::bad_jobspec, options_path});
  if (!text)
    return std::move(text.error());
  if (*text != "one" && *text != "each")
    return make_error(ec::bad_jobspec,
                      fmt::format("{}.worlds: must be one (MPI_COMM_WORLD for all programs of the "
                                  "job) or each (one for each entry of tasks), found {}",
                                  options_path, *text));
  plan.world_each = *text == "each" && plan.commands.size() > 1;
  if (plan.world_each)
    plan.exit_timeout_s = -1;
  return caf::none;
}

/// "10M", "1.5G" or bytes, of this option.
caf::expected<int64_t> read_size(std::string_view option, const json& value) {
  if (value.is_number() && value.get<double>() >= 0 && value.get<double>() < 9e18)
    return static_cast<int64_t>(value.get<double>());
  auto text = value.is_string() ? value.get<std::string>() : std::string{};
  char* end = nullptr;
  auto n = std::strtod(text.c_str(), &end);
  std::string_view unit = end;
  auto letter = std::string_view{"kKMGT"}.find(unit.empty() ? 'k' : unit[0]);
  if (end == text.c_str() || !(n >= 0) || letter == std::string_view::npos || unit.size() > 1)
    return make_error(ec::bad_jobspec, fmt::format("{}.{}: must be bytes, or a size like 10M, "
                                                   "found {}",
                                                   options_path, option, dump(value)));
  constexpr int powers[] = {1, 1, 2, 3, 4};
  for (int i = 0; !unit.empty() && i < powers[letter]; ++i)
    n *= 1024;
  return static_cast<int64_t>(std::min(n, 9e18));
}

/// rlimit: {"core": 0, "stack": -1}; memory-limit, memory-limit-per-core: bytes.
caf::error add_limits(launch_plan& plan, const json& options) {
  auto memory = read_memory_limits(options);
  if (!memory)
    return std::move(memory.error());
  plan.memory = *memory;
  auto* limits = find_json(options, "rlimit");
  if (limits == nullptr)
    return caf::none;
  if (!limits->is_object())
    return make_error(ec::bad_jobspec,
                      fmt::format("{}.rlimit: must be an object of limits, found {}", options_path,
                                  dump(*limits)));
  for (auto& [name, value] : limits->items()) {
    auto which = find_rlimit(name);
    if (!which || !value.is_number())
      return make_error(ec::bad_jobspec, fmt::format("{}.rlimit.{}: must be the name of a limit, "
                                                     "and its value a number, -1 for none",
                                                     options_path, name));
    auto n = value.get<double>();
    auto soft = n < 0 || n >= 0x1p64 ? ~uint64_t{0} : static_cast<uint64_t>(n);
    plan.limits.push_back({*which, soft, ~uint64_t{0}}); // the hard one stays as it is
  }
  return caf::none;
}

/// oom.adjust: -1000 to 1000; hwloc.xmlfile, hwloc.restrict: flags.
caf::error add_surroundings(launch_plan& plan, const json& options) {
  if (auto* adjust = find_json(options, "oom.adjust"); adjust != nullptr) {
    constexpr int furthest = 1000; // of the kernel: proc(5), oom_score_adj
    if (!adjust->is_number_integer() || *adjust < -furthest || *adjust > furthest)
      return make_error(ec::bad_jobspec, fmt::format("{}.oom.adjust: must be -1000 to 1000, found "
                                                     "{}",
                                                     options_path, dump(*adjust)));
    plan.oom_adjust = adjust->get<int32_t>();
  }
  auto file = read_flag(options, "hwloc.xmlfile");
  auto part = read_flag(options, "hwloc.restrict");
  for (auto* flag : {&file, &part})
    if (!*flag)
      return std::move(flag->error());
  plan.hwloc_restrict = *part;
  plan.hwloc_file = *part || *file;
  return caf::none;
}

/// Seconds, or a text like "30s". Errors: ec::bad_jobspec.
caf::expected<double> read_duration(std::string_view option, const json& value) {
  auto seconds = value.is_number()   ? caf::expected<double>{value.get<double>()}
                 : value.is_string() ? parse_fsd(value.get_ref<const std::string&>())
                                     : make_error(ec::bad_duration, "no duration");
  if (!seconds || !(*seconds >= 0 && *seconds <= duration_max_s))
    return make_error(ec::bad_jobspec, fmt::format("{}.{}: must be a duration like 30s, found {}",
                                                   options_path, option, dump(value)));
  return seconds;
}

/// coprocess: {NAME: {"command": [WORDS] or "TEXT for sh", "output": FILE, "ranks": NODES}}.
caf::error add_coprocesses(launch_plan& plan, const json& options) {
  auto* all = find_json(options, "coprocess");
  if (all == nullptr)
    return caf::none;
  auto bad = [](const std::string& name, const char* what) {
    return make_error(ec::bad_jobspec, fmt::format("{}.coprocess{}: must be {}", options_path,
                                                   name.empty() ? "" : "." + name, what));
  };
  if (!all->is_object())
    return bad({}, "an object of names");
  for (auto& [name, value] : all->items()) {
    coprocess c;
    c.name = name;
    auto* command = value.is_object() ? find_json(value, "command") : nullptr;
    if (command != nullptr && command->is_string())
      c.command = {"/bin/sh", "-c", command->get<std::string>()};
    else if (command != nullptr && command->is_array())
      for (auto& word : *command)
        if (word.is_string())
          c.command.push_back(word.get<std::string>());
    if (c.command.empty() || (command->is_array() && command->size() != c.command.size()))
      return bad(name, "an object with a command, a text or a list of words");
    if (auto* output = find_json(value, "output"); output != nullptr) {
      if (!output->is_string())
        return bad(name, "an object whose output is the name of a file");
      c.output = output->get<std::string>();
    }
    if (auto* ranks = find_json(value, "ranks"); ranks != nullptr) {
      auto nodes = read_tasks("coprocess." + name + ".ranks", *ranks);
      if (!nodes)
        return std::move(nodes.error());
      c.nodes = std::move(*nodes);
    }
    plan.coprocesses.push_back(std::move(c));
  }
  return caf::none;
}

/// What runs beside the tasks and looks at them: coprocess, sysmon; nosetpgrp.
caf::error add_helpers(launch_plan& plan, const json& options) {
  auto shared_group = read_flag(options, "nosetpgrp", !plan.own_groups);
  if (!shared_group)
    return std::move(shared_group.error());
  plan.own_groups = !*shared_group;
  for (auto [name, to] : {std::pair{"coprocess-kill-timeout", &plan.coprocess_kill_s},
                          std::pair{"rexec-shutdown-timeout", &plan.command_kill_s},
                          std::pair{"output.batch-timeout", &plan.batch_timeout_s}})
    if (auto* value = find_json(options, name); value != nullptr) {
      auto seconds = read_duration(name, *value);
      if (!seconds)
        return std::move(seconds.error());
      *to = *seconds;
    }
  if (auto* limit = find_json(options, "input.limit"); limit != nullptr) {
    auto bytes = read_size("input.limit", *limit);
    if (!bytes)
      return std::move(bytes.error());
    plan.input_limit = *bytes;
  }
  auto* sysmon = find_json(options, "sysmon");
  if (sysmon == nullptr || is_off(*sysmon))
    return add_coprocesses(plan, options);
  plan.sysmon_s = sysmon_default_s;
  if (auto* period = find_json(options, "sysmon.period"); period != nullptr) {
    auto seconds = read_duration("sysmon.period", *period);
    if (!seconds || *seconds < sysmon_least_s)
      return make_error(ec::bad_jobspec, fmt::format("{}.sysmon.period: must be a duration of at "
                                                     "least 10ms, found {}",
                                                     options_path, dump(*period)));
    plan.sysmon_s = *seconds;
  }
  if (auto* verbose = find_json(options, "verbose"); verbose != nullptr)
    plan.sysmon_trace = verbose->is_number() && *verbose >= 2;
  return add_coprocesses(plan, options);
}

/// What is said of all output: output.mode, output.limit; compat.
caf::error add_common_options(launch_plan& plan, const json& options) {
  constexpr json_where where{ec::bad_jobspec, options_path};
  auto mode = get_string_or(options, "output.mode", "truncate", where);
  if (!mode)
    return std::move(mode.error());
  if (*mode != "truncate" && *mode != "append")
    return make_error(ec::bad_jobspec, fmt::format("{}.output.mode: must be truncate or append, "
                                                   "found {}",
                                                   options_path, *mode));
  plan.append_output = *mode == "append";
  if (auto* limit = find_json(options, "output.limit"); limit != nullptr) {
    auto bytes = read_size("output.limit", *limit);
    if (!bytes)
      return std::move(bytes.error());
    plan.output_limit = *bytes;
  }
  auto compat = get_string_or(options, "compat", "", where);
  if (!compat)
    return std::move(compat.error());
  if (*compat != "" && *compat != "slurm" && *compat != "flux")
    return make_error(ec::bad_jobspec, fmt::format("{}.compat: must be slurm or flux, found {}",
                                                   options_path, *compat));
  plan.compat = std::move(*compat);
  if (auto* tasks = find_json(options, "compat-tasks"); tasks != nullptr) {
    if (!tasks->is_number_unsigned() || *tasks > tasks_max)
      return make_error(ec::bad_jobspec, fmt::format("{}.compat-tasks: must be 0 to {}, found {}",
                                                     options_path, tasks_max,
                                                     dump(*tasks)));
    plan.compat_tasks = tasks->get<uint32_t>();
  }
  for (auto& [name, to] :
       {std::pair{"exit-on-error", &plan.exit_on_error},
        std::pair{"stop-tasks-in-exec", &plan.stop_in_exec}, std::pair{"verbose", &plan.verbose}}) {
    auto on = read_flag(options, name, *to);
    if (!on)
      return std::move(on.error());
    *to = *on;
  }
  if (auto e = add_limits(plan, options))
    return e;
  if (auto e = read_patience(options, "exit-timeout", plan.exit_timeout_s))
    return e;
  return read_patience(options, "mpi-timeout", plan.mpi_timeout_s);
}

caf::error add_options(launch_plan& plan, const json& options) {
  if (!options.is_object())
    return caf::none;
  auto out = read_stream(options, "output", "stdout");
  auto err = read_stream(options, "output", "stderr");
  auto in = read_stream(options, "input", "stdin");
  for (auto* stream : {&out, &err, &in})
    if (!*stream)
      return std::move(stream->error());
  plan.output = std::move(out->path);
  plan.error = std::move(err->path);
  plan.input = std::move(in->path);
  plan.label = out->label || err->label;
  plan.input_attached = in->type == "service";
  if (plan.input_attached && !in->ranks.empty()) {
    auto tasks = read_tasks("input.stdin.ranks", in->ranks);
    if (!tasks)
      return std::move(tasks.error());
    plan.input_tasks = std::move(*tasks);
  }
  for (auto add : {add_terminal, add_surroundings, add_worlds, add_common_options, add_helpers})
    if (auto e = add(plan, options))
      return e;
  plan.unbuffered = out->buffer == "none" || err->buffer == "none";
  auto plugins = read_plugin_options(options);
  if (!plugins)
    return std::move(plugins.error());
  plan.plugins = std::move(*plugins);
  auto staging = read_stage_in(options);
  if (!staging)
    return std::move(staging.error());
  plan.staging = std::move(*staging);
  return add_pmi(plan, options);
}

/// Set for each task by shell_core; a second value of the same name would hide it.
bool is_shells_variable(const launch_plan& plan, std::string_view name) {
  auto of_others = plan.compat == "slurm"  ? name == "TMPDIR"
                   : plan.compat == "flux" ? name == "FLUX_URI" || name.starts_with("FLUX_JOB_")
                                                 || name.starts_with("FLUX_TASK_")
                                                 || name == "FLUX_ENCLOSING_ID"
                                           : false;
  auto of_hwloc =
      plan.hwloc_file
      && (name == "HWLOC_XMLFILE" || name == "HWLOC_COMPONENTS" || name == "HWLOC_THISSYSTEM");
  return of_others || of_hwloc || name == "HACTOR_LEVEL"
         || (plan.request.gpus.kind != affinity_kind::off && !plan.request.gpus.dry_run
             && is_gpu_variable(name));
}

/// env-allow: the names of launchers' variables that tasks are to have, in a list or joined by
/// commas.
caf::expected<std::set<std::string>> read_allowed(const launch_plan& plan, const json& options) {
  std::set<std::string> names;
  auto* value = find_json(options, env_allow_option);
  if (value == nullptr)
    return names;
  auto list = value->is_array() ? *value : json::array();
  if (value->is_string())
    for (std::string_view rest = value->get_ref<const std::string&>(); !rest.empty();) {
      auto end = std::min(rest.find(','), rest.size());
      list.push_back(std::string{rest.substr(0, end)});
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  for (auto& name : list)
    if (name.is_string())
      names.insert(name.get<std::string>());
  if (names.size() != list.size() || list.empty())
    return make_error(ec::bad_jobspec,
                      fmt::format("{}.{}: must be names of variables, each once, found {}",
                                  options_path, env_allow_option, dump(*value)));
  for (auto& name : names)
    if (is_set_for_tasks(name) || (plan.compat == "slurm" && name.starts_with("SLURM_")))
      return make_error(ec::bad_jobspec, fmt::format("{}.{}: hactor sets {} itself, for each task",
                                                     options_path, env_allow_option, name));
  return names;
}

caf::error add_environment(launch_plan& plan, const std::string& environment,
                           const json& options) {
  auto allowed = read_allowed(plan, options);
  if (!allowed)
    return std::move(allowed.error());
  plan.path = "/usr/local/bin:/usr/bin:/bin";
  if (environment.empty())
    return caf::none;
  auto object = parse_json(environment);
  if (!object)
    return std::move(object.error());
  // The PMI library of another resource manager, through which Intel MPI would go to that one.
  auto* mpi = find_json(options, "mpi");
  auto intel = mpi != nullptr && *mpi == "intel";
  for (auto& [name, value] : object->items()) {
    if (!value.is_string() || (is_launcher_variable(name) && !allowed->contains(name))
        || (intel && name == "I_MPI_PMI_LIBRARY")
        || is_shells_variable(plan, name))
      continue;
    auto& text = value.get_ref<const std::string&>();
    if (name == "PATH")
      plan.path = text;
    plan.variables += name;
    plan.variables += '=';
    plan.variables += text;
    plan.variables += '\0';
  }
  return caf::none;
}

} // namespace

caf::expected<memory_limits> read_memory_limits(const json& shell_options) {
  constexpr int64_t most_per_core = INT64_MAX / (1 << 20); // of more cores than any node has
  memory_limits limits;
  for (auto [key, bytes] : {std::pair{"memory-limit", &limits.node_bytes},
                            std::pair{"memory-limit-per-core", &limits.core_bytes}}) {
    auto* value = find_json(shell_options, key);
    auto read = value == nullptr ? caf::expected<int64_t>{0} : read_size(key, *value);
    if (!read)
      return std::move(read.error());
    *bytes = *read;
  }
  limits.core_bytes = std::min(limits.core_bytes, most_per_core);
  return limits;
}

bool is_launcher_variable(std::string_view name) {
  return is_launchers(name) || name == "HACTOR_URI" || name == "HACTOR_RANK";
}

caf::error check_shell_options(const jobspec& spec, const resource_request& request) {
  auto& options = spec.system.shell_options;
  if (!options.is_object() || options.empty())
    return caf::none;
  launch_plan plan;
  if (auto e = add_options(plan, options))
    return e;
  if (auto allowed = read_allowed(plan, options); !allowed)
    return std::move(allowed.error());
  auto sure = std::all_of(request.tasks.begin(), request.tasks.end(), [](const task_group& g) {
    return g.spread == task_spread::total || g.spread == task_spread::per_slot;
  });
  auto count = least_tasks(request);
  for (auto& [option, tasks] : {std::pair{"pty.ranks", &plan.terminal_tasks},
                                std::pair{"input.stdin.ranks", &plan.input_tasks}})
    if (sure && *tasks && find_json(options, option) != nullptr && (*tasks)->last() >= count)
      return make_error(ec::bad_jobspec,
                        fmt::format("{}.{}: names task {}; the job has {}, counted from 0",
                                    options_path, option, (*tasks)->last(), count));
  return caf::none;
}

caf::expected<launch_plan_ptr> make_launch_plan(const std::string& jobspec_text,
                                                const std::string& environment) {
  auto spec = parse_stored(jobspec_text);
  if (!spec)
    return std::move(spec.error());
  auto request = compile_request(*spec);
  if (!request)
    return std::move(request.error());
  auto plan = std::make_shared<launch_plan>();
  plan->jobspec = jobspec_text;
  plan->environment = environment;
  for (auto& task : spec->tasks) {
    plan->commands.push_back(task.command);
    for (auto& word : task.command)
      plan->has_tags = plan->has_tags || word.find("{{") != std::string::npos;
  }
  if (auto* files = find_json(spec->system.rest, "files"); files != nullptr) {
    auto read = read_job_files(*files);
    if (!read)
      return std::move(read.error());
    plan->files = std::move(*read);
  }
  if (auto* values = find_json(spec->system.rest, "array"); values && values->is_string())
    if (auto set = idset::parse(values->get_ref<const std::string&>()))
      plan->array = std::move(*set); // else it is somebody's own word
  plan->cwd = spec->system.cwd;
  plan->name = job_name_of(*spec);
  plan->request = std::move(*request);
  auto simulated = simulated_duration(spec->system.rest);
  if (!simulated)
    return std::move(simulated.error());
  plan->simulated_s = *simulated;
  if (auto err = add_options(*plan, spec->system.shell_options))
    return err;
  if (auto err = add_environment(*plan, environment, spec->system.shell_options))
    return err;
  plan->has_cc = has_cc_place(jobspec_text) || has_cc_place(environment);
  return launch_plan_ptr{std::move(plan)};
}

bool launch_plan::shares_files() const {
  auto is_shared = [](const std::string& name) { return !name.empty() && !names_node(name); };
  return !append_output && (is_shared(output) || is_shared(error));
}

caf::expected<launch_plan_ptr> launch_plans::get(const std::string& jobspec,
                                                 const std::string& environment) {
  auto it = plans_.find(jobspec);
  if (it != plans_.end())
    if (auto plan = it->second.lock(); plan && plan->environment == environment)
      return plan;
  auto plan = make_launch_plan(jobspec, environment);
  if (!plan)
    return plan;
  if (recent_.size() < recent_plans)
    recent_.push_back(*plan);
  else
    recent_[next_recent_++ % recent_plans] = *plan;
  if (plans_.size() > 2 * recent_plans)
    std::erase_if(plans_, [](const auto& p) { return p.second.expired(); });
  plans_[jobspec] = *plan;
  return plan;
}

} // namespace hactor
