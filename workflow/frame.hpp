// The frames of the client protocol (doc/client-protocol.md): bytes to frames and back.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/error.hpp"
#include "runtime/limits.hpp"

namespace hactor::workflow {

enum class frame_kind : uint8_t {
  request = 1,
  reply = 2,
  error = 3,
  item = 4,
  lines = 5,
  output = 6,
  cancel = 7,
  input = 8,
  window = 9,
  enter = 10,
};

/// Bytes before the payload: u32 size of the payload, u8 kind, u64 tag, little endian.
inline constexpr size_t frame_header_size = 13;

/// The protocol's bound for a payload.
inline constexpr size_t frame_payload_size_max = limits::frame_bytes_max;

struct frame {
  frame_kind kind = frame_kind::reply;
  uint64_t tag = 0;
  std::string payload;
};

/// Appends a frame to `out`. Requires: the payload is within its bound.
void append_frame(std::string& out, frame_kind kind, uint64_t tag, std::string_view payload);

/// Cuts a byte stream into frames.
class frame_decoder {
public:
  void feed(std::string_view bytes) { bytes_.append(bytes); }

  /// The next whole frame, nothing if more bytes are needed.
  /// Errors: ec::bad_json for a kind that does not exist, ec::too_big for a size beyond the bound;
  /// the stream is unusable from then on.
  caf::expected<std::optional<frame>> next();

private:
  std::string bytes_;
  size_t start_ = 0; // what lies before it was handed out
};

/// The parts of an output frame's payload.
struct output_part {
  uint32_t task = 0;
  uint8_t stream = 0;     ///< 1 standard output, 2 standard error.
  std::string_view bytes; ///< Empty: the end of this stream.
};

/// Reads the payload of an output frame; nothing if it is too short to be one.
std::optional<output_part> read_output(std::string_view payload);

/// Writes the payload of an output frame.
std::string write_output(uint32_t task, uint8_t stream, std::string_view bytes);

/// The task number in an input frame that means all tasks.
inline constexpr uint32_t all_tasks = 0xffffffff;

/// Writes the payload of an input frame; no bytes mean the end of input.
std::string write_input(uint32_t task, std::string_view bytes);

/// Writes the payload of a window frame: the size of the client's terminal.
std::string write_window(uint16_t rows, uint16_t columns);

} // namespace hactor::workflow
