// Whether a text is UTF-8, for those who must refuse what JSON cannot carry.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace hactor {

/// Whether all of the text is valid UTF-8.
bool is_utf8(std::string_view text);

/// The text with each byte that belongs to no character as \xNN, to be shown to a person.
std::string escape_odd_bytes(std::string_view text);

/// The text with control characters as \n, \t or \xNN: it stays in its line, for any terminal.
std::string escape_controls(std::string_view text);

} // namespace hactor
