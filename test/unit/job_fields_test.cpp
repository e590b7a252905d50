// tools/job_fields: the texts of a listing, from the attributes of RFC 43.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/job_fields.hpp"

#include <unistd.h>

#include "runtime/ids.hpp"

#include <doctest/doctest.h>

using namespace hactor;
using namespace hactor::tools;

namespace {

std::string shown(const json& job, const char* field, double now = 1'000) {
  return job_field(job, field, now);
}

/// An ended job; results: 1 completed, 2 failed, 4 canceled, 8 timeout.
json ended(unsigned result, json more = json::object()) {
  json job{{"state", 64}, {"result", result}};
  job.update(more);
  return job;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("every listed field of an empty job is empty or harmless") {
    for (auto& f : job_field_names()) {
      CHECK_FALSE(f.name.empty());
      auto name = std::string{f.name};
      if (name == "exception.occurred")
        CHECK(shown(json::object(), name.c_str()) == "False");
      else if (name != "username")
        CHECK(shown(json::object(), name.c_str()).empty());
    }
  }

  TEST_CASE("what an instance within a job tells is shown, of others nothing") {
    json job{{"instance",
              {{"stats", {{"pending", 3}, {"running", 2}, {"successful", 1}, {"failed", 0}}},
               {"progress", 0.25},
               {"resources", {{"up", {{"ncores", 8}}}}}}}};
    CHECK(shown(job, "instance.stats") == "PD:3 R:2 CD:1 F:0");
    CHECK(shown(job, "instance.stats.pending") == "3");
    CHECK(shown(job, "instance.progress") == "0.25");
    CHECK(shown(job, "instance.resources.up.ncores") == "8");
    CHECK(shown(job, "instance.utilization").empty());
  }

  TEST_CASE("states and results are bits or names") {
    CHECK(shown({{"state", 2}}, "state") == "DEPEND");
    CHECK(shown({{"state", 8}}, "state_single") == "S");
    CHECK(shown({{"state", "RUN"}}, "status") == "RUN");
    CHECK(shown({{"state", 16}}, "status_abbrev") == "R");
    CHECK(shown({{"state", 16}, {"result", 1}}, "result").empty());
    CHECK(shown(ended(1), "status") == "COMPLETED");
    CHECK(shown(ended(2), "status_abbrev") == "F");
    CHECK(shown(ended(4), "result") == "CANCELED");
    CHECK(shown(ended(8), "result_abbrev") == "TO");
    CHECK(shown({{"state", 3}}, "state").empty());
    CHECK(state_name(32) == "CLEANUP");
    CHECK(state_name(5).empty());
  }

  TEST_CASE("ids are shown in each form") {
    json job{{"id", "1234"}};
    CHECK(shown(job, "id") == "1234");
    CHECK(shown(job, "id.dec") == "1234");
    CHECK(shown(job, "id.f58") == to_string(*parse_job_id("1234")));
    CHECK(shown(job, "id.hex").starts_with("0x"));
    CHECK(shown({{"id", "?"}}, "id.dec") == "?");
  }

  TEST_CASE("run time, remaining time and the time of the list") {
    json running{{"state", 16}, {"t_run", 900.5}, {"expiration", 1'060}, {"duration", 160}};
    CHECK(shown(running, "runtime") == "99.5");
    CHECK(shown(running, "t_remaining") == "60");
    CHECK(shown(running, "contextual_time") == "99.5");
    CHECK(shown(ended(1, {{"t_run", 900}, {"t_cleanup", 950}}), "runtime") == "50");
    CHECK(shown(ended(1, {{"t_run", 900}, {"t_cleanup", 950}}), "t_remaining").empty());
    CHECK(shown({{"state", 8}, {"duration", 160}}, "contextual_time") == "160");
    CHECK(shown({{"state", 8}, {"duration", 0}}, "contextual_time").empty());
    CHECK(shown({{"state", 8}, {"t_run", 0}}, "t_run").empty());
    CHECK(shown({{"t_submit", 1763867890.25}}, "t_submit") == "1763867890.25");
  }

  TEST_CASE("the info says why a job waits, where it is, or why it ended") {
    auto info = [](json job) { return shown(job, "contextual_info"); };
    CHECK(info({{"state", 2}, {"dependencies", {"after:a", "b"}}}) == "depends:after:a,b");
    CHECK(info({{"state", 4}}) == "priority-wait");
    CHECK(info({{"state", 4}, {"reason", "has failed; attempt 2 begins at noon"}})
          == "has failed; attempt 2 begins at noon");
    CHECK(info({{"state", 8}, {"urgency", 0}, {"priority", 0}}) == "held");
    CHECK(info({{"state", 8}, {"urgency", 16}, {"priority", 0}}) == "priority-hold");
    auto estimate = [](int at) { return json{{"sched", {{"t_estimate", at}}}}; };
    CHECK(info({{"state", 8}, {"annotations", estimate(1'090)}}) == "eta:1.5m");
    CHECK(info({{"state", 8}, {"annotations", estimate(900)}}) == "eta:now");
    CHECK(info({{"state", 8}, {"annotations", {{"sched", {{"reason_pending", "because"}}}}}})
          == "because");
    CHECK(info({{"state", 8}}).empty());
    CHECK(info({{"state", 1}}).empty());
    CHECK(info({{"state", 16}, {"nodelist", "n[0-3]"}}) == "n[0-3]");
    CHECK(info(ended(1, {{"waitstatus", 0}, {"nodelist", "n1"}})) == "n1");
    CHECK(info(ended(4, {{"exception_type", "cancel"}})) == "Canceled");
  }

  TEST_CASE("how a job ended is a code and a reason") {
    struct row {
      json job;
      const char* code;
      const char* reason;
    };
    for (const auto& [job, code, reason] :
         {row{ended(1, {{"waitstatus", 0}}), "0", "Exit 0"},
          row{ended(2, {{"waitstatus", 3 << 8}}), "3", "Exit 3"},
          row{ended(2, {{"waitstatus", 127 << 8}}), "127", "command not found"},
          row{ended(2, {{"waitstatus", 126 << 8}}), "126", "command not executable"},
          row{ended(2, {{"waitstatus", 126 << 8},
                        {"exception_type", "exec"},
                        {"exception_note", "output file /x/y: No such file or directory"}}),
              "126", "Exception: exec: output file /x/y: No such file or directory"},
          row{ended(4), "-128", "Canceled"},
          row{ended(4, {{"exception_note", "enough"}}), "-128", "Canceled: enough"},
          row{ended(8, {{"waitstatus", 0x8e00}}), "142", "Timeout"},
          row{ended(2, {{"exception_type", "dependency"}, {"exception_note", "a failed"}}), "1",
              "Exception: dependency: a failed"},
          row{ended(2, {{"exception_type", "exec"}, {"waitstatus", 256}}), "1", "Exit 1"},
          row{ended(2, {{"exception_type", "exec"}}), "1", "Exception: exec"},
          row{json{{"state", 16}}, "", ""}}) {
      CHECK(shown(job, "returncode") == code);
      CHECK(shown(job, "inactive_reason") == reason);
    }
    CHECK(shown(ended(2, {{"waitstatus", 9}}), "returncode") == "-9");
    CHECK(shown(ended(2, {{"waitstatus", 9}}), "inactive_reason").starts_with("Signaled: "));
  }

  TEST_CASE("exceptions, annotations and plain attributes come as they are") {
    json job{{"exception_type", "exec"}, {"exception_severity", 0}, {"name", "x"}, {"ntasks", 4},
             {"success", true},          {"annotations", {{"user", {{"a", 1}}}}}};
    CHECK(shown(job, "exception.type") == "exec");
    CHECK(shown(job, "exception.severity") == "0");
    CHECK(shown(job, "annotations.user.a") == "1");
    CHECK(shown(job, "user.a") == "1");
    CHECK(shown(job, "annotations.user.b").empty());
    CHECK(shown(job, "name") == "x");
    CHECK(shown(job, "ntasks") == "4");
    CHECK(shown(job, "success") == "true");
    CHECK_FALSE(shown({{"userid", getuid()}}, "username").empty());
    CHECK(shown({{"userid", 3'999'999}}, "username") == "3999999");
  }

  TEST_CASE("filters read names and letters of states and results") {
    struct row {
      const char* text;
      unsigned states;
      unsigned results;
    };
    for (const auto& [text, states, results] :
         {row{"run", 16, 0}, row{"RUN,sched", 24, 0}, row{"pending", 14, 0}, row{"running", 48, 0},
          row{"active", 62, 0}, row{"r", 16, 0}, row{"pd", 14, 0}, row{"failed", 64, 2},
          row{"CD,ca", 64, 5}, row{"cancelled,canceled", 64, 4}, row{"run,timeout", 80, 8},
          row{"inactive", 64, 0}, row{"f", 64, 2}}) {
      auto filter = parse_state_filter(text);
      REQUIRE(filter);
      CHECK(filter->states == states);
      CHECK(filter->results == results);
    }
    for (auto text : {"", "run,", "runing", "x y"}) {
      auto filter = parse_state_filter(text);
      REQUIRE_FALSE(filter);
      CHECK(code_of(filter.error()) == ec::bad_argument);
    }
    CHECK(render(parse_state_filter("runing").error()).find("did you mean") != std::string::npos);
  }

} // TEST_SUITE
