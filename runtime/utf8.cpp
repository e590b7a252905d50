// See utf8.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/utf8.hpp"

#include <cstdint>

namespace hactor {

utf8_step next_utf8(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  auto lead = byte(0);
  size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                  : lead >= 0xE0 && lead <= 0xEF ? 3
                  : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                 : 0;
  if (length == 0)
    return {1, false};
  uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  for (size_t i = 1; i < length; ++i) {
    if (i >= text.size() || byte(i) < low || byte(i) > high)
      return {i, false};
    low = 0x80;
    high = 0xBF;
  }
  return {length, true};
}

} // namespace hactor
