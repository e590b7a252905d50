// What the shell of a job and the process with the job's plugins (the program hactor-plugins,
// plugins/main.cpp) say to each other over the process's descriptor 3: words, each behind its
// length (actors/framed_words.hpp).
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace hactor {

enum class plugin_kind : uint8_t {
  // Of the shell. Each is answered, in order.
  job,     ///< `bytes` are a packed plugin_job: load, shell.connect, taskmap.*, shell.init.
  prepare, ///< `bytes` are packed plugin_tasks: shell.post-init; of each task.init, task.exec.
  forked,  ///< `task` runs as process `status`: task.fork.
  started, ///< All tasks do: shell.start.
  exited,  ///< `task` has ended with wait status `status`: task.exit.
  finish,  ///< All have: shell.tasks-complete, shell.finish, shell.exit; then the process ends.
  // Of the plugins.
  ready,    ///< Answer to `job`: `bytes` are the options as JSON, none: as they were.
  prepared, ///< Answer to `prepare`: `bytes` are packed plugin_changes.
  done,     ///< Answer to the others.
  at,       ///< The plugin `text` is called with the topic `bytes`: who is to blame from here on.
  log,      ///< A line `text` for the job's standard error.
  output,   ///< `bytes` for the stream `status` of `task`.
  failed,   ///< The job is to end: `text`.
};

struct plugin_word {
  static constexpr auto last_kind = plugin_kind::failed;
  plugin_kind kind{};
  uint32_t task = 0; // its rank in the job
  int32_t status = 0;
  std::string text{};
  std::string bytes{};

  template <class Archive>
  void serialize(Archive& a) {
    a(kind, task, status, text, bytes);
  }
};

/// One task of this node, as it would be started.
struct plugin_task {
  uint32_t rank = 0;  // in the job
  uint32_t local = 0; // on its node
  uint32_t node = 0;  // of the job's
  std::vector<std::string> argv;
  std::string variables; // "K=V\0": its own, beside the job's

  template <class Archive>
  void serialize(Archive& a) {
    a(rank, local, node, argv, variables);
  }
};

struct plugin_tasks {
  std::vector<plugin_task> tasks;
  std::vector<std::string> patterns; // names of files, which may have places for plugins

  template <class Archive>
  void serialize(Archive& a) {
    a(tasks, patterns);
  }
};

/// What plugins may know of their job, and which there are.
struct plugin_job {
  std::string info;               // of hactor_job_info, less what is in others below
  std::string ranks;              // JSON list for hactor_rank_info
  std::string jobspec, resources; // JSON
  std::string taskmap;            // of the job as it would be without plugins, by nodes
  std::string environment;        // "K=V\0" of all tasks
  std::vector<plugin_task> tasks;
  uint32_t rank = 0;
  bool verbose = false;
  std::vector<std::string> start_files; // in this order ...
  std::string personality;              // ... mpi/NAME.lua of it behind `system_files` of them
  uint32_t system_files = 0;
  std::vector<std::pair<std::string, std::string>> load; // file, conf as JSON
  std::vector<std::string> start_folders;                // where personalities are
  std::string search_path;                               // where plugins are, by colons

  template <class Archive>
  void serialize(Archive& a) {
    a(info, ranks, jobspec, resources, taskmap, environment, tasks, rank, verbose, start_files,
      personality, system_files, load, start_folders, search_path);
  }
};

/// A variable that is to have a value, or is not to be there.
struct plugin_variable {
  std::string name;
  std::optional<std::string> value;

  template <class Archive>
  void serialize(Archive& a) {
    a(name, value);
  }
};

/// What plugins want of a task otherwise.
struct plugin_task_change {
  uint32_t rank = 0;
  std::vector<std::string> argv;
  std::vector<plugin_variable> variables;
  std::vector<std::string> patterns; // with what plugins put into their places

  template <class Archive>
  void serialize(Archive& a) {
    a(rank, argv, variables, patterns);
  }
};

struct plugin_changes {
  std::vector<plugin_variable> variables; // of all tasks
  std::vector<plugin_task_change> tasks;

  template <class Archive>
  void serialize(Archive& a) {
    a(variables, tasks);
  }
};

std::string pack_job(const plugin_job& job);
std::string pack_tasks(const plugin_tasks& tasks);
std::string pack_changes(const plugin_changes& changes);
/// Nothing when the bytes are none.
std::optional<plugin_job> unpack_job(const std::string& bytes);
std::optional<plugin_tasks> unpack_tasks(const std::string& bytes);
std::optional<plugin_changes> unpack_changes(const std::string& bytes);

} // namespace hactor
