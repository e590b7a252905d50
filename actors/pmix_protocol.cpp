// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/pmix_protocol.hpp"

#include <cstring>

#include "runtime/limits.hpp"
#include "runtime/packed.hpp"

namespace hactor {

std::string frame_of(const pmix_word& word) {
  auto body = pack(word);
  auto size = static_cast<uint32_t>(body.size());
  std::string frame(sizeof size, '\0');
  std::memcpy(frame.data(), &size, sizeof size);
  return frame + body;
}

std::optional<pmix_word> pmix_reader::next() {
  uint32_t size = 0;
  if (broken_ || buffer_.size() < sizeof size)
    return std::nullopt;
  std::memcpy(&size, buffer_.data(), sizeof size);
  broken_ = size > limits::frame_bytes_max;
  if (broken_ || buffer_.size() - sizeof size < size)
    return std::nullopt;
  auto word = unpack<pmix_word>(buffer_.substr(sizeof size, size));
  buffer_.erase(0, sizeof size + size);
  broken_ = !word;
  return word ? std::optional{std::move(*word)} : std::nullopt;
}

} // namespace hactor
