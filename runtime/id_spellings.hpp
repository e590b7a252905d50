// Two spellings of a 64-bit number for people: words to say over the phone, and emoji (RFC 19).
//
// Words are proquints (arXiv:0901.4016), four of five letters each: consonants are 4 bits, vowels
// 2. RFC 19 takes a list of 1626 English words, which belongs to others; so ours and Flux's words
// do not interchange. Emoji do: their table follows from the rule in RFC 19.
// Called by runtime/ids.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hactor {

/// Returns e.g. "babil-volur-mulud-kubov": 16 bits a word, the highest first.
std::string spell_words(uint64_t value);

/// Reads what spell_words writes, in either case; nothing for any other text.
std::optional<uint64_t> read_words(std::string_view text);

/// Returns the number in base 576, one to seven emoji in UTF-8, the most significant first.
std::string spell_emoji(uint64_t value);

/// Reads what spell_emoji writes; nothing for any other text and for more than 64 bits.
std::optional<uint64_t> read_emoji(std::string_view text);

} // namespace hactor
