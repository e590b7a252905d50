// See json_scan.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/json_scan.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>

#include "runtime/limits.hpp"
#include "runtime/utf8.hpp"

namespace hactor {

namespace {

/// Keys of one object that are compared with each other; more are the long way's.
constexpr size_t keys_max = 100;

/// Characters of a number that any double holds as it is written.
constexpr size_t number_bytes_max = 15;

// What a byte of a string is: 0 itself, 1 the end, 2 an escape, 3 a part of UTF-8, 4 forbidden.
constexpr std::array<uint8_t, 256> string_bytes = [] {
  std::array<uint8_t, 256> kinds{};
  for (size_t i = 0; i < 256; ++i)
    kinds[i] = i >= 0x80 ? 3 : i == '"' ? 1 : i == '\\' ? 2 : i < 0x20 ? 4 : 0;
  return kinds;
}();

bool is_digit(char c) { return c >= '0' && c <= '9'; }

} // namespace

char json_scan::next() {
  while (at_ < text_.size()
         && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r'))
    ++at_;
  return at_ < text_.size() ? text_[at_] : '\0';
}

bool json_scan::open(char bracket) { return closes(bracket) && ++depth_ <= limits::json_depth_max; }

bool json_scan::closes(char bracket) {
  if (next() != bracket)
    return false;
  ++at_;
  return true;
}

bool json_scan::key(size_t first_key) {
  std::string_view name;
  if (next() != '"' || !plain_string(name) || !closes(':') || keys_.size() - first_key >= keys_max)
    return false;
  auto first = keys_.begin() + static_cast<ptrdiff_t>(first_key);
  if (std::find(first, keys_.end(), name) != keys_.end())
    return false;
  keys_.push_back(name);
  return true;
}

bool json_scan::value() {
  switch (next()) {
  case '{':
    return members([this](std::string_view) { return value(); });
  case '[':
    return elements([this] { return value(); });
  case '"':
    return string(true);
  case 't':
    return word("true");
  case 'f':
    return word("false");
  case 'n':
    return word("null");
  default:
    return number();
  }
}

bool json_scan::plain_string(std::string_view& text) {
  if (next() != '"')
    return false;
  auto begin = at_ + 1;
  if (!string(false))
    return false;
  text = text_.substr(begin, at_ - begin - 1);
  return true;
}

bool json_scan::again(std::string_view bytes) {
  next();
  if (bytes.empty() || !text_.substr(at_).starts_with(bytes))
    return false;
  at_ += bytes.size();
  return true;
}

// Requires: a quote comes next.
bool json_scan::string(bool escapes) {
  for (++at_; at_ < text_.size();) {
    switch (string_bytes[static_cast<uint8_t>(text_[at_])]) {
    case 0:
      ++at_;
      break;
    case 1:
      ++at_;
      return true;
    case 2: {
      auto kind = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
      if (!escapes)
        return false;
      at_ += 2;
      if (kind != 'u' && std::string_view{"\"\\/bfnrt"}.find(kind) == std::string_view::npos)
        return false;
      if (kind != 'u')
        break;
      auto digits = text_.substr(at_, 4);
      if (digits.size() < 4 || digits[0] == 'd' || digits[0] == 'D' // it may be a surrogate
          || !std::all_of(digits.begin(), digits.end(),
                          [](unsigned char c) { return std::isxdigit(c) != 0; }))
        return false;
      at_ += 4;
      break;
    }
    case 3: {
      auto step = next_utf8(text_.substr(at_));
      if (!step.valid)
        return false;
      at_ += step.length;
      break;
    }
    default:
      return false;
    }
  }
  return false;
}

bool json_scan::number() {
  auto begin = at_;
  auto digits = [this] {
    auto first = at_;
    while (at_ < text_.size() && is_digit(text_[at_]))
      ++at_;
    return at_ - first;
  };
  if (at_ < text_.size() && text_[at_] == '-')
    ++at_;
  auto leads = at_ < text_.size() && text_[at_] == '0';
  auto whole = digits();
  if (whole == 0 || (leads && whole > 1))
    return false;
  if (at_ < text_.size() && text_[at_] == '.') {
    ++at_;
    if (digits() == 0)
      return false;
  }
  auto exponent = at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E');
  return !exponent && at_ - begin <= number_bytes_max;
}

bool json_scan::word(std::string_view expected) {
  if (!text_.substr(at_).starts_with(expected))
    return false;
  at_ += expected.size();
  return true;
}

} // namespace hactor
