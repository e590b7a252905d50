// Text split into words by the quoting rules of the POSIX shell: lines of directives, and lines
// that are command lines. Nothing is expanded.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/error.hpp"

namespace hactor::tools {

struct shell_word {
  std::string text;
  size_t line = 0; ///< In which it begins, counted from 0.
};

/// Splits at blanks and line ends. 'x', "x" and \x quote, a # in front of a word begins a comment
/// that ends with the line, a backslash at a line's end joins it with the next. With `triple`,
/// """x""" and '''x''' quote too, over several lines: a line end after the opening quotes is left
/// out, and the blanks that all of the lines begin with. Quotes of other kinds end in their line.
/// Errors: ec::bad_argument, "line N: ...", N counted from 1.
caf::expected<std::vector<shell_word>> split_words(std::string_view text, bool triple = false);

} // namespace hactor::tools
