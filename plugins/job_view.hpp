// The job as its plugins see and change it: environment, options, tasks; and what they say of it to
// the shell, in words. One for the whole process. Called by api.cpp, lua.cpp, stack.cpp, main.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/plugin_protocol.hpp"
#include "runtime/json.hpp"

namespace hactor::plugins {

/// Variables, and which of them were changed.
class variables {
public:
  variables() = default;
  /// Of "K=V\0..".
  explicit variables(std::string_view text);

  const std::string* find(const std::string& name) const;
  /// False when the name is none. Without `overwrite` what is there stays.
  bool set(const std::string& name, const std::string& value, bool overwrite);
  bool unset(const std::string& name);
  /// True when somebody has taken it away.
  bool was_unset(const std::string& name) const;
  const std::map<std::string, std::string>& all() const { return values_; }
  std::vector<plugin_variable> changes() const;

private:
  std::map<std::string, std::string> values_;
  std::map<std::string, std::optional<std::string>> changed_;
};

struct task_view {
  plugin_task task;
  variables own; // beside the job's
  const char* state = "init";
  int32_t pid = 0;
  std::optional<int32_t> wait_status{};
  bool may_change = true; // its command
};

class job_view {
public:
  job_view(plugin_job job, std::function<void(const plugin_word&)> say);

  const plugin_job& job() const { return job_; }
  json info() const;
  /// Of one shell, < 0: of this; null when there is none.
  json rank_info(int rank) const;

  variables environment;
  json options; // of the shell, from the jobspec; plugins change them
  /// Makes the objects that a name with dots leads through. False when one of them is none.
  bool set_option(std::string_view name, json value);
  /// The options as text when they were changed, else "".
  std::string changed_options() const;

  /// The tasks are numbered anew when options were changed.
  void take_tasks(std::vector<plugin_task> tasks);
  std::vector<task_view>& tasks() { return tasks_; }
  task_view* find_task(uint32_t rank);
  task_view* current = nullptr; // in topics task.*
  json task_info(const task_view& t) const;
  const std::string* task_variable(const task_view& t, const std::string& name) const;
  bool set_task_variable(task_view& t, const std::string& name, const std::string& value,
                         bool overwrite) const;
  /// Of the current task, while it may be changed. False when the words are no command.
  bool set_command(const json& words);

  // -- to the shell
  /// Who is called from here on, and why; `topic` "": `who` says all.
  void at(std::string_view who, std::string_view topic);
  /// A line of the plugin `name` in the job's standard error.
  void log(std::string_view name, int level, std::string_view text);
  /// `task` < 0: the current one, or the first. False when it is not here.
  bool write(int64_t task, int stream, std::string_view text);
  /// The job is to end. The first reason is told.
  void fail(std::string_view why);
  bool has_failed() const { return failed_; }

private:
  plugin_job job_;
  std::function<void(const plugin_word&)> say_;
  json first_options_;
  json ranks_;
  std::vector<task_view> tasks_;
  bool failed_ = false;
};

} // namespace hactor::plugins
