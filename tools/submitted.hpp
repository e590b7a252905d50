// What submit and run do around the request.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include "tools/session.hpp"
#include "workflow/environment.hpp"

namespace hactor::tools {

/// The current directory as the shell names it (PWD), if that is right: links stay as the person
/// wrote them. Empty when it was removed.
std::string working_directory();

inline constexpr const char* gone_directory =
    "the working directory was removed: go to one that is there";

/// Leaves out what cannot be sent, and says so on standard error, once for each variable.
void clean_environment(workflow::environment_map& variables, const std::string& program);

/// Sends the submit request and returns the ids in order. Errors: the broker's.
caf::expected<std::vector<std::string>> submit_job(client& broker, const json& params);

/// The events of a job's execution (guest.exec.eventlog), in their order.
inline constexpr std::string_view execution_events[] = {
    "init",     "starting", "shell.init", "shell.start", "shell.task-exit",
    "complete", "done",     "exception"};

/// Waits until an event happened to all jobs; "exec." in front is one of the execution. Errors: the
/// broker's, when one ended without it.
caf::error wait_for_event(const invocation& call, client& broker,
                          const std::vector<std::string>& ids, const std::string& event);

/// Sets cc or bcc of a submission by --cc and --bcc, and that it is waited for by 'hactor job
/// wait'. Errors: ec::bad_argument (no idset, the empty one, both).
caf::error set_copies(json& params, const parsed_options& options);

/// The parameters of the submit request for the job that `build` makes of the options, or for all
/// of its copies where {cc} stands in options that each copy is to have its own value of, as in
/// -n {cc}: what the instance fills in by itself is text (command, environment, names).
/// Plugins have seen all. Errors: those of `build`, set_copies and apply_plugins.
caf::expected<json>
build_copies(const parsed_options& options,
             const std::function<caf::expected<json>(const parsed_options&)>& build);

/// Submits a job and stays with it until its end. Returns the exit code.
int run_attached(const invocation& call, const json& params, bool terminal);

} // namespace hactor::tools
