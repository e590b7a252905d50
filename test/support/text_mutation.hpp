// Random changes of JSON text: bytes and pieces that parsers stumble over.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <array>
#include <random>
#include <string>
#include <string_view>

namespace hactor::test {

/// Changes `text` at one to three places: takes bytes out, puts pieces in or over, or doubles a
/// stretch of it.
inline std::string mutate(std::string text, std::mt19937& random) {
  static constexpr std::array<std::string_view, 40> pieces{"{",
                                                           "}",
                                                           "[",
                                                           "]",
                                                           ",",
                                                           ":",
                                                           "\"",
                                                           "\\",
                                                           " ",
                                                           "\n",
                                                           "0",
                                                           "-1",
                                                           "1.50",
                                                           "1e400",
                                                           "12345678901234567890",
                                                           "null",
                                                           "true",
                                                           "\"a\"",
                                                           "\\n",
                                                           "\\u0041",
                                                           "\\u0000",
                                                           "\\ud83d\\ude00",
                                                           "\\ud83",
                                                           "\\x",
                                                           "\xC3\xA9",
                                                           "\xFF",
                                                           "\x01",
                                                           "\x7F",
                                                           "\"a\":1,",
                                                           "{}",
                                                           "[]",
                                                           "\"\"",
                                                           "[[",
                                                           "/",
                                                           "=",
                                                           "{cc}",
                                                           "01",
                                                           "-0",
                                                           "1.",
                                                           "#"};
  auto below = [&](size_t n) { return std::uniform_int_distribution<size_t>{0, n - 1}(random); };
  for (auto times = 1 + below(3); times-- > 0 && !text.empty();) {
    auto at = below(text.size());
    auto length = std::min(below(4), text.size() - at);
    switch (below(4)) {
    case 0:
      text.erase(at, length);
      break;
    case 1:
      text.insert(at, pieces[below(pieces.size())]);
      break;
    case 2:
      text.replace(at, length, pieces[below(pieces.size())]);
      break;
    default:
      text.insert(at, text.substr(at, below(40)));
      break;
    }
  }
  return text;
}

} // namespace hactor::test
