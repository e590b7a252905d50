// The plugins of the submitting commands (doc/cli-plugins.md), and the options that they add: what
// the file PLUGIN.options declares is parsed, explained by --help and completed like any other.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include "tools/command.hpp"

namespace hactor::tools {

/// The programs in the folders of HACTOR_CLI_PLUGINPATH, folder by folder, each by name.
std::vector<std::string> find_plugins();

/// Returns the command with the options that plugins declare for it: `of` itself when it submits
/// nothing or there are none. Lives as long as the program. Errors: ec::bad_argument, naming the
/// file (it is no list of options, one is the command's own already or another plugin's).
caf::expected<const command*> with_plugin_options(const command& of);

/// Whether a plugin has declared the option.
bool is_plugin_option(const option_spec& option);

} // namespace hactor::tools
