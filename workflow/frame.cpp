// See frame.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "workflow/frame.hpp"

namespace hactor::workflow {

namespace {

template <class T>
void append_integer(std::string& out, T value) {
  for (size_t i = 0; i < sizeof(T); ++i)
    out += static_cast<char>((value >> (8 * i)) & 0xff);
}

template <class T>
T read_integer(std::string_view bytes) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i)
    value |= static_cast<T>(static_cast<uint8_t>(bytes[i])) << (8 * i);
  return value;
}

} // namespace

void append_frame(std::string& out, frame_kind kind, uint64_t tag, std::string_view payload) {
  HACTOR_CHECK(payload.size() <= frame_payload_size_max);
  out.reserve(out.size() + frame_header_size + payload.size());
  append_integer(out, static_cast<uint32_t>(payload.size()));
  out += static_cast<char>(kind);
  append_integer(out, tag);
  out += payload;
}

caf::expected<std::optional<frame>> frame_decoder::next() {
  std::string_view rest = std::string_view{bytes_}.substr(start_);
  if (rest.size() < frame_header_size) {
    bytes_.erase(0, start_);
    start_ = 0;
    return std::optional<frame>{};
  }
  size_t size = read_integer<uint32_t>(rest);
  auto kind = static_cast<uint8_t>(rest[4]);
  if (size > frame_payload_size_max)
    return make_error(ec::too_big, "the instance sent a frame of " + std::to_string(size)
                                     + " bytes; is this socket really hactor's?");
  if (kind < 1 || kind > static_cast<uint8_t>(frame_kind::enter))
    return make_error(ec::bad_json, "the instance sent a frame of unknown kind "
                                      + std::to_string(kind));
  if (rest.size() < frame_header_size + size) {
    bytes_.erase(0, start_);
    start_ = 0;
    return std::optional<frame>{};
  }
  frame f;
  f.kind = static_cast<frame_kind>(kind);
  f.tag = read_integer<uint64_t>(rest.substr(5));
  f.payload = rest.substr(frame_header_size, size);
  start_ += frame_header_size + size;
  return std::optional<frame>{std::move(f)};
}

std::optional<output_part> read_output(std::string_view payload) {
  if (payload.size() < 5)
    return std::nullopt;
  return output_part{read_integer<uint32_t>(payload), static_cast<uint8_t>(payload[4]),
                     payload.substr(5)};
}

std::string write_output(uint32_t task, uint8_t stream, std::string_view bytes) {
  std::string out;
  append_integer(out, task);
  out += static_cast<char>(stream);
  out += bytes;
  return out;
}

std::string write_input(uint32_t task, std::string_view bytes) {
  std::string out;
  append_integer(out, task);
  out += bytes;
  return out;
}

std::string write_window(uint16_t rows, uint16_t columns) {
  std::string out;
  append_integer(out, rows);
  append_integer(out, columns);
  return out;
}

} // namespace hactor::workflow
