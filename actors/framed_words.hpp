// What a broker and a helper process of it say to each other over a socket: words, each packed
// behind its length (plugin_protocol, pmix_protocol). Both ends are of one build; what a helper
// says is still checked, since code of users runs in some.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/limits.hpp"
#include "runtime/packed.hpp"

namespace hactor {

/// The word as it goes over the socket.
template <class Word>
std::string frame_of(const Word& word) {
  auto body = pack(word);
  auto size = static_cast<uint32_t>(body.size());
  std::string frame(sizeof size, '\0');
  std::memcpy(frame.data(), &size, sizeof size);
  return frame + body;
}

/// Cuts what comes over the socket into words, whose kinds end with Word::last_kind.
template <class Word>
class framed_reader {
public:
  void add(std::string_view bytes) {
    buffer_.erase(0, read_);
    read_ = 0;
    buffer_ += bytes;
  }

  /// The next word that is whole. What means nothing makes the stream broken.
  std::optional<Word> next() {
    uint32_t size = 0;
    auto rest = std::string_view{buffer_}.substr(read_);
    if (broken_ || rest.size() < sizeof size)
      return std::nullopt;
    std::memcpy(&size, rest.data(), sizeof size);
    broken_ = size > limits::frame_bytes_max;
    if (broken_ || rest.size() - sizeof size < size)
      return std::nullopt;
    auto word = unpack<Word>(rest.substr(sizeof size, size));
    read_ += sizeof size + size;
    broken_ = !word || word->kind > Word::last_kind;
    return broken_ ? std::nullopt : std::optional{std::move(*word)};
  }

  bool broken() const { return broken_; }

private:
  std::string buffer_;
  size_t read_ = 0; // bytes of it that were words
  bool broken_ = false;
};

} // namespace hactor
