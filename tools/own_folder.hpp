// Where this program lies, with the others that belong to it beside it.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>

namespace hactor::tools {

/// The folder of the running program; "." when the system does not tell.
std::string own_folder();

} // namespace hactor::tools
