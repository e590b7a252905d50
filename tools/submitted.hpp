// What submit and run do around the request.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include "tools/session.hpp"

namespace hactor::tools {

/// The current directory as the shell names it (PWD), if that is right: links stay as the person
/// wrote them.
std::string working_directory();

/// Sends the submit request and returns the ids in order. Errors: the broker's.
caf::expected<std::vector<std::string>> submit_job(client& broker, const json& params);

/// Waits until an event happened to all jobs. Errors: the broker's, when one ended without it.
caf::error wait_for_event(const invocation& call, client& broker,
                          const std::vector<std::string>& ids, const std::string& event);

/// The value of --cc or --bcc. Errors: ec::bad_argument (no idset, the empty one).
caf::expected<std::string> read_copies(const parsed_options& options, const char* name);

} // namespace hactor::tools
