// What the benchmarks share: figures as "name value" lines, percentiles, programs that are started
// and waited for, and what the kernel says of a process.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runtime/clock.hpp"

extern char** environ;

namespace hactor::bench {

/// One figure, for test/bench/run to collect.
inline void tell(const std::string& name, double value) {
  std::printf("%s %.6g\n", name.c_str(), value);
  std::fflush(stdout);
}

[[noreturn]] inline void fail(const std::string& text) {
  std::fprintf(stderr, "bench: %s\n", text.c_str());
  std::exit(1);
}

inline double seconds_since(int64_t begin_ns) {
  return static_cast<double>(steady_ns() - begin_ns) * 1e-9;
}

/// Nanoseconds of CPU that this thread has used: what computes and never waits is measured with it,
/// so that others on the machine do not count.
inline int64_t thread_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

inline double thread_seconds_since(int64_t begin_ns) {
  return static_cast<double>(thread_ns() - begin_ns) * 1e-9;
}

/// The value below which the part `p` of all lies. Requires: not empty.
inline double percentile(std::vector<double> values, double p) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(p * static_cast<double>(values.size() - 1))];
}

inline double mean(const std::vector<double>& values) {
  double sum = 0;
  for (auto v : values)
    sum += v;
  return sum / static_cast<double>(values.size());
}

/// Starts a program, found in PATH, whose output is thrown away when `quiet`.
inline pid_t start(const std::vector<std::string>& words, bool quiet) {
  std::vector<char*> argv;
  for (auto& w : words)
    argv.push_back(const_cast<char*>(w.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (quiet)
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  pid_t pid = -1;
  if (posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ) != 0)
    fail("cannot start " + words[0]);
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

/// Milliseconds that a program takes from its start to its end. It must end with 0.
inline double run_ms(const std::vector<std::string>& words) {
  auto begin = steady_ns();
  auto pid = start(words, true);
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid || status != 0)
    fail(words[0] + " did not end with 0");
  return seconds_since(begin) * 1e3;
}

/// Milliseconds of each of `count` runs.
inline std::vector<double> run_times_ms(const std::vector<std::string>& words, int count) {
  std::vector<double> result;
  for (int i = 0; i < count; ++i)
    result.push_back(run_ms(words));
  return result;
}

/// Programs per second of a bare posix_spawn and wait loop.
inline double spawn_rate(int count, int in_flight) {
  char* argv[] = {const_cast<char*>("/bin/true"), nullptr};
  auto begin = steady_ns();
  for (int started = 0, running = 0, done = 0; done < count; ++done, --running) {
    for (; running < in_flight && started < count; ++running, ++started) {
      pid_t pid = -1;
      if (posix_spawn(&pid, argv[0], nullptr, nullptr, argv, environ) != 0)
        fail("posix_spawn of /bin/true");
    }
    if (::wait(nullptr) < 0)
      fail("wait");
  }
  return count / seconds_since(begin);
}

/// Nanoseconds of CPU that all living threads of a process have used.
inline double cpu_ns(pid_t pid) {
  double sum = 0;
  auto tasks = "/proc/" + std::to_string(pid) + "/task";
  for (auto& entry : std::filesystem::directory_iterator(tasks)) {
    double ns = 0;
    std::ifstream{entry.path() / "schedstat"} >> ns;
    sum += ns;
  }
  return sum;
}

/// Resident bytes of a process.
inline double resident_bytes(pid_t pid) {
  double pages = 0;
  std::ifstream{"/proc/" + std::to_string(pid) + "/statm"} >> pages >> pages;
  return pages * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

} // namespace hactor::bench
