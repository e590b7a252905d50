// Where this program lies, with the others that belong to it beside it, and where people's files
// are.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

namespace hactor::tools {

/// The folder of the running program; "." when the system does not tell.
std::string own_folder();

/// Folders of configuration (XDG), the person's own behind those of the site: what is found later
/// wins.
std::vector<std::string> configuration_folders();

} // namespace hactor::tools
