// Whole files as text, for commands that take file names.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>

#include "runtime/error.hpp"

namespace hactor::tools {

/// The whole text of a regular file; "-" is standard input, of whatever kind. Errors: as
/// read_regular_file with limits graph_text_bytes_max; ec::bad_argument (standard input cannot be
/// read).
caf::expected<std::string> read_file(const std::string& name);

/// Makes a file of the text, or writes it to standard output for "-". Errors: ec::bad_argument (it
/// cannot be made), ec::system_failed (it cannot be written), naming file and errno.
caf::error write_file(const std::string& name, const std::string& text);

} // namespace hactor::tools
