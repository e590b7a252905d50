// What tasks do, as eventlogs.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "actors/task_eventlogs.hpp"
#include "spec_texts.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

job_event event(event_kind kind, int64_t t_ns, int64_t a = 0) {
  job_event e;
  e.kind = kind;
  e.t_ns = t_ns;
  e.a = a;
  return e;
}

constexpr int64_t second = 1'000'000'000;

job_reply job_of(const spec_text& spec, uint32_t tasks) {
  job_reply job;
  job.jobspec = spec.text();
  job.summary.id = {5};
  job.summary.userid = 1000;
  job.summary.ntasks = tasks;
  job.summary.t_run = 10 * second;
  return job;
}

json context_of(const std::string& lines, const std::string& name, size_t skip = 0) {
  for (size_t start = 0; start < lines.size();) {
    auto end = lines.find('\n', start);
    auto line = parse_json(lines.substr(start, end - start));
    REQUIRE(line);
    if ((*line)["name"] == name && skip-- == 0)
      return line->value("context", json::object());
    start = end + 1;
  }
  FAIL("no " << name << " in " << lines);
  return {};
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("the execution's log has shells and tasks at their times") {
    spec_text two;
    two.slots = 2;
    auto job = job_of(two, 2);
    job.rset = R"({"version":1,"execution":{"R_lite":[{"rank":"3-4","children":{"core":"0"}}],)"
               R"("nodelist":["n[3-4]"],"starttime":10,"expiration":0}})";
    job.events = {event(event_kind::submit, second), event(event_kind::alloc, 10 * second)};
    CHECK(exec_eventlog(job)
          == "{\"timestamp\":10.000000,\"name\":\"init\"}\n"
             "{\"timestamp\":10.000000,\"name\":\"starting\"}\n");
    job.init_ns = 11 * second;
    job.events.push_back(event(event_kind::start, 12 * second));
    auto running = exec_eventlog(job);
    CHECK(running.find("{\"timestamp\":11.000000,\"name\":\"shell.init\"") != std::string::npos);
    CHECK(context_of(running, "shell.init")
          == json{{"service", "1000-shell-f6"}, {"leader-rank", 3}, {"size", 2}, {"rank", 0}});
    CHECK(context_of(running, "shell.start")
          == json{{"taskmap", {{"version", 1}, {"map", json::array({{0, 2, 1, 1}})}}}});
    job.first_exit = {13 * second, 1, 0, 77, 3 << 8};
    auto others_run = exec_eventlog(job); // the first task has ended
    CHECK(others_run.substr(0, running.size()) == running);
    CHECK(context_of(others_run, "shell.task-exit")["rank"] == 1);
    job.events.push_back(event(event_kind::finish, 14 * second, 3 << 8));
    job.events.push_back(event(event_kind::clean, 15 * second));
    auto whole = exec_eventlog(job);
    CHECK(whole.substr(0, others_run.size()) == others_run); // it grows
    CHECK(whole.find("{\"timestamp\":13.000000,\"name\":\"shell.task-exit\"")
          < whole.find("{\"timestamp\":14.000000,\"name\":\"complete\""));
    CHECK(context_of(whole, "shell.task-exit")
          == json{{"localid", 0},
                  {"rank", 1},
                  {"state", "Exited"},
                  {"pid", 77},
                  {"wait_status", 3 << 8},
                  {"signaled", 0},
                  {"exitcode", 3}});
    CHECK(context_of(whole, "complete") == json{{"status", 3 << 8}});
    job.first_exit.status = 9;
    auto killed = context_of(exec_eventlog(job), "shell.task-exit");
    CHECK(killed["signaled"] == 9);
    CHECK_FALSE(killed.contains("exitcode"));
  }

  TEST_CASE("the execution's log never goes back in time, and grows all the same") {
    auto job = job_of({}, 1);
    auto refused = event(event_kind::exception, 12 * second);
    refused.text = "exec";
    job.init_ns = 9 * second; // by another node's clock
    job.events = {event(event_kind::alloc, 10 * second), event(event_kind::start, 12 * second)};
    auto before = exec_eventlog(job);
    job.first_exit = {11 * second, 0, 0, 77, 3 << 8}; // heard of after the start, and older
    auto running = exec_eventlog(job);
    CHECK(running.starts_with(before));
    job.events.insert(job.events.end(), {refused, event(event_kind::finish, 13 * second, 3 << 8),
                                         event(event_kind::clean, 14 * second)});
    auto whole = exec_eventlog(job);
    CHECK(whole.starts_with(running));
    std::vector<std::pair<std::string, double>> lines;
    for (size_t start = 0; start < whole.size();) {
      auto end = whole.find('\n', start);
      auto line = parse_json(whole.substr(start, end - start));
      REQUIRE(line);
      lines.emplace_back((*line)["name"].get<std::string>(), (*line)["timestamp"].get<double>());
      start = end + 1;
    }
    CHECK(lines
          == decltype(lines){{"init", 10},
                             {"starting", 10},
                             {"shell.init", 10},
                             {"shell.start", 12},
                             {"shell.task-exit", 12},
                             {"exception", 12},
                             {"complete", 13},
                             {"done", 14}});
  }

  TEST_CASE("what tasks write is data with its stream and rank, until its end") {
    stream_eventlog log{job_of({}, 2), false};
    CHECK(context_of(log.begin(), "header")
          == json{{"version", 1},
                  {"encoding", {{"stdout", "UTF-8"}, {"stderr", "UTF-8"}}},
                  {"count", {{"stdout", 2}, {"stderr", 2}}},
                  {"options", json::object()}});
    CHECK(context_of(log.data(11 * second, 1, 1, "a\n"), "data")
          == json{{"stream", "stdout"}, {"rank", "1"}, {"data", "a\n"}});
    CHECK(context_of(log.data(11 * second, 0, 2, "\xff"), "data")
          == json{{"stream", "stderr"}, {"rank", "0"}, {"data", "/w=="}, {"encoding", "base64"}});
    CHECK(log.data(0, 0, 1, "x").starts_with("{\"timestamp\":10.000000,"));
    auto end = log.end(12 * second);
    CHECK(context_of(end, "data") == json{{"stream", "stdout"}, {"rank", "0"}, {"eof", true}});
    CHECK(context_of(end, "data", 3) == json{{"stream", "stderr"}, {"rank", "1"}, {"eof", true}});
  }

  TEST_CASE("output that is lost has a word in the place of its end, and tasks are by nodes") {
    spec_text two;
    two.slots = 2;
    auto job = job_of(two, 2);
    CHECK(tasks_by_node(job).empty()); // it has no R
    job.rset = R"({"version":1,"execution":{"R_lite":[{"rank":"3-4","children":{"core":"0"}}],)"
               R"("nodelist":["n[3-4]"],"starttime":10,"expiration":0}})";
    auto nodes = tasks_by_node(job);
    REQUIRE(nodes.size() == 2);
    CHECK(nodes[1].rank == 4);
    CHECK(nodes[1].tasks == *idset::parse("1"));
    stream_eventlog log{job, false};
    auto end = log.end(12 * second, {{*idset::parse("1"), *idset::parse("1"), "gone"}});
    CHECK(context_of(end, "log")
          == json{{"level", 3}, {"message", "gone"}, {"component", "output"}, {"rank", 1}});
    CHECK(end.find("\"rank\":\"0\"") != std::string::npos);
    CHECK(end.find("\"rank\":\"1\"") == std::string::npos);
  }

  TEST_CASE("what was sent to tasks is data of guest.input, and only of that") {
    stream_eventlog in{job_of({}, 2), true}, out{job_of({}, 2), false};
    CHECK(context_of(in.data(0, UINT32_MAX, input_stream, "a\n"), "data")
          == json{{"stream", "stdin"}, {"rank", "all"}, {"data", "a\n"}});
    CHECK(context_of(in.data(0, 1, input_stream, "\xff"), "data")
          == json{{"stream", "stdin"}, {"rank", "1"}, {"data", "/w=="}, {"encoding", "base64"}});
    CHECK(context_of(in.data(0, 0, input_note_stream, "cut"), "log")
          == json{{"level", 5}, {"message", "cut"}});
    CHECK(in.data(0, 0, 1, "output").empty());
    for (auto stream : {input_stream, input_note_stream})
      CHECK(out.data(0, 0, stream, "x").empty());
  }

  TEST_CASE("streams that are files are redirected, each task's own by its name") {
    spec_text files;
    files.options = {{"output",
                      {{"stdout", {{"type", "file"}, {"path", "{{id}}.out"}}},
                       {"stderr", {{"type", "file"}, {"path", "e.{{taskid}}"}}}}},
                     {"input", {{"stdin", {{"type", "file"}, {"path", "in"}}}}}};
    stream_eventlog log{job_of(files, 2), false};
    auto begin = log.begin();
    CHECK(context_of(begin, "redirect")
          == json{{"stream", "stdout"}, {"rank", "0-1"}, {"path", "f6.out"}});
    CHECK(context_of(begin, "redirect", 1)
          == json{{"stream", "stderr"}, {"rank", "0"}, {"path", "e.0"}});
    CHECK(context_of(begin, "redirect", 2)
          == json{{"stream", "stderr"}, {"rank", "1"}, {"path", "e.1"}});
    CHECK(log.end(second).empty());
    stream_eventlog in{job_of(files, 2), true};
    CHECK(context_of(in.begin(), "redirect")
          == json{{"stream", "stdin"}, {"rank", "0-1"}, {"path", "in"}});
    stream_eventlog none{job_of({}, 2), true};
    CHECK(context_of(none.end(second), "data")
          == json{{"stream", "stdin"}, {"rank", "all"}, {"eof", true}});
  }
}
