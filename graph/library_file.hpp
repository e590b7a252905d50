// Whether a shared library is whole. The loader maps what the file's headers promise: of a library
// that was cut off it dies by SIGBUS, without a word. Caller: policy_library.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>

#include "runtime/error.hpp"

namespace hactor {

/// Looks at the sizes in the headers of an ELF file of this machine's kind; of anything else the
/// loader itself says what it is. Errors: ec::bad_argument: it cannot be opened, is no regular
/// file, or ends before what its headers promise. The text does not name the file.
caf::error check_library_file(const std::string& path);

} // namespace hactor
