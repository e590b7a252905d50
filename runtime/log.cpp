// See log.hpp. A line is one write(2) on a descriptor opened for appending, so the lines of several
// processes in one file do not mix.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/log.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <ctime>
#include <deque>
#include <iterator>
#include <mutex>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "runtime/clock.hpp"
#include "runtime/limits.hpp"

namespace hactor {

namespace {

constexpr std::array<std::string_view, 8> level_names{"emerg",   "alert",  "crit", "err",
                                                      "warning", "notice", "info", "debug"};

constexpr int no_descriptor = -1;

struct log_state {
  std::mutex mutex; // guards all below
  std::string source = "hactor";
  std::deque<log_record> ring;
  size_t ring_records = limits::log_ring_records_default;
  uint64_t last_sequence = 0;
  int descriptor = STDERR_FILENO;
};

// Read without the lock: a suppressed debug line must cost one load.
std::atomic<log_level> level_max{log_level::info};

// Never destroyed: threads may log while statics die.
log_state& state() {
  static auto& instance = *new log_state;
  return instance;
}

std::string one_line(std::string_view text) {
  constexpr std::string_view cut_mark = " [cut]";
  while (!text.empty() && text.back() == '\n')
    text.remove_suffix(1);
  bool cut = text.size() > limits::log_line_bytes_max;
  std::string line{text.substr(0, limits::log_line_bytes_max)};
  for (char& c : line)
    if (static_cast<uint8_t>(c) < 0x20 || c == 0x7f)
      c = ' ';
  if (cut)
    line += cut_mark;
  return line;
}

// A log that cannot be written must not end what it describes: failures are dropped.
void write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    auto written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

// Requires: s.mutex is held.
void set_descriptor(log_state& s, int descriptor) {
  if (s.descriptor != no_descriptor && s.descriptor != STDERR_FILENO)
    ::close(s.descriptor);
  s.descriptor = descriptor;
}

} // namespace

std::string to_string(log_level level) {
  auto index = static_cast<size_t>(level);
  HACTOR_CHECK(index < level_names.size());
  return std::string{level_names[index]};
}

caf::expected<log_level> parse_log_level(std::string_view text) {
  for (size_t i = 0; i < level_names.size(); ++i)
    if (text == level_names[i] || (text.size() == 1 && text[0] == static_cast<char>('0' + i)))
      return static_cast<log_level>(i);
  if (text == "error")
    return log_level::err;
  if (text == "warn")
    return log_level::warning;
  return make_error(ec::bad_argument,
                    fmt::format("'{}' is not a log level; right are emerg, alert, crit, err, "
                                "warning, notice, info, debug, or 0 to 7",
                                text));
}

std::string format_log_record(const log_record& record) {
  // Rounded down, so that times before the epoch do not get a negative fraction.
  auto ms = record.time_ns / 1'000'000 - (record.time_ns % 1'000'000 < 0 ? 1 : 0);
  auto fraction = ms % 1000 < 0 ? ms % 1000 + 1000 : ms % 1000;
  auto seconds = static_cast<time_t>((ms - fraction) / 1000);
  tm local{};
  localtime_r(&seconds, &local);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03} {} {}: {}", local.tm_year + 1900,
                     local.tm_mon + 1, local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec,
                     fraction, record.source, to_string(record.level), record.text);
}

void log_source(std::string source) {
  auto& s = state();
  std::lock_guard guard{s.mutex};
  s.source = std::move(source);
}

void log_level_max(log_level level) { level_max.store(level, std::memory_order_relaxed); }

bool log_enabled(log_level level) { return level <= level_max.load(std::memory_order_relaxed); }

void log_to_stderr() {
  auto& s = state();
  std::lock_guard guard{s.mutex};
  set_descriptor(s, STDERR_FILENO);
}

void log_to_ring_only() {
  auto& s = state();
  std::lock_guard guard{s.mutex};
  set_descriptor(s, no_descriptor);
}

caf::error log_to_file(const std::string& path) {
  int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor < 0)
    return make_errno_error(ec::system_failed, "cannot open the log file '" + path + "'", errno);
  auto& s = state();
  std::lock_guard guard{s.mutex};
  set_descriptor(s, descriptor);
  return caf::none;
}

void log_write(log_level level, std::string_view text) {
  if (!log_enabled(level))
    return;
  log_record record;
  record.level = level;
  record.text = one_line(text);
  auto& s = state();
  std::lock_guard guard{s.mutex};
  record.time_ns = wall_ns(); // under the lock: the ring is in order of time
  record.sequence = ++s.last_sequence;
  record.source = s.source;
  if (s.descriptor != no_descriptor)
    write_all(s.descriptor, format_log_record(record) + "\n");
  s.ring.push_back(std::move(record));
  while (s.ring.size() > s.ring_records)
    s.ring.pop_front();
}

std::vector<log_record> log_records(uint64_t after) {
  auto& s = state();
  std::lock_guard guard{s.mutex};
  auto first = s.ring.begin();
  while (first != s.ring.end() && first->sequence <= after)
    ++first;
  return {first, s.ring.end()};
}

void log_clear() {
  auto& s = state();
  std::lock_guard guard{s.mutex};
  s.ring.clear();
}

void log_ring_records(size_t count) {
  HACTOR_CHECK(count > 0);
  auto& s = state();
  std::lock_guard guard{s.mutex};
  s.ring_records = count;
  while (s.ring.size() > count)
    s.ring.pop_front();
}

} // namespace hactor
