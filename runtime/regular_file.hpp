// Files that a setting names: read as a whole at the start, by a process that must neither hang nor
// die of a wrong name. So pipes, devices and folders are refused.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string>

#include "runtime/error.hpp"

namespace hactor {

/// The whole content of a regular file. Errors: ec::system_failed (cannot be opened or read),
/// ec::bad_argument (is no regular file), ec::too_big (more than `bytes_max`); all name the file.
caf::expected<std::string> read_regular_file(const std::string& path, size_t bytes_max);

} // namespace hactor
