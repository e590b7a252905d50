// The way to an instance through ssh: `ssh HOST hactor relay PATH`, whose standard input and output
// are the other end of our socket. $HACTOR_SSH is another program than ssh, or it with options;
// $HACTOR_SSH_RCMD where hactor is on the other machine, which is taken to be as on this one.
//
// ssh is nobody's child: who connects may be a library in a program that waits for children of its
// own. It ends when our end of the socket is closed.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "workflow/address.hpp"

namespace hactor::workflow {

/// What the relay says when it has reached the instance; what comes before is not ours, as the
/// greetings of login scripts.
inline constexpr std::string_view relay_greeting = "hactor relay 1\n";

/// The words that are executed. Requires: by == way::ssh.
std::vector<std::string> ssh_words(const instance_address& a);

/// A blocking socket to the instance. Errors: ec::exec_failed (there is no ssh), ec::no_instance
/// (it ended before it had reached one, and has said why), ec::timed_out.
caf::expected<int> connect_by_ssh(const instance_address& a);

} // namespace hactor::workflow
