// Help pages: text filled to the width of a terminal, and a table of options as a list.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "runtime/command_line.hpp"

namespace hactor {

/// Appends `text` filled to 80 columns, each line behind `indent` blanks. Words are kept whole; a
/// line of the text that starts with a blank (an example, a table) is kept as it is.
void add_text(std::string& out, std::string_view text, size_t indent);

/// Appends one option, spelt as `text`, with its meaning below it.
void add_option(std::string& out, const option_spec& option, std::string_view text);

/// Appends each option of the table with its meaning below it, and --help.
void add_options(std::string& out, std::span<const option_spec> table);

/// How an option is written for a person: "-n, --ntasks=N".
std::string spelling(const option_spec& option);

} // namespace hactor
