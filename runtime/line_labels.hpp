// Labels before the lines of many streams that go to one place: "TASK: ", or "INDEX.TASK: " of the
// jobs of an array. Chunks may end inside a line; a label stands at the beginning of lines alone.
// Callers: output files of jobs, and clients that show what tasks write.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace hactor {

/// The rest of a line waits here for its end, since another task's line must not come between. One
/// that grows too long is passed on in pieces; what another task writes meanwhile ends it.
class line_labels {
public:
  /// By task and stream.
  using source = std::pair<uint32_t, uint8_t>;

  static constexpr size_t held_bytes_max = 1u << 20;

  /// `before`: stands before the task's number. `together`: both streams go to the same place.
  explicit line_labels(std::string before = {}, bool together = false,
                       size_t held_max = held_bytes_max)
      : before_(std::move(before)), together_(together), held_max_(held_max) {}

  /// Returns what can be written now, with labels; no bytes are the end of the stream, which ends
  /// its line.
  std::string add(uint32_t task, uint8_t stream, std::string_view bytes);

  /// Ends the line that a stream has begun: returns what of it was not written, and its end. ""
  /// when there is none.
  std::string end(uint32_t task, uint8_t stream);

  /// The same of all, by the sources.
  std::map<source, std::string> end_all();

  /// The lines that have begun, as they came; they are forgotten here.
  std::map<source, std::string> take_open() { return std::exchange(open_, {}); }

  /// Goes on with lines that have begun elsewhere.
  void take_over(line_labels&& other) { open_ = other.take_open(); }

private:
  std::string next_label(const source& of);
  std::optional<source>& unended(uint8_t stream) { return unended_[together_ ? 0 : stream == 2]; }

  std::string before_;
  bool together_;
  size_t held_max_;
  std::map<source, std::string> open_;
  std::optional<source> unended_[2]; // whose line the last piece belongs to, by the place
};

} // namespace hactor
