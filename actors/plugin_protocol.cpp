// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/plugin_protocol.hpp"

#include <cstring>

#include <cereal/types/optional.hpp>
#include <cereal/types/utility.hpp>

#include "runtime/limits.hpp"
#include "runtime/packed.hpp"

namespace hactor {

namespace {

template <class T>
std::optional<T> unpacked(const std::string& bytes) {
  auto value = unpack<T>(bytes);
  return value ? std::optional{std::move(*value)} : std::nullopt;
}

} // namespace

std::string frame_of(const plugin_word& word) {
  auto body = pack(word);
  auto size = static_cast<uint32_t>(body.size());
  std::string frame(sizeof size, '\0');
  std::memcpy(frame.data(), &size, sizeof size);
  return frame + body;
}

std::string pack_job(const plugin_job& job) { return pack(job); }
std::string pack_tasks(const plugin_tasks& tasks) { return pack(tasks); }
std::string pack_changes(const plugin_changes& changes) { return pack(changes); }

std::optional<plugin_job> unpack_job(const std::string& bytes) {
  return unpacked<plugin_job>(bytes);
}

std::optional<plugin_tasks> unpack_tasks(const std::string& bytes) {
  return unpacked<plugin_tasks>(bytes);
}

std::optional<plugin_changes> unpack_changes(const std::string& bytes) {
  return unpacked<plugin_changes>(bytes);
}

std::optional<plugin_word> plugin_reader::next() {
  uint32_t size = 0;
  if (broken_ || buffer_.size() < sizeof size)
    return std::nullopt;
  std::memcpy(&size, buffer_.data(), sizeof size);
  broken_ = size > limits::frame_bytes_max;
  if (broken_ || buffer_.size() - sizeof size < size)
    return std::nullopt;
  auto word = unpacked<plugin_word>(buffer_.substr(sizeof size, size));
  buffer_.erase(0, sizeof size + size);
  broken_ = !word || word->kind > plugin_kind::failed;
  return broken_ ? std::nullopt : word;
}

} // namespace hactor
