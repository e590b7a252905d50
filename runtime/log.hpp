// The log of one process: a line per record on stderr or appended to a file, and a ring of the
// newest records for dmesg. All functions may be called from any thread. The state is process-wide
// because a message about a failed start comes before there is anything to hang it on.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "runtime/error.hpp"

namespace hactor {

/// Severities of syslog, worst first.
enum class log_level : uint8_t { emerg, alert, crit, err, warning, notice, info, debug };

/// Returns "emerg", "err", ...
std::string to_string(log_level level);

/// Reads a name (also "error", "warn"), or a digit 0..7. Errors: ec::bad_argument.
caf::expected<log_level> parse_log_level(std::string_view text);

/// One line of the log.
struct log_record {
  uint64_t sequence = 0; ///< Counts from 1 in this process.
  int64_t time_ns = 0;   ///< Since the Unix epoch.
  log_level level = log_level::info;
  std::string source; ///< "broker[0]".
  std::string text;   ///< One line.

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, log_record& x) {
    return f(x.sequence, x.time_ns, x.level, x.source, x.text);
  }
};

/// Returns "2026-11-23T03:20:00.123 broker[0] err: text", in local time, without a newline.
std::string format_log_record(const log_record& record);

/// Who speaks from now on, e.g. "broker[0]". Default "hactor".
void log_source(std::string source);

/// The least severe level that is recorded at all. Default info.
void log_level_max(log_level level);

/// Whether records of the level are recorded.
bool log_enabled(log_level level);

/// Lines go to stderr (the default).
void log_to_stderr();

/// Lines go nowhere but into the ring.
void log_to_ring_only();

/// Lines are appended to the file, which is made if needed. On failure lines go on where they
/// went. Errors: ec::system_failed.
caf::error log_to_file(const std::string& path);

/// Records one line in the ring and the sink. Line breaks and control characters in the text
/// become blanks; a text above limits log_line_bytes_max is cut and marked.
void log_write(log_level level, std::string_view text);

/// The records in the ring that are newer than `after`, oldest first.
std::vector<log_record> log_records(uint64_t after = 0);

/// Forgets the records in the ring.
void log_clear();

/// How many records the ring holds. Default limits log_ring_records_default. Requires: > 0.
void log_ring_records(size_t count);

template <class... Ts>
void log_error(fmt::format_string<Ts...> format, Ts&&... xs) {
  if (log_enabled(log_level::err))
    log_write(log_level::err, fmt::format(format, std::forward<Ts>(xs)...));
}

template <class... Ts>
void log_warning(fmt::format_string<Ts...> format, Ts&&... xs) {
  if (log_enabled(log_level::warning))
    log_write(log_level::warning, fmt::format(format, std::forward<Ts>(xs)...));
}

template <class... Ts>
void log_notice(fmt::format_string<Ts...> format, Ts&&... xs) {
  if (log_enabled(log_level::notice))
    log_write(log_level::notice, fmt::format(format, std::forward<Ts>(xs)...));
}

template <class... Ts>
void log_info(fmt::format_string<Ts...> format, Ts&&... xs) {
  if (log_enabled(log_level::info))
    log_write(log_level::info, fmt::format(format, std::forward<Ts>(xs)...));
}

template <class... Ts>
void log_debug(fmt::format_string<Ts...> format, Ts&&... xs) {
  if (log_enabled(log_level::debug))
    log_write(log_level::debug, fmt::format(format, std::forward<Ts>(xs)...));
}

} // namespace hactor
