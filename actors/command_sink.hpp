// Commands that a client runs on brokers (hactor exec): what they are started with, and how the
// client hears of them. Called by actors/exec.cpp and, for those within a job, by
// actors/shell_helpers.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "actors/interfaces.hpp"
#include "actors/task_host.hpp"

namespace hactor {

/// Passes what a command writes, and its end, to the client's connector, then calls `over`. The
/// command's pipes are left unread while the connector has not answered for what it was sent last.
std::shared_ptr<task_sink> command_sink(const command_request& r, rank_t rank, std::string host,
                                        std::function<void()> over);

/// The command, but for its descriptors: with the client's environment less what launchers set.
/// `uri`: of the outermost instance.
spawn_request command_of(const command_request& r, rank_t rank, const std::string& uri);

/// Tells the client that its command has not started here.
void refuse_command(const command_request& r, rank_t rank, int code, std::string why);

/// Which of a command's streams go through us.
inline constexpr task_pipes command_pipes{false, true, true, true, false};

} // namespace hactor
