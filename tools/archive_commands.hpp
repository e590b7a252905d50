// The verbs of 'hactor archive', for the table of all commands.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include "tools/command.hpp"

namespace hactor::tools {

extern const command archive_command;
extern const command archive_create_command;
extern const command archive_list_command;
extern const command archive_extract_command;
extern const command archive_remove_command;

} // namespace hactor::tools
