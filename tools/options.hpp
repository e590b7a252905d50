// What command lines and the directives of scripts have in common before they are read.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tools/command.hpp"

namespace hactor::tools {

/// The words, in which "--wrap=x" of a flag "wrap" that has a row "wrap-text" beside it is that
/// option: others have the flag with a value.
std::vector<std::string> with_text_rows(const command& of, std::span<const char* const> words);

} // namespace hactor::tools
