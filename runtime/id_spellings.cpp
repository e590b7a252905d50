// See id_spellings.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/id_spellings.hpp"

namespace hactor {

namespace {

constexpr std::string_view consonants = "bdfghjklmnprstvz";
constexpr std::string_view vowels = "aiou";
static_assert(consonants.size() == 16 && vowels.size() == 4);

constexpr int words_count = 4;
constexpr size_t word_letters = 5;

/// RFC 19: the emoji of Unicode 6.0 whose UTF-8 is four bytes from F0 9F on, in the order of CLDR.
/// In Unicode's emoji-test.txt these are the lines "fully-qualified" of "E0.6" with one code point.
/// Each is a digit, the first is 0.
// clang-format off
constexpr std::string_view emoji_digits =
    "😃😄😁😆😅😂😉😊😍😘😚😋😜😝😏😒😌😔😪😷😵😲"
    "😳😨😰😥😢😭😱😖😣😞😓😩😫😤😡😠👿💀💩👹👺👻"
    "👽👾😺😸😹😻😼😽🙀😿😾🙈🙉🙊💌💘💝💖💗💓💞💕"
    "💟💔💛💚💙💜💋💯💢💥💫💦💨💬💤👋👌👈👉👆👇👍"
    "👎👊👏🙌👐🙏💅💪👂👃👀👅👄👶👦👧👱👨👩👴👵🙍"
    "🙎🙅🙆💁🙋🙇👮💂👷👸👳👲👰👼🎅💆💇🚶🏃💃👯🏂"
    "🏄🏊🛀👫💏💑👪👤👣🐵🐒🐶🐩🐺🐱🐯🐴🐎🐮🐷🐗🐽"
    "🐑🐫🐘🐭🐹🐰🐻🐨🐼🐾🐔🐣🐤🐥🐦🐧🐸🐢🐍🐲🐳🐬"
    "🐟🐠🐡🐙🐚🐌🐛🐜🐝🐞💐🌸💮🌹🌺🌻🌼🌷🌱🌴🌵🌾"
    "🌿🍀🍁🍂🍃🍄🍇🍈🍉🍊🍌🍍🍎🍏🍑🍒🍓🍅🍆🌽🌰🍞"
    "🍖🍗🍔🍟🍕🍳🍲🍱🍘🍙🍚🍛🍜🍝🍠🍢🍣🍤🍥🍡🍦🍧"
    "🍨🍩🍪🎂🍰🍫🍬🍭🍮🍯🍵🍶🍷🍸🍹🍺🍻🍴🔪🌏🗾🌋"
    "🗻🏠🏡🏢🏣🏥🏦🏨🏩🏪🏫🏬🏭🏯🏰💒🗼🗽🌁🌃🌄🌅"
    "🌆🌇🌉🎠🎡🎢💈🎪🚃🚄🚅🚇🚉🚌🚑🚒🚓🚕🚗🚙🚚🚲"
    "🚏🚨🚥🚧🚤🚢💺🚀🕛🕐🕑🕒🕓🕔🕕🕖🕗🕘🕙🕚🌑🌓"
    "🌔🌕🌙🌛🌟🌠🌌🌀🌈🌂🔥💧🌊🎃🎄🎆🎇🎈🎉🎊🎋🎍"
    "🎎🎏🎐🎑🎀🎁🎫🏆🏀🏈🎾🎳🎣🎽🎿🎯🔫🎱🔮🎮🎰🎲"
    "🃏🀄🎴🎭🎨👓👔👕👖👗👘👙👚👛👜👝🎒👞👟👠👡👢"
    "👑👒🎩🎓💄💍💎🔊📢📣🔔🎼🎵🎶🎤🎧📻🎷🎸🎹🎺🎻"
    "📱📲📞📟📠🔋🔌💻💽💾💿📀🎥🎬📺📷📹📼🔍🔎💡🔦"
    "🏮📔📕📖📗📘📙📚📓📒📃📜📄📰📑🔖💰💴💵💸💳💹"
    "📧📨📩📤📥📦📫📪📮📝💼📁📂📅📆📇📈📉📊📋📌📍"
    "📎📏📐🔒🔓🔏🔐🔑🔨💣🔧🔩🔗📡💉💊🚪🚽🚬🗿🏧🚹"
    "🚺🚻🚼🚾🚫🚭🔞🔃🔙🔚🔛🔜🔝🔯🔼🔽🎦📶📳📴💱💲"
    "🔱📛🔰🔟🔠🔡🔢🔣🔤🆎🆑🆒🆓🆔🆕🆖🆗🆘🆙🆚🈁🈶"
    "🈯🉐🈹🈚🈲🉑🈸🈴🈳🈺🈵🔴🔵🔶🔷🔸🔹🔺🔻💠🔘🔳"
    "🔲🏁🚩🎌";
// clang-format on
constexpr uint64_t emoji_base = 576;
constexpr size_t emoji_bytes = 4;
constexpr size_t emoji_digits_max = 7; // of 2^64 - 1
static_assert(emoji_digits.size() == emoji_base * emoji_bytes);

std::optional<uint16_t> read_word(std::string_view word) {
  unsigned value = 0;
  for (size_t i = 0; i < word_letters; ++i) {
    auto lower = word[i] >= 'A' && word[i] <= 'Z' ? static_cast<char>(word[i] + 32) : word[i];
    auto digit = (i % 2 == 0 ? consonants : vowels).find(lower);
    if (digit == std::string_view::npos)
      return std::nullopt;
    value = value << (i % 2 == 0 ? 4 : 2) | static_cast<unsigned>(digit);
  }
  return static_cast<uint16_t>(value);
}

} // namespace

std::string spell_words(uint64_t value) {
  std::string text;
  for (int shift = 16 * (words_count - 1); shift >= 0; shift -= 16) {
    auto bits = static_cast<unsigned>(value >> shift & 0xffff);
    text += text.empty() ? "" : "-";
    text += {consonants[bits >> 12], vowels[bits >> 10 & 3], consonants[bits >> 6 & 15],
             vowels[bits >> 4 & 3], consonants[bits & 15]};
  }
  return text;
}

std::optional<uint64_t> read_words(std::string_view text) {
  if (text.size() != words_count * (word_letters + 1) - 1)
    return std::nullopt;
  uint64_t value = 0;
  for (size_t at = 0; at < text.size(); at += word_letters + 1) {
    auto word = read_word(text.substr(at, word_letters));
    if (!word || (at > 0 && text[at - 1] != '-'))
      return std::nullopt;
    value = value << 16 | *word;
  }
  return value;
}

std::string spell_emoji(uint64_t value) {
  std::string text;
  do {
    text.insert(0, emoji_digits.substr(value % emoji_base * emoji_bytes, emoji_bytes));
    value /= emoji_base;
  } while (value != 0);
  return text;
}

std::optional<uint64_t> read_emoji(std::string_view text) {
  if (text.empty() || text.size() % emoji_bytes != 0
      || text.size() > emoji_digits_max * emoji_bytes)
    return std::nullopt;
  uint64_t value = 0;
  for (; !text.empty(); text.remove_prefix(emoji_bytes)) {
    // All begin with F0, which is no later byte of any: what is found is a whole emoji.
    auto at = emoji_digits.find(text.substr(0, emoji_bytes));
    if (at == std::string_view::npos || __builtin_mul_overflow(value, emoji_base, &value)
        || __builtin_add_overflow(value, uint64_t{at / emoji_bytes}, &value))
      return std::nullopt;
  }
  return value;
}

} // namespace hactor
