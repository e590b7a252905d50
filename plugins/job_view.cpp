// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "plugins/job_view.hpp"

#include <utility>

#include <sys/wait.h>

#include <fmt/format.h>

#include "plugins/shell_plugin.h"
#include "runtime/limits.hpp"

namespace hactor::plugins {

namespace {

/// What somebody else has written: nothing when it means nothing.
json parsed(const std::string& text) {
  auto value = parse_json(text);
  return value ? std::move(*value) : json{};
}

bool is_name(const std::string& name) {
  return !name.empty() && name.find('=') == name.npos && name.find('\0') == name.npos;
}

} // namespace

variables::variables(std::string_view text) {
  while (!text.empty()) {
    auto entry = text.substr(0, text.find('\0'));
    auto equals = entry.find('=');
    if (equals != entry.npos)
      values_[std::string{entry.substr(0, equals)}] = entry.substr(equals + 1);
    text.remove_prefix(std::min(entry.size() + 1, text.size()));
  }
}

const std::string* variables::find(const std::string& name) const {
  auto it = values_.find(name);
  return it == values_.end() ? nullptr : &it->second;
}

bool variables::set(const std::string& name, const std::string& value, bool overwrite) {
  if (!is_name(name))
    return false;
  if (!overwrite && values_.count(name) != 0)
    return true;
  values_[name] = value;
  changed_[name] = value;
  return true;
}

bool variables::unset(const std::string& name) {
  if (!is_name(name))
    return false;
  values_.erase(name);
  changed_[name] = std::nullopt;
  return true;
}

bool variables::was_unset(const std::string& name) const {
  auto it = changed_.find(name);
  return it != changed_.end() && !it->second;
}

std::vector<plugin_variable> variables::changes() const {
  std::vector<plugin_variable> list;
  for (auto& [name, value] : changed_)
    list.push_back({name, value});
  return list;
}

job_view::job_view(plugin_job job, std::function<void(const plugin_word&)> say)
    : environment{job.environment},
      options(json::object()), job_{std::move(job)}, say_{std::move(say)},
      ranks_(parsed(job_.ranks)) {
  auto spec = parsed(job_.jobspec);
  if (auto* found = find_json(spec, "attributes.system.shell.options");
      found != nullptr && found->is_object())
    options = *found;
  first_options_ = options;
  take_tasks(job_.tasks);
}

json job_view::info() const {
  auto all = parsed(job_.info);
  all["jobspec"] = parsed(job_.jobspec);
  all["R"] = parsed(job_.resources);
  all["options"] = options;
  return all;
}

json job_view::rank_info(int rank) const {
  auto index = rank < 0 ? job_.rank : static_cast<uint32_t>(rank);
  return index < ranks_.size() ? ranks_[index] : json{};
}

bool job_view::set_option(std::string_view name, json value) {
  auto* node = &options;
  for (auto dot = name.find('.'); dot != name.npos; dot = name.find('.')) {
    if (!node->is_object() && !node->is_null())
      return false;
    node = &(*node)[std::string{name.substr(0, dot)}];
    name.remove_prefix(dot + 1);
  }
  if (name.empty() || (!node->is_object() && !node->is_null()))
    return false;
  (*node)[std::string{name}] = std::move(value);
  return true;
}

std::string job_view::changed_options() const {
  return options == first_options_ ? std::string{} : dump(options);
}

void job_view::take_tasks(std::vector<plugin_task> tasks) {
  tasks_.clear();
  for (auto& t : tasks) {
    variables own{t.variables};
    tasks_.push_back({std::move(t), std::move(own)});
  }
}

task_view* job_view::find_task(uint32_t rank) {
  for (auto& t : tasks_)
    if (t.task.rank == rank)
      return &t;
  return nullptr;
}

json job_view::task_info(const task_view& t) const {
  json info = {{"rank", t.task.rank},
               {"localid", t.task.local},
               {"node", t.task.node},
               {"state", t.state},
               {"argv", t.task.argv}};
  if (t.pid != 0)
    info["pid"] = t.pid;
  if (t.wait_status) {
    auto status = *t.wait_status;
    info["wait_status"] = status;
    if (WIFEXITED(status))
      info["exitcode"] = WEXITSTATUS(status);
    else
      info["signaled"] = WTERMSIG(status);
  }
  return info;
}

const std::string* job_view::task_variable(const task_view& t, const std::string& name) const {
  if (auto* own = t.own.find(name); own != nullptr || t.own.was_unset(name))
    return own;
  return environment.find(name);
}

bool job_view::set_task_variable(task_view& t, const std::string& name, const std::string& value,
                                 bool overwrite) const {
  return (!overwrite && task_variable(t, name) != nullptr) || t.own.set(name, value, true);
}

bool job_view::set_command(const json& words) {
  if (current == nullptr || !current->may_change || !words.is_array() || words.empty())
    return false;
  std::vector<std::string> argv;
  for (auto& word : words) {
    if (!word.is_string())
      return false;
    argv.push_back(word.get<std::string>());
  }
  current->task.argv = std::move(argv);
  return true;
}

void job_view::at(std::string_view who, std::string_view topic) {
  say_({plugin_kind::at, 0, 0, std::string{who}, std::string{topic}});
}

void job_view::log(std::string_view name, int level, std::string_view text) {
  auto* verbose = find_json(options, "verbose");
  auto quiet = verbose == nullptr || *verbose == 0 || *verbose == false;
  if (level >= HACTOR_LOG_DEBUG && quiet)
    return;
  auto mark = level <= HACTOR_LOG_ERROR     ? "ERROR: "
              : level <= HACTOR_LOG_WARNING ? "WARNING: "
                                            : "";
  while (text.ends_with('\n'))
    text.remove_suffix(1);
  say_({plugin_kind::log, 0, level,
        fmt::format("hactor-shell[{}]: {}{}: {}\n", job_.rank, mark, name, text)});
}

bool job_view::write(int64_t task, int stream, std::string_view text) {
  auto* t = task >= 0                              ? find_task(static_cast<uint32_t>(task))
            : current != nullptr || tasks_.empty() ? current
                                                   : &tasks_.front();
  if (t == nullptr || (stream != 1 && stream != 2))
    return false;
  for (; !text.empty(); text.remove_prefix(std::min(limits::output_chunk_bytes, text.size())))
    say_({plugin_kind::output,
          t->task.rank,
          stream,
          {},
          std::string{text.substr(0, limits::output_chunk_bytes)}});
  return true;
}

void job_view::fail(std::string_view why) {
  if (!std::exchange(failed_, true))
    say_({plugin_kind::failed, 0, 0, std::string{why}});
}

} // namespace hactor::plugins
