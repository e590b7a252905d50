// See utf8_text.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/utf8_text.hpp"

#include <fmt/format.h>

#include "runtime/utf8.hpp"

namespace hactor {

namespace {

utf8_step step_of(std::string_view text) {
  return static_cast<uint8_t>(text[0]) < 0x80 ? utf8_step{1, true} : next_utf8(text);
}

} // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    auto step = step_of(text);
    if (!step.valid)
      return false;
    text.remove_prefix(step.length);
  }
  return true;
}

std::string escape_odd_bytes(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    auto step = step_of(text);
    auto bytes = text.substr(0, step.length);
    if (step.valid)
      out += bytes;
    else
      for (auto byte : bytes)
        out += fmt::format("\\x{:02x}", static_cast<uint8_t>(byte));
    text.remove_prefix(step.length);
  }
  return out;
}

std::string escape_controls(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    auto step = step_of(text);
    auto bytes = text.substr(0, step.length);
    text.remove_prefix(step.length);
    auto first = static_cast<uint8_t>(bytes[0]);
    // Those of ISO 6429 beyond ASCII are C2 80 to C2 9F.
    auto second = bytes.size() == 2 && first == 0xc2 ? static_cast<uint8_t>(bytes[1]) : 0;
    if (first == '\n')
      out += "\\n";
    else if (first == '\t')
      out += "\\t";
    else if (first < 0x20 || first == 0x7f || (second != 0 && second < 0xa0))
      out += fmt::format("\\x{:02x}", second != 0 ? second : first);
    else
      out += bytes;
  }
  return out;
}

} // namespace hactor
