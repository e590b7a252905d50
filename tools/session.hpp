// What most commands do: connect, ask, wait for several answers at once, read job ids.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <span>

#include "tools/client.hpp"
#include "tools/command.hpp"
#include "tools/say.hpp"

namespace hactor::tools {

/// Connects and runs `body`, whose error is complained of. Returns the exit code.
int with_broker(const invocation& call, const std::function<caf::expected<int>(client&)>& body);

/// Reads job ids in any spelling and gives them back in the one form that is printed.
/// Errors: ec::bad_id.
caf::expected<std::vector<std::string>> read_ids(std::span<const std::string> texts);

/// Splits operands at the first "--": what stands before it, and the words after it as one text.
std::pair<std::vector<std::string>, std::string> split_message(const parsed_options& options);

/// One job's answer of ask_each.
using on_answer = std::function<bool(size_t index, caf::expected<json> result)>;

/// Sends one request for each id at once, with `params` and the id, and hands out the answers as
/// they come, until all came or `on_answer` returns false. `timeout_s` <= 0 waits for ever.
/// Errors: those of the connection, ec::timed_out.
caf::error ask_each(client& broker, std::string_view method, std::span<const std::string> ids,
                    const json& params, double timeout_s, const on_answer& answer,
                    const std::function<void(size_t, const frame&)>& on_frame = {});

/// Prints the lines of a streaming request as they come, each changed by `change` if given; what
/// becomes empty is left out.
caf::expected<int> print_lines(client& broker, std::string_view method, const json& params,
                               const std::function<std::string(std::string_view)>& change = {});

/// Reads a duration option in seconds, `otherwise` if absent. Errors: ec::bad_argument.
caf::expected<double> duration_option(const parsed_options& options, std::string_view name,
                                      double otherwise);

/// The words of a comma separated list.
std::vector<std::string> split_commas(std::string_view text);

/// Seconds since the epoch.
double now_s();

} // namespace hactor::tools
