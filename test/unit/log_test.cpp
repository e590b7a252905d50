// runtime/log: levels, lines, the ring, the file.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/log.hpp"

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <thread>

#include <unistd.h>

#include "runtime/limits.hpp"

#include <doctest/doctest.h>

using namespace hactor;

namespace {

// The log is process-wide: each test starts with an empty ring and leaves the defaults behind.
struct quiet_log {
  quiet_log() {
    log_to_ring_only();
    log_clear();
  }

  ~quiet_log() {
    log_source("hactor");
    log_level_max(log_level::info);
    log_ring_records(limits::log_ring_records_default);
    log_clear();
    log_to_stderr();
  }
};

std::string file_text(const std::string& path) {
  std::ifstream in{path};
  return {std::istreambuf_iterator<char>{in}, {}};
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("log levels have the names and numbers of syslog") {
    CHECK(to_string(log_level::emerg) == "emerg");
    CHECK(to_string(log_level::debug) == "debug");
    for (int i = 0; i < 8; ++i) {
      auto level = static_cast<log_level>(i);
      CHECK(*parse_log_level(to_string(level)) == level);
      CHECK(*parse_log_level(std::to_string(i)) == level);
    }
    CHECK(*parse_log_level("error") == log_level::err);
    CHECK(*parse_log_level("warn") == log_level::warning);
    for (auto text : {"", "8", "-1", "loud", "00"})
      CHECK(code_of(parse_log_level(text).error()) == ec::bad_argument);
  }

  TEST_CASE("a record is one line with time, source, level and text") {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    log_record record{1, 1'795'404'000'123'456'789, log_level::err, "broker[0]", "text"};
    CHECK(format_log_record(record) == "2026-11-23T03:20:00.123 broker[0] err: text");
    record.time_ns = -1;
    CHECK(format_log_record(record) == "1969-12-31T23:59:59.999 broker[0] err: text");
  }

  TEST_CASE("records go to the ring with their level, source and number") {
    quiet_log quiet;
    log_source("broker[3]");
    log_error("disk {} is {}", 1, "full");
    log_warning("w");
    log_notice("n");
    log_info("i");
    log_debug("not recorded");
    auto records = log_records();
    REQUIRE(records.size() == 4);
    CHECK(records[0].text == "disk 1 is full");
    CHECK(records[0].source == "broker[3]");
    CHECK(records[0].level == log_level::err);
    CHECK(records[1].level == log_level::warning);
    CHECK(records[2].level == log_level::notice);
    CHECK(records[3].level == log_level::info);
    CHECK(records[3].sequence == records[0].sequence + 3);
    CHECK(records[3].time_ns >= records[0].time_ns);
    CHECK(log_records(records[1].sequence).size() == 2);
    CHECK(log_records(records[3].sequence).empty());
  }

  TEST_CASE("the level decides what is recorded") {
    quiet_log quiet;
    log_level_max(log_level::debug);
    log_debug("d");
    CHECK(log_enabled(log_level::debug));
    log_level_max(log_level::crit);
    log_error("e");
    log_write(log_level::err, "e");
    log_write(log_level::crit, "c");
    CHECK(log_records().size() == 2);
  }

  TEST_CASE("the ring keeps the newest records") {
    quiet_log quiet;
    log_ring_records(3);
    for (int i = 0; i < 10; ++i)
      log_info("{}", i);
    auto records = log_records();
    REQUIRE(records.size() == 3);
    CHECK(records[0].text == "7");
    log_ring_records(1);
    CHECK(log_records().size() == 1);
    log_clear();
    CHECK(log_records().empty());
  }

  TEST_CASE("a text with line breaks stays one line, and a huge one is cut") {
    quiet_log quiet;
    log_info("a\nb\tc\n");
    log_write(log_level::info, std::string(limits::log_line_bytes_max + 1, 'x'));
    auto records = log_records();
    CHECK(records[0].text == "a b c");
    CHECK(records[1].text.size() == limits::log_line_bytes_max + 6);
    CHECK(records[1].text.ends_with("x [cut]"));
  }

  TEST_CASE("lines are appended to a file") {
    quiet_log quiet;
    char path[] = "/tmp/hactor-log-XXXXXX";
    int descriptor = ::mkstemp(path);
    REQUIRE(descriptor >= 0);
    REQUIRE(::write(descriptor, "before\n", 7) == 7);
    ::close(descriptor);
    CHECK_FALSE(log_to_file(path));
    log_info("hello");
    log_to_ring_only();
    log_info("not in the file");
    auto text = file_text(path);
    CHECK(text.starts_with("before\n2"));
    CHECK(text.ends_with(" hactor info: hello\n"));
    ::unlink(path);
  }

  TEST_CASE("a log file that cannot be opened is an error with the path") {
    quiet_log quiet;
    auto e = log_to_file("/nonexistent/hactor.log");
    CHECK(code_of(e) == ec::system_failed);
    CHECK(render(e).find("/nonexistent/hactor.log") != std::string::npos);
  }

  TEST_CASE("threads may log at the same time") {
    quiet_log quiet;
    log_ring_records(10'000);
    std::thread other{[] {
      for (int i = 0; i < 1000; ++i)
        log_info("other {}", i);
    }};
    for (int i = 0; i < 1000; ++i)
      log_info("main {}", i);
    other.join();
    auto records = log_records();
    REQUIRE(records.size() == 2000);
    for (size_t i = 1; i < records.size(); ++i)
      REQUIRE(records[i].sequence == records[i - 1].sequence + 1);
  }

} // TEST_SUITE
