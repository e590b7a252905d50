// A command that ends by being another program: nothing of ours stays between that and whoever
// called us.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include "tools/command.hpp"

namespace hactor::tools {

/// Executes the words in our place; none: the user's shell. Returns only when that failed, with the
/// exit code of a shell (126, 127), and has said why.
int become(const invocation& call, std::vector<std::string> words);

} // namespace hactor::tools
