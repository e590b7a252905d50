// actors/framed_words, runtime/packed: words of a helper process, whatever it says.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/framed_words.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <cereal/types/optional.hpp>
#include <cereal/types/utility.hpp>
#include <doctest/doctest.h>
#include <sys/resource.h>

using namespace hactor;

namespace {

enum class colour : uint16_t { red, blue };

struct part {
  std::string name;
  std::vector<uint32_t> numbers{};

  template <class Archive>
  void serialize(Archive& a) {
    a(name, numbers);
  }
  bool operator==(const part&) const = default;
};

struct value {
  colour tint = colour::blue;
  double amount = 0;
  std::array<int16_t, 2> pair{};
  std::vector<part> parts{};
  std::vector<bool> flags{};
  std::optional<std::string> maybe{};
  std::vector<std::pair<std::string, std::vector<std::string>>> lists{};

  template <class Archive>
  void serialize(Archive& a) {
    a(tint, amount, pair, parts, flags, maybe, lists);
  }
  bool operator==(const value&) const = default;
};

enum class word_kind : uint8_t { one, two, three };

struct short_word {
  static constexpr auto last_kind = word_kind::two;
  word_kind kind{};
  std::string text{};

  template <class Archive>
  void serialize(Archive& a) {
    a(kind, text);
  }
};

const value some{colour::red,
                 -2.5,
                 {-1, 300},
                 {{"a", {1, 70'000}}, {"", {}}},
                 {true, false},
                 "m",
                 {{"k", {"v", std::string("w\0x", 3)}}}};

/// A count as the archive writes it.
std::string count_of(uint64_t n) {
  std::string text(8, '\0');
  for (auto& c : text)
    c = static_cast<char>(n & 0xff), n >>= 8;
  return text;
}

int64_t peak_kb() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return used.ru_maxrss;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("what was packed is read as it was, and not when a byte is missing or too many") {
    auto bytes = pack(some);
    CHECK(unpack<value>(bytes).value() == some);
    for (size_t size = 0; size < bytes.size(); ++size) {
      CAPTURE(size);
      auto cut = unpack<value>(std::string_view{bytes}.substr(0, size));
      REQUIRE_FALSE(cut);
      CHECK(code_of(cut.error()) == ec::bad_argument);
    }
    CHECK_FALSE(unpack<value>(bytes + "x"));
  }

  TEST_CASE("what a host of the other byte order has packed is read") {
    std::string bytes{'\0'};                        // its most significant byte first
    bytes += std::string("\0\0\0\0\0\0\0\2ab", 10); // the name
    bytes += std::string("\0\0\0\0\0\0\0\1", 8) + std::string("\0\1\2\3", 4);
    CHECK(unpack<part>(bytes).value() == part{"ab", {0x00010203}});
  }

  TEST_CASE("a count beyond the bytes that follow is refused, and nothing is made room for") {
    auto before = peak_kb();
    for (uint64_t n : {uint64_t{4}, uint64_t{1} << 32, uint64_t{1} << 40, UINT64_MAX}) {
      CAPTURE(n);
      auto forged = std::string{'\1'} + count_of(n) + "abc";
      CHECK_FALSE(unpack<std::string>(forged));
      CHECK_FALSE(unpack<std::vector<uint8_t>>(forged));
      CHECK_FALSE(unpack<std::vector<uint64_t>>(forged));
      CHECK_FALSE(unpack<std::vector<bool>>(forged));
      CHECK_FALSE(unpack<std::vector<part>>(forged));
    }
    // Many bytes, which are few parts: each has two counts.
    std::string zeros(16 << 20, '\0');
    CHECK_FALSE(unpack<std::vector<part>>(std::string{'\1'} + count_of(zeros.size()) + zeros));
    CHECK(peak_kb() - before < 400'000); // all 16 Mi parts would be a GB
  }

  TEST_CASE("words are read from pieces, until one of a kind that there is not") {
    auto frames =
        frame_of(short_word{word_kind::two, "a"}) + frame_of(short_word{word_kind::one, "b"})
        + frame_of(short_word{word_kind::three, "c"}) + frame_of(short_word{word_kind::one, "d"});
    for (size_t piece = 1; piece <= frames.size(); ++piece) {
      framed_reader<short_word> reader;
      std::string texts;
      for (size_t at = 0; at < frames.size(); at += piece) {
        reader.add(std::string_view{frames}.substr(at, piece));
        while (auto w = reader.next())
          texts += w->text;
      }
      CHECK(texts == "ab");
      CHECK(reader.broken());
    }
  }

  TEST_CASE("a frame of no size that there is, or without sense, breaks the stream") {
    for (auto& text : {std::string("\xff\xff\xff\xff"), std::string("\3\0\0\0abc", 7),
                       std::string("\0\0\0\0", 4)}) {
      framed_reader<short_word> reader;
      reader.add(text);
      CHECK_FALSE(reader.next());
      CHECK(reader.broken());
    }
  }

} // TEST_SUITE
