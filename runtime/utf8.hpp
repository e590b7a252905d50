// One step of reading UTF-8, for those who write or check JSON text.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string_view>

namespace hactor {

struct utf8_step {
  size_t length; ///< Bytes to pass over.
  bool valid;    ///< They are one character; else they are to be replaced by one U+FFFD.
};

/// Looks at the character of several bytes at the front of `text` (Unicode table 3-7). An invalid
/// one is as long as its longest prefix that could have become a character, at least one byte.
/// Requires: the first byte is 0x80 or more.
utf8_step next_utf8(std::string_view text);

} // namespace hactor
