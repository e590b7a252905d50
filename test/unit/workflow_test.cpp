// workflow/: jobs as submissions, lines as events, and what of them is let through.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <cmath>

#include "actors/job_state.hpp"
#include "graph/request.hpp"
#include "store/event_stream.hpp"
#include "tools/commands.hpp"
#include "tools/submit_options.hpp"
#include "workflow/event_reader.hpp"
#include "workflow/job_writer.hpp"

#include <doctest/doctest.h>

using namespace hactor;
using workflow::event_choice;
using workflow::job_writer;
using workflow::states_of;

namespace {

const workflow::environment_map own{{"HOME", "/h"}, {"PMI_FD", "1"}};

json submission_of(job_writer& writer, const workflow::job_spec& job) {
  std::string text;
  if (auto e = writer.append(text, job))
    FAIL(render(e));
  auto object = parse_json(text);
  if (!object)
    FAIL(render(object.error()));
  return *object;
}

/// What `hactor submit` sends for these words.
json submission_of(std::vector<const char*> words) {
  auto options = tools::parse_options(tools::submit_command, words);
  if (!options)
    FAIL(render(options.error()));
  auto params = tools::build_submit(*options, own, "/work");
  if (!params)
    FAIL(render(params.error()));
  return *params;
}

std::string refusal(const workflow::job_spec& job) {
  job_writer writer{own, "/work"};
  std::string text;
  auto e = writer.append(text, job);
  if (!e)
    return "accepted";
  CHECK(code_of(e) == ec::bad_argument);
  return render(e);
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("a job of a driver is the job that the command submits for the same options") {
    struct {
      std::vector<const char*> words;
      workflow::job_spec job;
    } rows[] = {
        {{"c"}, {.command = {"c"}}},
        {{"-N2", "-n4", "-c3", "-t", "90", "c", "a b"},
         {.command = {"c", "a b"},
          .nodes = 2,
          .tasks = 4,
          .cores_per_task = 3,
          .time_limit_s = 90 * 60}},
        {{"-t", "unlimited", "c"}, {.command = {"c"}, .time_limit_s = HUGE_VAL}},
        {{"-N2", "-n3", "--urgency=20", "c"},
         {.command = {"c"}, .nodes = 2, .tasks = 3, .urgency = 20}},
        {{"-n2", "-g1", "c"}, {.command = {"c"}, .tasks = 2, .gpus_per_task = 1}},
        {{"-N2", "--tasks-per-node=3", "c"}, {.command = {"c"}, .nodes = 2, .tasks_per_node = 3}},
        {{"-N1", "-x", "--job-name=n", "--queue=q", "c"},
         {.command = {"c"}, .nodes = 1, .exclusive = true, .name = "n", .queue = "q"}},
        {{"--output=o", "--error=e", "--input=i", "--cwd=d", "c"},
         {.command = {"c"}, .cwd = "d", .output = "o", .error = "e", .input = "i"}},
        {{"--env=A=1", "--env=-HOME", "c"}, {.command = {"c"}, .env = {"A=1", "-HOME"}}},
        {{"--setattr=exec.test.run_duration=\"10ms\"", "-t", "0.5s", "c"},
         {.command = {"c"},
          .time_limit_s = 0.5,
          .attributes = {{"exec.test.run_duration", "\"10ms\""}}}},
    };
    job_writer writer{own, "/work"};
    for (auto& row : rows) {
      auto found = submission_of(writer, row.job);
      auto expected = submission_of(row.words);
      CHECK(dump(found) == dump(expected));
      CHECK(parse_jobspec(dump(found["jobspec"])));
    }
  }

  TEST_CASE("what two jobs have in common is written once, and is right in both") {
    job_writer writer{own, "/work"};
    workflow::job_spec job{.command = {"a"}, .copies = 3, .waitable = true};
    auto first = submission_of(writer, job);
    job.command = {"b", "\"\n"};
    auto second = submission_of(writer, job);
    CHECK(second["jobspec"]["tasks"][0]["command"] == json::array({"b", "\"\n"}));
    CHECK(second["cc"] == "0-2");
    CHECK(second["flags"] == json::array({"waitable"}));
    second["jobspec"]["tasks"] = first["jobspec"]["tasks"];
    CHECK(dump(first) == dump(second));
    job.nodes = 1;
    CHECK(submission_of(writer, job)["jobspec"]["resources"][0]["type"] == "node");
  }

  TEST_CASE("a job that contradicts itself is refused, naming what would do") {
    CHECK(refusal({}) == "command: must name a program");
    CHECK(refusal({.command = {"c"}, .nodes = 3, .tasks = 2}).find("at most 2 nodes")
          != std::string::npos);
    CHECK(refusal({.command = {"c"}, .time_limit_s = -1}).find("time_limit_s") == 0);
    CHECK(refusal({.command = {"c"}, .urgency = 32}).find("urgency") == 0);
    CHECK(refusal({.command = {"c"}, .copies = 0}).find("copies") == 0);
    CHECK(refusal({.command = {"c"}, .attributes = {{"a..b", "1"}}}).find("attributes") == 0);
    CHECK(refusal({.command = {"c"}, .attributes = {{"a", "{"}}}).find("attributes") == 0);
  }

  TEST_CASE("a failed job leaves nothing behind in the writer") {
    job_writer writer{own, "/work"};
    std::string text;
    CHECK(writer.append(text, {.command = {"c"}, .urgency = 32}));
    CHECK(writer.append(text, {.command = {"c"}, .urgency = 32})); // not taken for known
    CHECK(submission_of(writer, {.command = {"c"}}).count("urgency") == 0);
  }

  TEST_CASE("events come out of their lines as they went in") {
    std::string lines;
    job_event e{job_id{77},
                1'700'000'000'123'456'789,
                event_kind::exception,
                job_state::cleanup,
                0,
                5,
                -1,
                "cancel\nan \"odd\" note \u00e9 \U0001F600"};
    stream_writer{}.append(lines, 12, e);
    lines.pop_back(); // the end of the line
    auto read_line = [](std::string_view line) -> caf::expected<workflow::job_event> {
      workflow::job_event to;
      if (auto err = workflow::read_event_line(line, to))
        return err;
      return to;
    };
    auto read = read_line(lines);
    REQUIRE(read);
    CHECK(read->sequence == 12);
    CHECK(read->id == to_string(e.id));
    CHECK(read->name == "exception");
    CHECK(read->time_ns == e.t_ns);
    CHECK(read->state == workflow::job_state::cleanup);
    CHECK(parse_json(read->context));
    // The same in another order and with blanks, which takes the long way.
    auto other = parse_json(lines);
    REQUIRE(other);
    auto long_way = read_line(other->dump(1));
    REQUIRE(long_way);
    CHECK(long_way->sequence == read->sequence);
    CHECK(long_way->id == read->id);
    CHECK(long_way->name == read->name);
    CHECK(long_way->time_ns == read->time_ns);
    CHECK(long_way->state == read->state);
    CHECK(*parse_json(long_way->context) == *parse_json(read->context));
    lines.clear();
    append_gap_line(lines, 5, 9);
    auto gap = read_line(lines);
    REQUIRE(gap);
    CHECK(gap->sequence == 8);
    CHECK(workflow::lost_events(*gap) == 4);
    CHECK(workflow::lost_events(*read) == 0);
    for (auto* bad :
         {"", "{}", "[1]", "{\"seq\":0,\"name\":\"x\"}", "{\"seq\":1", "{\"seq\":\"1\"}"})
      CHECK(code_of(read_line(bad).error()) == ec::bad_json);
  }

  TEST_CASE("every way into a state that the table of states knows is let through") {
    for (auto kind = event_kind::submit; kind < event_kind::kind_count;
         kind = static_cast<event_kind>(static_cast<int>(kind) + 1))
      for (int from = 0; from <= 64; from = from == 0 ? 1 : from * 2) {
        job_event e;
        e.kind = kind;
        auto to = next_state(static_cast<job_state>(from), e);
        if (!to || static_cast<int>(*to) == from)
          continue;
        workflow::job_event told;
        told.name = name_of(kind);
        told.state = static_cast<workflow::job_state>(*to);
        event_choice choice{states_of(told.state), {}};
        INFO(told.name, " from ", from);
        CHECK(choice.wants(told));
        auto asked = choice.asked();
        CHECK(std::count(asked.begin(), asked.end(), told.name) == 1);
      }
  }

  TEST_CASE("what does not lead into a chosen state is not let through") {
    workflow::job_event e;
    e.name = "start";
    e.state = workflow::job_state::run;
    CHECK(event_choice(0, {}).wants(e));
    CHECK_FALSE(event_choice(states_of(workflow::job_state::run), {}).wants(e));
    CHECK(event_choice(states_of(workflow::job_state::inactive), {"start"}).wants(e));
    CHECK(event_choice(0, {}).asked().empty());
  }

} // TEST_SUITE
