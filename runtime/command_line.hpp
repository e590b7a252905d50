// Command lines by POSIX rules, from a table of options. CLI11 reads them.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/error.hpp"

namespace hactor {

/// One option of a program or of one of its commands.
struct option_spec {
  char letter;                   ///< 0: it has no short form.
  const char* name;              ///< Long name without dashes.
  const char* argument;          ///< What stands for its value in the help; nullptr: it is a flag.
  const char* meaning;           ///< Sentences with unit and default.
  const char* aliases = nullptr; ///< Further spellings, blank separated: "-p --partition".
};

/// What every table has without saying so.
inline constexpr option_spec help_option{'h', "help", nullptr, "Prints this page."};

/// A command line after parsing.
struct command_line {
  std::vector<std::pair<const option_spec*, std::string>> values; ///< As they stood; flags: "".
  std::vector<std::string> operands;
  bool help = false;            ///< -h or --help.
  bool after_separator = false; ///< "--" ended the options.
};

/// Reads `words` (without the program's name). Options end at the first operand or at "--", long
/// names are never abbreviated, a value is taken as it stands: "-n2", "-n 2", "--name=x", "--name
/// x" and "-lu" are read; but not a long option of the table as the word behind another: "-q
/// --wait". Errors: ec::bad_argument that names the option, with near names.
caf::expected<command_line> parse_command_line(std::span<const option_spec> table,
                                               std::span<const char* const> words);

/// Whether `word` is an option of the table, as in "-n2" or "--name=x".
bool is_option(std::span<const option_spec> table, std::string_view word);

} // namespace hactor
