// See signals.hpp. Numbers differ between architectures, so the table holds the C names.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/signals.hpp"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "runtime/near.hpp"

namespace hactor {

namespace {

struct signal_row {
  int number;
  std::string_view name;
  std::string_view text;
};

constexpr signal_row signal_table[] = {
    {SIGHUP, "HUP", "Hangup"},
    {SIGINT, "INT", "Interrupt"},
    {SIGQUIT, "QUIT", "Quit"},
    {SIGILL, "ILL", "Illegal instruction"},
    {SIGTRAP, "TRAP", "Trap"},
    {SIGABRT, "ABRT", "Aborted"},
    {SIGBUS, "BUS", "Bus error"},
    {SIGFPE, "FPE", "Floating point exception"},
    {SIGKILL, "KILL", "Killed"},
    {SIGUSR1, "USR1", "User defined signal 1"},
    {SIGSEGV, "SEGV", "Segmentation fault"},
    {SIGUSR2, "USR2", "User defined signal 2"},
    {SIGPIPE, "PIPE", "Broken pipe"},
    {SIGALRM, "ALRM", "Alarm clock"},
    {SIGTERM, "TERM", "Terminated"},
    {SIGCHLD, "CHLD", "Child exited"},
    {SIGCONT, "CONT", "Continued"},
    {SIGSTOP, "STOP", "Stopped"},
    {SIGTSTP, "TSTP", "Stopped from the terminal"},
    {SIGTTIN, "TTIN", "Stopped reading the terminal"},
    {SIGTTOU, "TTOU", "Stopped writing to the terminal"},
    {SIGURG, "URG", "Urgent socket condition"},
    {SIGXCPU, "XCPU", "CPU time limit exceeded"},
    {SIGXFSZ, "XFSZ", "File size limit exceeded"},
    {SIGVTALRM, "VTALRM", "Virtual timer expired"},
    {SIGPROF, "PROF", "Profiling timer expired"},
    {SIGWINCH, "WINCH", "Window changed"},
    {SIGPOLL, "POLL", "I/O possible"},
    {SIGSYS, "SYS", "Bad system call"},
#ifdef SIGSTKFLT
    {SIGSTKFLT, "STKFLT", "Stack fault"},
#endif
#ifdef SIGPWR
    {SIGPWR, "PWR", "Power failure"},
#endif
    // Second names, for reading only: they come after the first.
    {SIGPOLL, "IO", "I/O possible"},
    {SIGABRT, "IOT", "Aborted"},
    {SIGCHLD, "CLD", "Child exited"},
};

const signal_row* row_of(int number) {
  for (const auto& row : signal_table)
    if (row.number == number)
      return &row;
  return nullptr;
}

std::optional<int> whole_number(std::string_view text) {
  int value = 0;
  auto end = text.data() + text.size();
  auto [stop, failure] = std::from_chars(text.data(), end, value);
  if (text.empty() || text[0] == '-' || failure != std::errc{} || stop != end)
    return std::nullopt;
  return value;
}

// RTMIN, RTMIN+N, RTMAX, RTMAX-N. The two bounds are run-time values of the C library.
std::optional<int> real_time_signal(std::string_view name) {
  if (!name.starts_with("RTMIN") && !name.starts_with("RTMAX"))
    return std::nullopt;
  bool from_min = name[4] == 'N';
  int base = from_min ? SIGRTMIN : SIGRTMAX;
  auto rest = name.substr(5);
  if (rest.empty())
    return base;
  auto offset = whole_number(rest.substr(1));
  if (rest[0] != (from_min ? '+' : '-') || !offset || *offset > SIGRTMAX - SIGRTMIN)
    return std::nullopt;
  return from_min ? base + *offset : base - *offset;
}

} // namespace

caf::expected<int> parse_signal(std::string_view text) {
  if (auto number = whole_number(text); number && *number > 0 && *number <= SIGRTMAX)
    return *number;
  std::string name{text};
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  if (name.starts_with("SIG"))
    name.erase(0, 3);
  std::vector<std::string_view> names;
  for (const auto& row : signal_table) {
    if (row.name == name)
      return row.number;
    names.push_back(row.name);
  }
  if (auto number = real_time_signal(name))
    return *number;
  return make_error(ec::bad_argument,
                    fmt::format("'{}' is not a signal; right are e.g. TERM, SIGTERM, 15{}", text,
                                did_you_mean(name, names)));
}

std::string signal_name(int number) {
  if (auto row = row_of(number))
    return fmt::format("SIG{}", row->name);
  if (number == SIGRTMIN)
    return "SIGRTMIN";
  if (number > SIGRTMIN && number <= SIGRTMAX)
    return fmt::format("SIGRTMIN+{}", number - SIGRTMIN);
  return fmt::format("signal {}", number);
}

std::string signal_text(int number) {
  if (auto row = row_of(number))
    return std::string{row->text};
  if (number >= SIGRTMIN && number <= SIGRTMAX)
    return fmt::format("Real-time signal {}", number - SIGRTMIN);
  return fmt::format("signal {}", number);
}

} // namespace hactor
