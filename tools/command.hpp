// What a subcommand is: one row of data from which parsing, --help, near-name errors and the shell
// completion are all made, so that none of them can disagree with another.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/command_line.hpp"

namespace hactor::tools {

struct parsed_options;

/// How one run of the program was called.
struct invocation {
  std::string program; ///< What errors start with, e.g. "hactor-submit".
  const parsed_options& options;
};

/// One subcommand.
struct command {
  const char* name; ///< "submit", or "job attach" for a verb of a noun.
  const char* group;
  const char* summary;     ///< One line without a full stop.
  const char* synopsis;    ///< What follows the name.
  const char* description; ///< Paragraphs, separated by an empty line.
  std::span<const option_spec> options;
  const char* exits; ///< Lines "CODE  meaning".
  const char* example;
  bool command_follows; ///< The operands are a command line, whose words are not ours to judge.
  size_t operands_min;
  size_t operands_max;
  int (*run)(const invocation&);
};

inline constexpr size_t any_number = SIZE_MAX;

/// A command line of `of`. Values keep their order, since some rules depend on it.
struct parsed_options : command_line {
  const command* of = nullptr;

  /// How often the option was given. Requires: the command's table has it.
  size_t count(std::string_view name) const;
  bool has(std::string_view name) const { return count(name) > 0; }

  /// The value given last, or `otherwise`. Requires: the command's table has it.
  std::string value(std::string_view name, std::string_view otherwise = {}) const;

  /// All values of a repeatable option, in order.
  std::vector<std::string> all(std::string_view name) const;

  /// The value as a number. Errors: ec::bad_argument naming the option, the text and the range.
  caf::expected<uint64_t> number(std::string_view name, uint64_t otherwise, uint64_t min,
                                 uint64_t max) const;
};

/// Reads the words after a command's name; see parse_command_line. Errors: ec::bad_argument.
caf::expected<parsed_options> parse_options(const command& of, std::span<const char* const> words);

/// The table of all commands, in the order of the help.
std::span<const command* const> all_commands();

/// Those that are also verbs of `mini`, as older scripts have them.
std::span<const command* const> mini_commands();

/// The manual page of a command, wrapped at 80 columns.
std::string manual(const command& of);

/// What `hactor help` prints: groups of commands with their summaries.
std::string overview();

/// A bash completion script made from the table.
std::string bash_completion();

} // namespace hactor::tools
