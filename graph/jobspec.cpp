// See jobspec.hpp. A read_ function checks one kind of object and returns an error that starts with
// the key's path; the first error ends the reading. Recursion is bounded by document_depth_max.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/jobspec.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <set>

#include <fmt/format.h>

#include "graph/constraint.hpp"
#include "runtime/limits.hpp"

namespace hactor {

namespace {

caf::error bad(const std::string& path, std::string_view wanted, const json* found) {
  if (!found)
    return make_error(ec::bad_jobspec, fmt::format("{}: missing; {}", path, wanted));
  return make_error(ec::bad_jobspec, fmt::format("{}: {}, found {}", path, wanted, brief(*found)));
}

const json* member(const json& object, const char* key) {
  auto i = object.find(key);
  return i == object.end() ? nullptr : &*i;
}

std::string below(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

caf::error only_keys(const json& object, const std::string& path,
                     std::initializer_list<std::string_view> known) {
  for (const auto& [key, value] : object.items()) {
    bool found = false;
    for (auto k : known)
      found = found || key == k;
    if (!found)
      return make_error(ec::bad_jobspec, fmt::format("{}: unknown key; known are {}",
                                                     below(path, key), fmt::join(known, ", ")));
  }
  return {};
}

/// Reads an optional string; leaves `to` alone when the key is absent.
caf::error read_text(const json& object, const std::string& path, const char* key,
                     std::string& to) {
  auto value = member(object, key);
  if (!value)
    return {};
  if (!value->is_string() || value->get_ref<const std::string&>().empty())
    return bad(below(path, key), "must be a non-empty string", value);
  to = value->get<std::string>();
  return {};
}

caf::error need_text(const json& object, const std::string& path, const char* key,
                     std::string& to) {
  if (!member(object, key))
    return bad(below(path, key), "must be a non-empty string", nullptr);
  return read_text(object, path, key, to);
}

// -- resources ----------------------------------------------------------------------------------

/// Labels of slots, and the types declared inside each: what tasks may refer to.
struct slot_table {
  std::set<std::string> labels; ///< Of all vertices.
  std::map<std::string, std::set<std::string>> types;
};

void collect_types(const resource_vertex& vertex, std::set<std::string>& types) {
  for (const auto& child : vertex.with) {
    types.insert(child.type);
    collect_types(child, types);
  }
}

caf::error read_vertex(const json& value, const std::string& path, resource_vertex& to,
                       slot_table& slots);

caf::error read_vertices(const json* value, const std::string& path,
                         std::vector<resource_vertex>& to, slot_table& slots) {
  if (!value || !value->is_array() || value->empty())
    return bad(path, "must be a non-empty list of resources", value);
  to.resize(value->size());
  for (size_t i = 0; i < to.size(); ++i) {
    auto where = fmt::format("{}[{}]", path, i);
    if (auto e = read_vertex((*value)[i], where, to[i], slots))
      return e;
    auto& v = to[i];
    if (v.label.empty() || slots.labels.insert(v.label).second)
      continue;
    auto is_same = [&v](const resource_vertex& other) {
      return is_option(v.type) && other.type == v.type && other.label == v.label;
    };
    if (std::none_of(to.begin(), to.begin() + static_cast<ptrdiff_t>(i), is_same))
      return bad(below(where, "label"), "must be unique in the jobspec", &(*value)[i]["label"]);
  }
  return {};
}

/// What a slot consists of is looked for type by type.
caf::error check_parts(const resource_vertex& slot, const std::string& path) {
  auto& parts = slot.with;
  for (auto i = parts.begin(); i != parts.end(); ++i)
    for (auto k = parts.begin(); k != i && !is_slot(i->type); ++k)
      if (i->type == k->type && (i->id.empty() || k->id.empty())) {
        json type = i->type;
        return bad(fmt::format("{}[{}].type", below(path, "with"), i - parts.begin()),
                   "must stand once in a slot, with the count of all", &type);
      }
  return {};
}

caf::error read_vertex(const json& value, const std::string& path, resource_vertex& to,
                       slot_table& slots) {
  if (!value.is_object())
    return bad(path, "must be a mapping with type and count", &value);
  if (auto e =
          only_keys(value, path, {"type", "count", "unit", "exclusive", "with", "label", "id"}))
    return e;
  if (auto e = need_text(value, path, "type", to.type))
    return e;
  auto count = member(value, "count");
  if (!count)
    return bad(below(path, "count"), "must be a positive integer, range or idset", nullptr);
  auto parsed = parse_count(*count, below(path, "count"));
  if (!parsed)
    return parsed.error();
  to.count = std::move(*parsed);
  for (auto [key, field] :
       {std::pair{"unit", &to.unit}, std::pair{"label", &to.label}, std::pair{"id", &to.id}})
    if (auto e = read_text(value, path, key, *field))
      return e;
  if (auto exclusive = member(value, "exclusive")) {
    if (!exclusive->is_boolean())
      return bad(below(path, "exclusive"), "must be true or false", exclusive);
    to.exclusive = exclusive->get<bool>();
  }
  if (auto with = member(value, "with"))
    if (auto e = read_vertices(with, below(path, "with"), to.with, slots))
      return e;
  if (to.type == "slot" && to.label.empty())
    return bad(below(path, "label"), "a slot must have a label, to which tasks refer", nullptr);
  if (is_slot(to.type) && to.with.empty())
    return bad(below(path, "with"), "a slot must say what it consists of", nullptr);
  if (!is_slot(to.type))
    return {};
  collect_types(to, slots.types[to.label]);
  return check_parts(to, path);
}

// -- tasks --------------------------------------------------------------------------------------

caf::error read_task_count(const json* value, const std::string& path, const slot_table& slots,
                           task_spec& to) {
  constexpr auto wanted = "must be a mapping with exactly one of per_slot, per_resource and total";
  if (!value || !value->is_object() || value->size() != 1)
    return bad(path, wanted, value);
  if (auto e = only_keys(*value, path, {"per_slot", "per_resource", "total"}))
    return e;
  auto number = [&](const json& x, const std::string& where) -> caf::error {
    if (!x.is_number_unsigned() || x == 0 || x.get<uint64_t>() > count_max)
      return bad(where, "must be a positive integer", &x);
    to.count = x.get<uint64_t>();
    return {};
  };
  auto key = value->begin().key();
  const auto& x = *value->begin();
  if (key != "per_resource") {
    to.rule = key == "total" ? task_rule::total : task_rule::per_slot;
    return number(x, below(path, key));
  }
  auto where = below(path, key);
  to.rule = task_rule::per_resource;
  if (!x.is_object())
    return bad(where, "must be a mapping with type and count", &x);
  if (auto e = only_keys(x, where, {"type", "count"}))
    return e;
  if (auto e = need_text(x, where, "type", to.per_type))
    return e;
  if (auto i = slots.types.find(to.slot); i == slots.types.end() || !i->second.count(to.per_type))
    return bad(below(where, "type"), fmt::format("must be declared inside of slot \"{}\"", to.slot),
               &x["type"]);
  if (!x.contains("count"))
    return bad(below(where, "count"), "must be a positive integer", nullptr);
  return number(x["count"], below(where, "count"));
}

caf::error read_task(const json& value, const std::string& path, const slot_table& slots,
                     task_spec& to) {
  if (!value.is_object())
    return bad(path, "must be a mapping with command, slot and count", &value);
  if (auto e = only_keys(value, path, {"command", "slot", "count", "attributes", "distribution"}))
    return e;
  auto command = member(value, "command");
  if (!command || !command->is_array() || command->empty())
    return bad(below(path, "command"),
               "must be a non-empty list of strings, e.g. [\"hostname\", \"-f\"]", command);
  for (size_t i = 0; i < command->size(); ++i) {
    const auto& word = (*command)[i];
    auto where = fmt::format("{}.command[{}]", path, i);
    if (!word.is_string())
      return bad(where, "must be a string (quote it)", &word);
    // execve ends a word at NUL: what would run is not what was written.
    if (word.get_ref<const std::string&>().find('\0') != std::string::npos)
      return bad(where, "must not hold NUL characters", &word);
    to.command.push_back(word.get<std::string>());
  }
  if (to.command[0].empty())
    return bad(below(path, "command[0]"), "must name a program", &(*command)[0]);
  if (auto e = need_text(value, path, "slot", to.slot))
    return e;
  if (!slots.types.count(to.slot))
    return bad(below(path, "slot"), "must be the label of a slot in resources", &value["slot"]);
  if (auto e = read_task_count(member(value, "count"), below(path, "count"), slots, to))
    return e;
  if (auto attributes = member(value, "attributes")) {
    if (!attributes->is_object())
      return bad(below(path, "attributes"), "must be a mapping", attributes);
    to.attributes = *attributes;
  }
  return read_text(value, path, "distribution", to.distribution);
}

// -- attributes ---------------------------------------------------------------------------------

caf::error read_environment(const json& value, const std::string& path,
                            std::optional<environment_map>& to) {
  if (!value.is_object())
    return bad(path, "must be a mapping of names to strings", &value);
  to.emplace();
  for (const auto& [name, x] : value.items()) {
    if (name.empty() || name.find_first_of(std::string_view("=\0", 2)) != std::string::npos)
      return make_error(ec::bad_jobspec, fmt::format("{}: a variable's name must not be empty or "
                                                     "hold \"=\" or NUL, found \"{}\"",
                                                     path, name));
    if (x.is_null()) {
      to->emplace(name, std::nullopt);
      continue;
    }
    if (!x.is_string() || x.get_ref<const std::string&>().find('\0') != std::string::npos)
      return bad(below(path, name), "must be a string (quote it), or null to unset it", &x);
    to->emplace(name, x.get<std::string>());
  }
  return {};
}

caf::error read_dependencies(const json& value, const std::string& path) {
  if (!value.is_array())
    return bad(path, "must be a list of mappings with scheme and value", &value);
  for (size_t i = 0; i < value.size(); ++i) {
    auto where = fmt::format("{}[{}]", path, i);
    if (!value[i].is_object())
      return bad(where, "must be a mapping with scheme and value", &value[i]);
    std::string text;
    if (auto e = need_text(value[i], where, "scheme", text))
      return e;
    auto x = member(value[i], "value");
    if (!x || !x->is_string())
      return bad(below(where, "value"), "must be a string", x);
  }
  return {};
}

/// Moves system.A.B out of `system` into `to`, where system.A may hold other keys too.
caf::error take_nested(json& system, const std::string& path, const char* outer, const char* inner,
                       json& to) {
  auto i = system.find(outer);
  if (i == system.end())
    return {};
  if (!i->is_object())
    return bad(below(path, outer), "must be a mapping", &*i);
  if (auto j = i->find(inner); j != i->end()) {
    to = std::move(*j);
    i->erase(j);
    if (i->empty())
      system.erase(i);
  }
  return {};
}

caf::error read_seconds(const json& value, const std::string& path) {
  if (!value.is_number() || value.get<double>() < 0 || !std::isfinite(value.get<double>()))
    return bad(path, "must be a number of seconds >= 0, e.g. 120", &value);
  return {};
}

/// How a job means to use the storage that its resources name by labels. Modes are told to whoever
/// makes file systems for jobs; what would have to move data is refused, since nothing here does.
caf::error check_storage(const json& value, const std::string& path,
                         const std::set<std::string>& labels) {
  if (!value.is_array())
    return bad(path, "must be a list of mappings with label and mode", &value);
  for (size_t i = 0; i < value.size(); ++i) {
    auto where = fmt::format("{}[{}]", path, i);
    auto& entry = value[i];
    if (!entry.is_object())
      return bad(where, "must be a mapping with label and mode", &entry);
    for (auto key : {"stage-in", "stage-out"})
      if (auto x = member(entry, key))
        return bad(below(where, key), "is not possible: hactor moves no data, the job has to", x);
    if (auto e = only_keys(entry, where, {"label", "mode", "granularity", "data-layout"}))
      return e;
    std::string label, text;
    if (auto e = need_text(entry, where, "label", label))
      return e;
    if (!labels.contains(label))
      return bad(below(where, "label"), "must be the label of a resource", &entry["label"]);
    for (auto key : {"mode", "granularity", "data-layout"})
      if (auto e = read_text(entry, where, key, text))
        return e;
    if (auto x = member(entry, "mode"); x && *x != "scratch" && *x != "cache")
      return bad(below(where, "mode"), "must be scratch or cache", x);
  }
  return {};
}

/// Checks the keys that stay in `rest`; unknown ones are free.
caf::error check_rest(const json& rest, const std::string& path,
                      const std::set<std::string>& labels) {
  std::string text;
  for (auto key : {"bank", "project"})
    if (auto e = read_text(rest, path, key, text))
      return e;
  if (auto x = member(rest, "preemptible-after"))
    if (auto e = read_seconds(*x, below(path, "preemptible-after")))
      return e;
  if (auto x = member(rest, "files"); x && !x->is_object())
    return bad(below(path, "files"), "must be a mapping of names to files", x);
  if (auto x = member(rest, "storage"))
    return check_storage(*x, below(path, "storage"), labels);
  return {};
}

caf::error read_system(const json& value, const std::string& path,
                       const std::set<std::string>& labels, system_attributes& to) {
  if (!value.is_object())
    return bad(path, "must be a mapping", &value);
  to.rest = value;
  auto take = [&](const char* key) {
    json x;
    if (auto i = to.rest.find(key); i != to.rest.end()) {
      x = std::move(*i);
      to.rest.erase(i);
    }
    return x;
  };
  if (auto x = member(value, "duration")) {
    if (auto e = read_seconds(*x, below(path, "duration")))
      return e;
    to.duration = take("duration").get<double>();
  }
  if (member(value, "environment"))
    if (auto e = read_environment(take("environment"), below(path, "environment"), to.environment))
      return e;
  for (auto [key, field] : {std::pair{"cwd", &to.cwd}, std::pair{"queue", &to.queue}}) {
    if (auto e = read_text(value, path, key, *field))
      return e;
    take(key);
  }
  if (!to.cwd.empty() && (to.cwd[0] != '/' || to.cwd.find('\0') != std::string::npos))
    return bad(below(path, "cwd"), "must be an absolute path", &value["cwd"]);
  if (member(value, "constraints")) {
    to.constraints = take("constraints");
    auto checked = constraint::compile(to.constraints, below(path, "constraints"));
    if (!checked)
      return checked.error();
  }
  if (member(value, "dependencies")) {
    to.dependencies = take("dependencies");
    if (auto e = read_dependencies(to.dependencies, below(path, "dependencies")))
      return e;
  }
  json name;
  if (auto e = take_nested(to.rest, path, "job", "name", name))
    return e;
  if (!name.is_null() && (!name.is_string() || name == ""))
    return bad(below(path, "job.name"), "must be a non-empty string", &name);
  if (!name.is_null())
    to.job_name = name.get<std::string>();
  if (auto e = take_nested(to.rest, path, "shell", "options", to.shell_options))
    return e;
  if (!to.shell_options.is_null() && !to.shell_options.is_object())
    return bad(below(path, "shell.options"), "must be a mapping", &to.shell_options);
  return check_rest(to.rest, path, labels);
}

/// `labels`: of all resources.
caf::error read_attributes(const json* value, const std::set<std::string>& labels, jobspec& to) {
  to.system.rest = json::object();
  if (!value || !value->is_object())
    return bad("attributes", "must be a mapping (it may be empty)", value);
  if (auto e = only_keys(*value, "attributes", {"system", "user", "storage"}))
    return e;
  if (auto user = member(*value, "user")) {
    if (!user->is_object())
      return bad("attributes.user", "must be a mapping", user);
    to.user = *user;
  }
  if (auto system = member(*value, "system"))
    if (auto e = read_system(*system, "attributes.system", labels, to.system))
      return e;
  // Where it stands in older documents; there is one place for it from here on.
  if (auto storage = member(*value, "storage")) {
    if (to.system.rest.contains("storage"))
      return bad("attributes.storage", "must not be beside attributes.system.storage", storage);
    if (auto e = check_storage(*storage, "attributes.storage", labels))
      return e;
    to.system.rest["storage"] = *storage;
  }
  return {};
}

// -- writing ------------------------------------------------------------------------------------

json vertex_json(const resource_vertex& vertex) {
  json result{{"type", vertex.type}, {"count", to_json(vertex.count)}};
  for (auto [key, text] : {std::pair{"unit", &vertex.unit}, std::pair{"label", &vertex.label},
                           std::pair{"id", &vertex.id}})
    if (!text->empty())
      result[key] = *text;
  if (vertex.exclusive)
    result["exclusive"] = *vertex.exclusive;
  for (const auto& child : vertex.with)
    result["with"].push_back(vertex_json(child));
  return result;
}

json task_json(const task_spec& task) {
  json result{{"command", task.command}, {"slot", task.slot}};
  if (task.rule == task_rule::per_resource)
    result["count"]["per_resource"] = json{{"type", task.per_type}, {"count", task.count}};
  else
    result["count"][task.rule == task_rule::total ? "total" : "per_slot"] = task.count;
  if (!task.distribution.empty())
    result["distribution"] = task.distribution;
  if (!task.attributes.is_null())
    result["attributes"] = task.attributes;
  return result;
}

/// Whole seconds are written as integers: 120 and 120.0 are the same jobspec.
json seconds_json(double seconds) {
  if (seconds == std::floor(seconds) && seconds < 9e15)
    return static_cast<uint64_t>(seconds);
  return seconds;
}

json system_json(const system_attributes& system) {
  json result = system.rest.is_object() ? system.rest : json::object();
  if (system.duration)
    result["duration"] = seconds_json(*system.duration);
  if (system.environment) {
    auto& env = result["environment"] = json::object();
    for (const auto& [name, x] : *system.environment)
      env[name] = x ? json(*x) : json(nullptr);
  }
  for (auto [key, text] : {std::pair{"cwd", &system.cwd}, std::pair{"queue", &system.queue}})
    if (!text->empty())
      result[key] = *text;
  if (!system.job_name.empty())
    result["job"]["name"] = system.job_name;
  if (!system.constraints.is_null())
    result["constraints"] = system.constraints;
  if (!system.dependencies.is_null())
    result["dependencies"] = system.dependencies;
  if (!system.shell_options.is_null())
    result["shell"]["options"] = system.shell_options;
  return result;
}

} // namespace

caf::expected<jobspec> read_jobspec(const json& document) {
  jobspec spec;
  if (!document.is_object())
    return make_error(ec::bad_jobspec, fmt::format("jobspec: must be a mapping with version, "
                                                   "resources, tasks and attributes, found {}",
                                                   brief(document)));
  if (auto e = only_keys(document, "", {"version", "resources", "tasks", "attributes"}))
    return e;
  auto version = member(document, "version");
  if (!version || !version->is_number_unsigned() || *version < 1 || *version > 9999)
    return bad("version", "must be an integer from 1 to 9999, e.g. 1", version);
  spec.version = version->get<uint32_t>();
  slot_table slots;
  if (auto e = read_vertices(member(document, "resources"), "resources", spec.resources, slots))
    return e;
  auto tasks = member(document, "tasks");
  if (!tasks || !tasks->is_array() || tasks->empty())
    return bad("tasks", "must be a non-empty list of tasks", tasks);
  spec.tasks.resize(tasks->size());
  for (size_t i = 0; i < tasks->size(); ++i)
    if (auto e = read_task((*tasks)[i], fmt::format("tasks[{}]", i), slots, spec.tasks[i]))
      return e;
  if (auto e = read_attributes(member(document, "attributes"), slots.labels, spec))
    return e;
  return spec;
}

caf::expected<jobspec> parse_jobspec(std::string_view text, size_t bytes_max) {
  auto document = parse_document(text, bytes_max, "jobspec");
  if (!document)
    return document.error();
  return read_jobspec(*document);
}

json to_json(const jobspec& spec) {
  json result{{"version", spec.version}, {"attributes", json::object()}};
  for (const auto& vertex : spec.resources)
    result["resources"].push_back(vertex_json(vertex));
  for (const auto& task : spec.tasks)
    result["tasks"].push_back(task_json(task));
  if (auto system = system_json(spec.system); !system.empty())
    result["attributes"]["system"] = std::move(system);
  if (!spec.user.is_null())
    result["attributes"]["user"] = spec.user;
  return result;
}

std::string canonical_json(const jobspec& spec) {
  // Text was checked to be UTF-8 when it was read; fields set since then must not throw here.
  return dump(to_json(spec));
}

bool is_option(std::string_view type) { return type == "or_slot" || type == "xor_slot"; }

bool is_slot(std::string_view type) { return type == "slot" || is_option(type); }

std::vector<std::string> slot_labels(const std::vector<resource_vertex>& resources) {
  std::vector<std::string> labels;
  for (auto& v : resources) {
    if (is_slot(v.type))
      labels.push_back(v.label);
    auto below = slot_labels(v.with);
    labels.insert(labels.end(), below.begin(), below.end());
  }
  return labels;
}

std::string job_name_of(const jobspec& spec) {
  if (!spec.system.job_name.empty() || spec.tasks.empty() || spec.tasks[0].command.empty())
    return spec.system.job_name;
  return program_name(spec.tasks[0].command[0]);
}

std::string program_name(std::string_view program) {
  auto end = program.find_last_not_of('/');
  if (end == std::string_view::npos)
    return std::string{program};
  auto slash = program.rfind('/', end);
  auto start = slash == std::string_view::npos ? 0 : slash + 1;
  return std::string{program.substr(start, end - start + 1)};
}

} // namespace hactor
