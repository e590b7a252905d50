// The options that submit, run, bulksubmit, batch and alloc share, and the job that they describe.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <optional>

#include "runtime/json.hpp"
#include "tools/command.hpp"
#include "workflow/environment.hpp"

namespace hactor::tools {

using workflow::environment_map;
using workflow::job_environment;
using workflow::read_environment;

/// The commands' tables: the shared rows, then each one's own.
extern const std::span<const option_spec> submit_table;
extern const std::span<const option_spec> run_table;
extern const std::span<const option_spec> bulksubmit_table;
extern const std::span<const option_spec> batch_table;
extern const std::span<const option_spec> alloc_table;

/// Builds a jobspec of version 1 (RFC 25). `cwd` is where relative --cwd starts.
/// Errors: ec::bad_argument, naming the option, what was asked and what would be right.
caf::expected<json> build_jobspec(const parsed_options& options, const environment_map& own,
                                  const std::string& cwd);

/// The parameters of the submit request. Errors: as build_jobspec.
caf::expected<json> build_submit(const parsed_options& options, const environment_map& own,
                                 const std::string& cwd);

/// The tasks that --input names: "all", or like "0-3,8". False when it is absent or a file's name.
bool tasks_of_input(const parsed_options& options);

/// How many tasks a jobspec of build_jobspec asks for; nothing when that is not known before it has
/// resources.
std::optional<uint64_t> tasks_asked_for(const json& jobspec);

/// Reads "0" .. "31", "hold", "default" or "expedite". Errors: ec::bad_argument.
caf::expected<int> parse_urgency(std::string_view text);

/// Reads "scheme:value[?key=val&..]" into entries of the dependency list (RFC 26); several joined
/// by ',' must all hold, by '?' one of them; Slurm's "afterok:ID:ID" too. A begin-time may be
/// written as for parse_moment. Errors: ec::bad_argument.
caf::error add_dependencies(json& list, std::string_view text, double now);

/// A moment in seconds since the epoch: "+10m" from `now` on, seconds since the epoch, a date
/// "2026-12-24", "2026-12-24T18:00[:00][Z]", "2026/12/24 18:00", "Dec 24 2026", or the next
/// "Dec 24", "18:00[:00]", noon, midnight or tomorrow; in words "in 2 hours", "1 hour from now",
/// "tomorrow at noon", "friday 6pm". Local time but for Z.
/// Errors: ec::bad_argument.
caf::expected<double> parse_moment(std::string_view text, double now);

/// Sets `at`.KEY for "KEY=JSON", "KEY=TEXT" that is not JSON, "KEY" (1) or "^KEY=FILE" (the file's
/// JSON). `option` is named in errors. Errors: ec::bad_argument.
caf::error set_attribute(json& at, std::string_view option, std::string_view text);

/// Sets retries and max-fails by the options of these names. Errors: ec::bad_argument.
caf::error set_retries(json& system, const parsed_options& options);

/// How many of the jobs that are submitted are active at once, by --max-in-flight or the "%N" of
/// --cc; 0: all. Errors: ec::bad_argument.
caf::expected<uint64_t> jobs_in_flight(const parsed_options& options);

/// Adds that as a dependency. Errors: as jobs_in_flight.
caf::error set_in_flight(json& system, const parsed_options& options);

/// Is what --wait-event says the name of an event? Errors: ec::bad_argument.
caf::error check_event(const parsed_options& options);

/// Jobs of one submit request, and where they stand.
struct submitted_dag {
  json params;
  std::vector<size_t> lines; // in its file, of each job
};

/// The jobs of a submission whose dependencies name each other (--dag), as the parameters of one
/// submit request. A line of `text` is a job: a JSON object with "command" and the long options of
/// 'submit', or with "jobspec"; or the words of a 'submit' command line. `options` hold for all.
/// Errors: ec::bad_argument, with the number of the line.
caf::expected<submitted_dag> build_dag(const parsed_options& options, std::string_view text,
                                       const environment_map& own, const std::string& cwd);

/// What the instance says of "jobs[3]", said of the line that it stands in.
caf::error of_line(const submitted_dag& dag, const caf::error& e);

/// Adds a file to attributes.system.files (RFC 37), from which the job's shell makes it again.
void add_file(json& system, const std::string& name, const std::string& text, int mode);

/// Sets shell.options.rlimit by the rules of --rlimit, and memory-limit by --mem.
/// Errors: ec::bad_argument.
caf::error set_task_limits(json& shell, const parsed_options& options);

/// Lets the programs in the folders of HACTOR_CLI_PLUGINPATH see and change the job of a submit
/// request (doc/cli-plugins.md). Errors: ec::bad_argument with what a plugin says that refuses.
caf::error apply_plugins(const parsed_options& options, json& params);

/// Sets shell.options.taskmap. Errors: ec::bad_argument (a file of hosts that cannot be read).
caf::error set_taskmap(json& shell, const parsed_options& options);

/// Adds the files of --add-file. Errors: ec::bad_argument (no file, a name with folders,
/// no permissions).
caf::error set_files(json& system, const parsed_options& options);

/// Makes a job of an instance that has all that the job is granted and runs `command`: one task,
/// 'hactor start COMMAND'. Errors: as build_submit.
caf::expected<json> build_instance(parsed_options options, const std::vector<std::string>& command,
                                   const environment_map& own, const std::string& cwd);

} // namespace hactor::tools
