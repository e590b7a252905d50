// Why a program that is there could not be executed: the first line of a script names an
// interpreter that is not. Caller: shell.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace hactor {

/// What is wrong with the interpreter of a script, as "its interpreter /bin/x does not exist"; ""
/// when the command, which is looked for as execvp does in `path` from `cwd`, is no script or its
/// interpreter is there. Reads the first bytes of the file.
std::string fault_of_interpreter(const std::string& command, std::string_view path,
                                 const std::string& cwd);

} // namespace hactor
