// Writes and reads job ids; the layout and the alphabet are RFC 19's.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/ids.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <optional>

#include <fmt/format.h>

#include "runtime/id_spellings.hpp"

namespace hactor {

namespace {

constexpr unsigned sequence_bits = 10;
constexpr unsigned generator_bits = 14;
constexpr unsigned ms_bits = 40;
static_assert(sequence_bits + generator_bits + ms_bits == 64);

constexpr uint64_t sequence_count = uint64_t{1} << sequence_bits;

constexpr std::string_view emoji_lead = "\xF0\x9F";
constexpr std::string_view f58_letter = "\xC6\x92"; // U+0192
constexpr std::string_view f58_alphabet =
    "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
constexpr uint64_t f58_base = 58;
constexpr size_t f58_digits_max = 11;
static_assert(f58_alphabet.size() == f58_base);

constexpr std::array<int8_t, 256> f58_values = [] {
  std::array<int8_t, 256> values{};
  values.fill(-1);
  for (size_t i = 0; i < f58_alphabet.size(); ++i)
    values[static_cast<uint8_t>(f58_alphabet[i])] = static_cast<int8_t>(i);
  return values;
}();

std::string f58_digits(uint64_t value, std::string_view prefix) {
  char digits[f58_digits_max];
  auto begin = std::end(digits);
  do {
    *--begin = f58_alphabet[value % f58_base];
    value /= f58_base;
  } while (value != 0);
  std::string text{prefix};
  text.append(begin, std::end(digits));
  return text;
}

std::string dothex_digits(uint64_t value) {
  return fmt::format("{:04x}.{:04x}.{:04x}.{:04x}", value >> 48, (value >> 32) & 0xffff,
                     (value >> 16) & 0xffff, value & 0xffff);
}

std::optional<uint64_t> read_f58(std::string_view digits) {
  if (digits.empty() || digits.size() > f58_digits_max)
    return std::nullopt;
  uint64_t value = 0;
  for (char c : digits) {
    auto digit = f58_values[static_cast<uint8_t>(c)];
    if (digit < 0 || __builtin_mul_overflow(value, f58_base, &value)
        || __builtin_add_overflow(value, static_cast<uint64_t>(digit), &value))
      return std::nullopt;
  }
  return value;
}

std::optional<uint64_t> read_number(std::string_view digits, int base) {
  uint64_t value = 0;
  auto end = digits.data() + digits.size();
  auto [stop, failure] = std::from_chars(digits.data(), end, value, base);
  if (failure != std::errc{} || stop != end)
    return std::nullopt;
  return value;
}

// Four groups of one to four hex digits.
std::optional<uint64_t> read_dothex(std::string_view text) {
  uint64_t value = 0;
  for (int group = 0; group < 4; ++group) {
    auto dot = group < 3 ? text.find('.') : text.size();
    if (dot == std::string_view::npos || dot == 0 || dot > 4)
      return std::nullopt;
    auto part = read_number(text.substr(0, dot), 16);
    if (!part)
      return std::nullopt;
    value = value << 16 | *part;
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  return value;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n\v\f";
  auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::optional<uint64_t> read_spelling(std::string_view text) {
  if (text.starts_with("job."))
    return read_dothex(text.substr(4));
  if (text.find('.') != std::string_view::npos)
    return read_dothex(text);
  if (text.find('-') != std::string_view::npos)
    return read_words(text);
  if (text.starts_with(f58_letter))
    return read_f58(text.substr(f58_letter.size()));
  if (text.starts_with('f'))
    return read_f58(text.substr(1));
  if (text.starts_with(emoji_lead))
    return read_emoji(text);
  if (text.starts_with("0x") || text.starts_with("0X"))
    return read_number(text.substr(2), 16);
  return read_number(text, 10);
}

// Why text that looks like one of Flux's ids is none here: six English words.
std::string_view foreign_spelling(std::string_view text) {
  auto joins = std::count(text.begin(), text.end(), '-');
  return joins >= 5 ? "words of Flux are not read, only 'hactor job id --to=words' has words; "
                    : std::string_view{};
}

} // namespace

std::string to_string(job_id id) { return f58_digits(id.value, "f"); }

std::string format_job_id(job_id id, id_form form) {
  switch (form) {
  case id_form::f58:
    return f58_digits(id.value, f58_letter);
  case id_form::f58_plain:
    return f58_digits(id.value, "f");
  case id_form::dec:
    return fmt::format("{}", id.value);
  case id_form::hex:
    return fmt::format("{:#x}", id.value);
  case id_form::dothex:
    return dothex_digits(id.value);
  case id_form::kvs:
    return "job." + dothex_digits(id.value);
  case id_form::words:
    return spell_words(id.value);
  case id_form::emoji:
    return spell_emoji(id.value);
  }
  HACTOR_CHECK(!"a form of the enum");
  return {};
}

caf::expected<job_id> parse_job_id(std::string_view text) {
  auto trimmed = trim(text);
  auto value = read_spelling(trimmed);
  if (!value)
    return make_error(ec::bad_id,
                      fmt::format("'{}' is not a job id: {}right are e.g. fuZZybuNNy, "
                                  "6731191091817518, 0x17e9fb8df16c2e, 0017.e9fb.8df1.6c2e, {}",
                                  trimmed.substr(0, 80), foreign_spelling(trimmed),
                                  spell_words(6731191091817518)));
  return job_id{*value};
}

caf::expected<id_form> parse_id_form(std::string_view name) {
  if (name == "f58")
    return id_form::f58;
  if (name == "f58plain")
    return id_form::f58_plain;
  if (name == "dec")
    return id_form::dec;
  if (name == "hex")
    return id_form::hex;
  if (name == "dothex")
    return id_form::dothex;
  if (name == "kvs")
    return id_form::kvs;
  if (name == "words")
    return id_form::words;
  if (name == "emoji")
    return id_form::emoji;
  return make_error(ec::bad_argument,
                    fmt::format("the id form '{}' is unknown; right are dec, hex, "
                                "dothex, kvs, f58, f58plain, words, emoji",
                                name));
}

// Starts as if all ids of last_ms were used: the first id lies after it, and is not 0.
fluid_generator::fluid_generator(uint32_t generator, uint64_t last_ms)
    : generator_(generator), ms_(last_ms), sequence_(sequence_count) {
  HACTOR_CHECK(generator < (1u << generator_bits));
}

// A clock that was set to a time before the epoch (a huge number here), or to more than 34 years
// after it, says nothing: the ids go on from the last one.
job_id fluid_generator::next(uint64_t now_ms) {
  if (now_ms > ms_ && now_ms >> ms_bits == 0) {
    ms_ = now_ms;
    sequence_ = 0;
  } else if (sequence_ == sequence_count) {
    ++ms_;
    sequence_ = 0;
  }
  HACTOR_CHECK(ms_ >> ms_bits == 0);
  return {ms_ << (generator_bits + sequence_bits) | generator_ << sequence_bits | sequence_++};
}

uint64_t fluid_ms(job_id id) { return id.value >> (generator_bits + sequence_bits); }

std::optional<job_id> neighbour_of(job_id id, int64_t n) {
  auto generator = id.value >> sequence_bits & ((1u << generator_bits) - 1);
  // The generator's number aside, ids are counted through.
  auto place =
      static_cast<int64_t>(fluid_ms(id) << sequence_bits | (id.value & (sequence_count - 1)));
  if (__builtin_add_overflow(place, n, &place) || place < 0
      || place >> (ms_bits + sequence_bits) != 0)
    return std::nullopt;
  auto at = static_cast<uint64_t>(place);
  return job_id{at >> sequence_bits << (generator_bits + sequence_bits) | generator << sequence_bits
                | (at & (sequence_count - 1))};
}

} // namespace hactor
