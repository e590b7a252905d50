// Whole files as text, for commands that take file names.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "runtime/error.hpp"

namespace hactor::tools {

/// The whole text of a regular file; "-" is standard input, of whatever kind. Errors:
/// ec::system_failed (it cannot be read, is something else, or larger than graph_text_bytes_max);
/// ec::too_big (standard input is).
caf::expected<std::string> read_file(const std::string& name);

/// The same error of a file that an option names, with the option in front.
caf::error of_option(std::string_view option, const caf::error& e);

/// Makes a file of the text, or writes it to standard output for "-". Errors: ec::system_failed,
/// naming file and errno.
caf::error write_file(const std::string& name, const std::string& text);

} // namespace hactor::tools
