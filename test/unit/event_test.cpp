// Events: names, contexts, lines and the binary form.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include <set>

#include "runtime/json.hpp"
#include "store/event_stream.hpp"
#include "store_builders.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

constexpr int64_t some_ns = 1'700'000'000'123'456'789;

json context_of_event(event_kind kind, int64_t a, int64_t b, int64_t c, const std::string& text) {
  auto e = event(1, kind, some_ns, text);
  e.a = a;
  e.b = b;
  e.c = c;
  std::string out;
  if (!append_context(out, e)) {
    CHECK(out.empty());
    return nullptr;
  }
  return json::parse(out);
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("every event kind has its own name") {
    std::set<std::string_view> names;
    for (int k = 1; k < static_cast<int>(event_kind::kind_count); ++k) {
      const auto name = name_of(static_cast<event_kind>(k));
      CHECK(!name.empty());
      CHECK(names.insert(name).second);
    }
    CHECK(name_of(event_kind::submit) == "submit");
    CHECK(name_of(event_kind::dependency_remove) == "dependency-remove");
    CHECK(name_of(event_kind::restart) == "hactor-restart");
    CHECK(name_of(event_kind::set_flags) == "set-flags");
    CHECK(name_of(event_kind::debug) == "debug");
    CHECK(name_of(event_kind::kind_count).empty());
  }

  TEST_CASE("states and results have the names and letters of RFC 21") {
    struct row {
      job_state s;
      const char *name, *letter;
    };
    for (const auto& [s, name, letter] :
         {row{job_state::new_job, "NEW", "N"}, row{job_state::depend, "DEPEND", "D"},
          row{job_state::priority, "PRIORITY", "P"}, row{job_state::sched, "SCHED", "S"},
          row{job_state::run, "RUN", "R"}, row{job_state::cleanup, "CLEANUP", "C"},
          row{job_state::inactive, "INACTIVE", "I"}, row{job_state::none, "NONE", "-"}}) {
      CHECK(name_of(s) == name);
      CHECK(letter_of(s) == letter);
    }
    CHECK(name_of(job_result::completed) == "COMPLETED");
    CHECK(name_of(job_result::failed) == "FAILED");
    CHECK(name_of(job_result::canceled) == "CANCELED");
    CHECK(name_of(job_result::timeout) == "TIMEOUT");
    CHECK(name_of(job_result::node_failed) == "NODE_FAILED");
    CHECK(abbreviation_of(job_result::node_failed) == "NF");
    CHECK(name_of(job_result::none) == "NONE");
    CHECK(abbreviation_of(job_result::completed) == "CD");
    CHECK(abbreviation_of(job_result::failed) == "F");
    CHECK(abbreviation_of(job_result::canceled) == "CA");
    CHECK(abbreviation_of(job_result::timeout) == "TO");
    CHECK(abbreviation_of(job_result::none) == "-");
  }

  TEST_CASE("contexts have the keys of RFC 21") {
    struct row {
      event_kind kind;
      int64_t a, b, c;
      const char* text;
      const char* expected;
    };
    using k = event_kind;
    const row rows[] = {
        {k::submit, 16, 1000, 4, "", R"({"urgency":16,"userid":1000,"flags":4,"version":1})"},
        {k::validate, 0, 0, 0, "", "null"},
        {k::invalidate, 0, 0, 0, "", "null"},
        {k::dependency_add, 0, 0, 0, "afterok:\"x\"", R"({"description":"afterok:\"x\""})"},
        {k::dependency_remove, 0, 0, 0, "d", R"({"description":"d"})"},
        {k::depend, 0, 0, 0, "", "null"},
        {k::priority, 4294967295, 0, 0, "", R"({"priority":4294967295})"},
        {k::urgency, 31, 5, 0, "", R"({"urgency":31,"userid":5})"},
        {k::jobspec_update, 0, 0, 0, R"({"a.b":1})", R"({"a.b":1})"},
        {k::restart, 0, 0, 0, "", "null"},
        {k::alloc, 0, 0, 0, "", "null"},
        {k::alloc, 0, 0, 0, R"({"sched":{"x":1}})", R"({"annotations":{"sched":{"x":1}}})"},
        {k::resource_update, 1'500'000'000, 0, 0, "", R"({"expiration":1.5})"},
        {k::resource_update, 0, 0, 0, "0-3", R"({"ranks":"0-3"})"},
        {k::prolog_start, 0, 0, 0, "p", R"({"description":"p"})"},
        {k::prolog_finish, 256, 0, 0, "p", R"({"description":"p","status":256})"},
        {k::start, 0, 0, 0, "", "null"},
        {k::finish, 15, 0, 0, "", R"({"status":15})"},
        {k::epilog_start, 0, 0, 0, "p", R"({"description":"p"})"},
        {k::epilog_finish, 0, 0, 0, "p", R"({"description":"p","status":0})"},
        {k::release, 0, 0, 0, "0-3", R"({"ranks":"0-3","final":false})"},
        {k::release, 1, 0, 0, "all", R"({"ranks":"all","final":true})"},
        {k::free, 0, 0, 0, "", "null"},
        {k::clean, 0, 0, 0, "", "null"},
        {k::exception, 0, -1, -1, "cancel\nbye\nnow",
         R"({"type":"cancel","severity":0,"note":"bye\nnow"})"},
        {k::exception, 2, 7, 9, "exec",
         R"({"type":"exec","severity":2,"note":"","userid":7,"wait_status":9})"},
        {k::set_flags, 0, 0, 0, "debug,waitable", R"({"flags":["debug","waitable"]})"},
        {k::set_flags, 0, 0, 0, "", R"({"flags":[]})"},
        {k::memo, 0, 0, 0, "{\n \"a\": null\n}", R"({"a":null})"},
        {k::memo, 0, 0, 0, "", "{}"},
        {k::debug, 0, 0, 0, "free-request", "null"},
        {k::debug, 0, 0, 0, "x\n{\"y\":2}", R"({"y":2})"},
    };
    for (const auto& r : rows) {
      CAPTURE(r.expected);
      CHECK(context_of_event(r.kind, r.a, r.b, r.c, r.text) == json::parse(r.expected));
    }
  }

  TEST_CASE("an eventlog line has the shape of RFC 18") {
    std::string out;
    auto e = event(1, event_kind::submit, some_ns);
    e.a = 16;
    append_eventlog_line(out, e);
    CHECK(out
          == R"({"timestamp":1700000000.123456,"name":"submit",)"
             R"("context":{"urgency":16,"userid":0,"flags":0,"version":1}})"
             "\n");
    out.clear();
    append_eventlog_line(out, event(1, event_kind::clean, 2'000'000'005));
    CHECK(out == "{\"timestamp\":2.000000,\"name\":\"clean\"}\n");
    out.clear();
    append_eventlog_line(out, event(1, event_kind::debug, 1'000'000'000, "a\"b\n{\"c\":1}"));
    CHECK(out == "{\"timestamp\":1.000000,\"name\":\"debug.a\\\"b\",\"context\":{\"c\":1}}\n");
  }

  TEST_CASE("a stream line names sequence, job, nanoseconds and state") {
    auto e = event(123456789, event_kind::priority, some_ns);
    e.a = 16;
    e.after = job_state::sched;
    std::string out;
    stream_writer{}.append(out, 42, e);
    CHECK(
        out
        == "{\"seq\":42,\"id\":\"" + to_string(e.id)
               + R"(","t_ns":1700000000123456789,"timestamp":1700000000.123456789,)"
                  R"("name":"priority",)"
                 R"("context":{"priority":16},"state":"SCHED"})"
                 "\n");
  }

  TEST_CASE("times before the epoch are written with one sign") {
    std::string out;
    append_eventlog_line(out, event(1, event_kind::clean, -1'500'000'000));
    CHECK(out == "{\"timestamp\":-1.500000,\"name\":\"clean\"}\n");
  }

  TEST_CASE("any event is one line that parses, whatever its text holds") {
    random_source r{18};
    for (int i = 0; i < 5000; ++i) {
      auto e = any_event(r);
      // These kinds hold JSON by contract.
      if (e.kind == event_kind::jobspec_update || e.kind == event_kind::memo
          || e.kind == event_kind::alloc)
        e.text = "{\"k\":\n1}";
      if (e.kind == event_kind::debug)
        e.text = "name\n{\"k\":\t[1]}";
      std::string line, stream;
      append_eventlog_line(line, e);
      stream_writer{}.append(stream, 9, e);
      for (const auto& text : {line, stream}) {
        CHECK(text.find('\n') == text.size() - 1);
        const auto parsed = json::parse(text, nullptr, false);
        REQUIRE(parsed.is_object());
        CHECK(parsed["timestamp"].is_number());
        CHECK(parsed["name"].is_string());
        if (parsed.contains("context"))
          CHECK(parsed["context"].is_object());
      }
      const auto parsed = json::parse(stream);
      CHECK(parsed["t_ns"] == e.t_ns);
      CHECK(parsed["seq"] == 9);
      CHECK(parsed["id"] == to_string(e.id));
      CHECK(parsed["state"] == std::string{name_of(e.after)});
    }
  }

  TEST_CASE("what encode_event writes, decode_event reads") {
    random_source r{21};
    for (const bool with_id : {true, false}) {
      std::string out;
      std::vector<job_event> sent;
      int64_t previous = 0;
      for (int i = 0; i < 5000; ++i) {
        sent.push_back(any_event(r));
        encode_event(out, sent.back(), &previous, with_id);
      }
      std::string_view in{out};
      previous = 0;
      for (const auto& e : sent) {
        job_event got;
        if (!with_id)
          got.id = e.id; // kept as the caller set it
        REQUIRE(!decode_event(in, got, &previous, with_id));
        CHECK(got == e);
      }
      CHECK(in.empty());
    }
  }

  TEST_CASE("the extremes of all fields survive") {
    constexpr auto least = std::numeric_limits<int64_t>::min();
    constexpr auto most = std::numeric_limits<int64_t>::max();
    auto e = event(~0ull, event_kind::debug, least);
    e.a = least;
    e.b = most;
    e.c = -1;
    std::string out;
    int64_t previous = most;
    encode_event(out, e, &previous, true);
    std::string_view in{out};
    job_event got;
    previous = most;
    REQUIRE(!decode_event(in, got, &previous, true));
    CHECK(got == e);
  }

  TEST_CASE("an event cut anywhere is refused") {
    auto e = event(77, event_kind::exception, some_ns, "exec\nno such file");
    e.a = 300;
    e.b = -1;
    e.c = 70000;
    std::string out;
    int64_t previous = 0;
    encode_event(out, e, &previous, true);
    for (size_t size = 0; size < out.size(); ++size) {
      std::string_view in{out.data(), size};
      job_event got;
      previous = 0;
      CHECK(code_of(decode_event(in, got, &previous, true)) == ec::store_corrupt);
    }
  }

  TEST_CASE("unknown kinds and reserved bits are refused") {
    for (const auto& bytes : {std::string{"\0\0\0\0", 4}, std::string{"\x7f\0\0\0", 4},
                              std::string{"\x01\x80\0\0", 4}}) {
      std::string_view in{bytes};
      job_event got;
      int64_t previous = 0;
      CHECK(code_of(decode_event(in, got, &previous, true)) == ec::store_corrupt);
    }
  }

  TEST_CASE("random bytes never break the decoder") {
    random_source r{4};
    for (int i = 0; i < 50'000; ++i) {
      auto bytes = any_text(r, 60);
      if (!bytes.empty() && below(r, 2) == 0)
        bytes[0] = static_cast<char>(1 + below(r, 25));
      std::string_view in{bytes};
      job_event e;
      int64_t previous = any_number(r);
      while (!in.empty() && !decode_event(in, e, &previous, true)) {
      }
    }
  }

} // TEST_SUITE
