// hactor start as the task of a job: an instance within the one around.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include "tools/command.hpp"

namespace hactor::tools {

/// What runs where there is no script: it waits for the signal that ends it, and is small.
inline constexpr const char* server_command[] = {"sleep", "infinity"};

/// True in a task of a job of a hactor instance.
bool is_in_job();

/// True in the script of an instance that is within a job, or has brokers in one.
bool is_in_script_of_job();

/// For an instance with brokers of its own, of which this task becomes one: changes our environment
/// and returns the words for hactor-start that follow from the job.
std::vector<std::string> prepare_brokers(const invocation& call);

/// Words for hactor-start that say what the job of this task was granted here, and for how long.
/// Empty, with a complaint, when the instance around does not tell.
std::vector<std::string> granted_words(const invocation& call);

/// The same where the instance around is the script's.
std::vector<std::string> own_node_words(const invocation& call);

/// Asks for an instance over the job's grant and becomes its script; in the job's other tasks,
/// waits for its end. Returns the exit code when the script could not be executed.
int start_child(const invocation& call);

} // namespace hactor::tools
