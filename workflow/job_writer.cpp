// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "workflow/job_writer.hpp"

#include <cmath>

#include "runtime/json.hpp"
#include "runtime/limits.hpp"
#include "runtime/log.hpp"
#include "runtime/mpi_settings.hpp"
#include "workflow/job_shape.hpp"
#include "workflow/utf8_words.hpp"

namespace hactor::workflow {

namespace {

caf::error bad(std::string text) { return make_error(ec::bad_argument, std::move(text)); }

/// Environments of different rules that are kept; a driver that has more makes them anew.
constexpr size_t environments_max = 64;

caf::expected<job_shape> shape_of_job(const job_spec& job) {
  job_sizes s;
  s.tasks = job.tasks;
  s.nodes = job.nodes;
  s.cores = job.cores_per_task;
  s.gpus = job.gpus_per_task;
  s.tasks_per_node = job.tasks_per_node;
  s.exclusive = job.exclusive;
  return shape_of(std::move(s));
}

caf::error set_attribute(json& system, const std::string& key, const std::string& text) {
  auto value = parse_json(text);
  if (!value)
    return bad("attributes: \"" + key + "\": " + render(value.error()));
  auto* at = &system;
  for (size_t start = 0; start <= key.size();) {
    auto end = std::min(key.find('.', start), key.size());
    if (end == start || (!at->is_object() && !at->is_null()))
      return bad("attributes: \"" + key
                 + "\" is not a key like a.b.c, or would put a key inside "
                   "a value that is not an object");
    at = &(*at)[key.substr(start, end - start)];
    start = end + 1;
  }
  *at = std::move(*value);
  return {};
}

void set_streams(json& system, const job_spec& job) {
  struct {
    const std::string& path;
    const char* group;
    const char* stream;
  } streams[] = {{job.output, "output", "stdout"},
                 {job.error, "output", "stderr"},
                 {job.input, "input", "stdin"}};
  for (auto& s : streams)
    if (!s.path.empty())
      system["shell"]["options"][s.group][s.stream] = {{"type", "file"}, {"path", s.path}};
}

/// Who asked for an amount of each task wants each to have its own.
void set_binding(json& system, const job_spec& job) {
  if (job.cores_per_task != 0)
    system["shell"]["options"]["cpu-affinity"] = "per-task";
  if (job.gpus_per_task != 0)
    system["shell"]["options"]["gpu-affinity"] = "per-task";
}

caf::error check(const job_spec& job) {
  if (!(job.time_limit_s >= 0))
    return bad("time_limit_s: must be seconds, infinity for no limit, or 0 for the instance's");
  if (job.urgency < 0 || job.urgency > limits::urgency_max)
    return bad("urgency: must be 0 to " + std::to_string(limits::urgency_max) + ", found "
               + std::to_string(job.urgency));
  if (job.copies == 0 || job.copies > limits::jobs_per_request_max)
    return bad("copies: must be 1 to " + std::to_string(limits::jobs_per_request_max) + ", found "
               + std::to_string(job.copies));
  return {};
}

} // namespace

caf::expected<job_writer::written_environment>
job_writer::environment_text(const std::vector<std::string>& rules, uint64_t cores_per_task) {
  std::pair key{rules, cores_per_task};
  if (auto i = environments_.find(key); i != environments_.end())
    return i->second;
  auto environment = job_environment(own_, rules);
  if (!environment)
    return std::move(environment.error());
  for (auto& rule : rules)
    if (auto e = check_utf8(rule))
      return bad("env: " + context_of(e));
  for (auto& sentence : leave_out_odd(*environment))
    log_warning("{}", sentence);
  // As for 'hactor submit -c': a program of many threads would take all cores of its node.
  if (cores_per_task != 0 && !environment->contains("OMP_NUM_THREADS"))
    environment->emplace("OMP_NUM_THREADS", std::to_string(cores_per_task));
  if (environments_.size() >= environments_max)
    environments_.clear();
  auto allowed = allowed_names(*environment);
  return environments_[std::move(key)] = {dump(json(std::move(*environment))), std::move(allowed)};
}

/// Makes the text around the command.
caf::error job_writer::prepare(const job_spec& job) {
  if (auto e = check(job))
    return e;
  auto shape = shape_of_job(job);
  if (!shape)
    return std::move(shape.error());
  auto environment = environment_text(job.env, job.cores_per_task);
  if (!environment)
    return std::move(environment.error());
  if (cwd_.empty() && !job.cwd.starts_with('/'))
    return bad("cwd: the working directory was removed: name one that is there");
  json system{{"cwd", job.cwd.empty()          ? cwd_
                      : job.cwd.front() == '/' ? job.cwd
                                               : cwd_ + "/" + job.cwd}};
  if (std::isinf(job.time_limit_s))
    system["duration"] = 0;
  else if (job.time_limit_s == std::floor(job.time_limit_s) && job.time_limit_s < 1e15)
    system["duration"] = static_cast<int64_t>(job.time_limit_s);
  else
    system["duration"] = job.time_limit_s;
  if (job.time_limit_s == 0)
    system.erase("duration"); // the instance may have a default
  if (!job.name.empty())
    system["job"]["name"] = job.name;
  if (!job.queue.empty())
    system["queue"] = job.queue;
  for (auto& [scheme, value] : job.dependencies)
    system["dependencies"].push_back({{"scheme", scheme}, {"value", value}});
  set_streams(system, job);
  set_binding(system, job);
  if (shape->tasks_on_each != 0)
    system["shell"]["options"]["per-resource"] = {{"type", shape->each_type},
                                                  {"count", shape->tasks_on_each}};
  if (!environment->allowed.empty())
    system["shell"]["options"][env_allow_option] = environment->allowed;
  for (auto& [key, value] : job.attributes)
    if (auto e = set_attribute(system, key, value))
      return e;
  if (auto e = check_all_utf8(system))
    return e;
  auto text = dump(system);
  text.pop_back();
  before_ = "{\"jobspec\":{\"attributes\":{\"system\":" + text
            + ",\"environment\":" + environment->text + "}},\"resources\":" + dump(shape->resources)
            + ",\"tasks\":[{\"command\":";
  behind_ = ",\"count\":" + dump(shape->count) + ",\"slot\":\"task\"}],\"version\":1}";
  if (job.urgency != limits::urgency_default)
    behind_ += ",\"urgency\":" + std::to_string(job.urgency);
  if (job.copies > 1)
    behind_ += ",\"cc\":\"0-" + std::to_string(job.copies - 1) + "\"";
  if (job.waitable)
    behind_ += ",\"flags\":[\"waitable\"]";
  behind_ += "}";
  return {};
}

caf::error job_writer::append(std::string& out, const job_spec& job) {
  if (job.command.empty())
    return bad("command: must name a program");
  for (auto& word : job.command)
    if (auto e = check_utf8(word))
      return bad("command: " + context_of(e));
  auto like = job;
  like.command.clear();
  if (before_.empty() || like != like_) {
    before_.clear();
    if (auto e = prepare(job))
      return e;
    like_ = std::move(like);
  }
  out += before_;
  char between = '[';
  for (auto& word : job.command) {
    out += between;
    append_json_string(out, word);
    between = ',';
  }
  out.append("]").append(behind_);
  return {};
}

} // namespace hactor::workflow
