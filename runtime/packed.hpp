// What ranks tell each other outside of CAF, while they meet, and what a broker and its helpers
// say: plain values as bytes that any host reads, as cereal's portable archive writes them. A type
// is packed by a `serialize` of its own. What is read may be anything: a count is believed as far
// as there are bytes for it, and nothing is made room for before.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <exception>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <cereal/archives/portable_binary.hpp>
#include <cereal/types/array.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>

#include "runtime/error.hpp"

namespace hactor {

/// Reads what cereal::PortableBinaryOutputArchive has written. Throws cereal::Exception where the
/// bytes end too early, as archives of cereal do.
class packed_reader : public cereal::InputArchive<packed_reader, cereal::AllowEmptyClassElision> {
public:
  explicit packed_reader(std::string_view bytes) : InputArchive{this}, rest_{bytes} {
    uint8_t is_little = 0;
    get(&is_little, 1, 1);
    swaps_ = (is_little != 0) != (std::endian::native == std::endian::little);
  }

  bool at_end() const { return rest_.empty(); }

  /// So many values of `size` bytes each.
  void get(void* to, size_t count, size_t size) {
    hold(count, size);
    auto* first = static_cast<char*>(to);
    std::memcpy(first, rest_.data(), count * size);
    rest_.remove_prefix(count * size);
    for (auto* end = first + count * size; swaps_ && first != end; first += size)
      std::reverse(first, first + size);
  }

  /// Refuses a count of things of `size` bytes at least that cannot be there.
  void hold(uint64_t count, size_t size) const {
    if (count > rest_.size() / size)
      throw cereal::Exception{"more is said to follow than does"};
  }

private:
  std::string_view rest_;
  bool swaps_ = false;
};

// Found by cereal for this archive. Each value takes a byte at least; those of numbers, theirs.
template <class T>
requires std::is_arithmetic_v<T>
void load(packed_reader& in, T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    uint8_t byte = 0;
    in.get(&byte, 1, 1);
    if (byte > 1) // has no meaning as a bool, not even an undefined one
      throw cereal::Exception{"a truth value is neither 0 nor 1"};
    value = byte == 1;
  } else {
    in.get(&value, 1, sizeof value);
  }
}

template <class T>
void load(packed_reader& in, cereal::NameValuePair<T>& named) {
  in(named.value);
}

template <class T>
void load(packed_reader& in, cereal::SizeTag<T>& count) {
  in(count.size);
  in.hold(count.size, 1);
}

template <class T>
void load(packed_reader& in, cereal::BinaryData<T>& data) {
  constexpr auto size = sizeof(std::remove_pointer_t<T>);
  in.get(data.data, data.size / size, size);
}

/// One by one: the smallest in bytes may be large in memory.
template <class T, class Allocator>
requires(!std::is_arithmetic_v<T>) void load(packed_reader& in, std::vector<T, Allocator>& values) {
  cereal::size_type count = 0;
  in(cereal::make_size_tag(count));
  values.clear();
  for (; count > 0; --count)
    in(values.emplace_back());
}

template <class T>
std::string pack(const T& value) {
  std::ostringstream out;
  cereal::PortableBinaryOutputArchive{out}(value);
  return std::move(out).str();
}

/// Errors: ec::bad_argument when `bytes` are not those of a T, all of it and nothing more.
template <class T>
caf::expected<T> unpack(std::string_view bytes) {
  try {
    packed_reader in{bytes};
    T value;
    in(value);
    if (in.at_end())
      return value;
  } catch (const std::exception&) {
  }
  return make_error(ec::bad_argument, "bytes of another process that do not mean what they should");
}

} // namespace hactor

namespace cereal::traits::detail {

/// How cereal finds what a type, such as an enumeration, is written as.
template <>
struct get_output_from_input<hactor::packed_reader> {
  using type = PortableBinaryOutputArchive;
};

} // namespace cereal::traits::detail
