// tools: submit, run, jobs and cancel from words to exit codes, against a broker by script.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <unistd.h>

#include "fake_broker.hpp"
#include "tools/attach.hpp"
#include "tools/commands.hpp"

#include <doctest/doctest.h>

using namespace hactor;
using namespace hactor::tools;
using hactor::test::fake_broker;
using hactor::test::temp_dir;

namespace {

struct outcome {
  int code = -1;
  std::string out, err;
};

/// Runs a command as the program does, with the three standard streams in files.
class stage {
public:
  explicit stage(fake_broker::script what) : broker_(std::move(what), dir_) {
    setenv("HACTOR_URI", broker_.uri().c_str(), 1);
    sigprocmask(SIG_SETMASK, nullptr, &mask_);
  }
  ~stage() {
    unsetenv("HACTOR_URI");
    sigprocmask(SIG_SETMASK, &mask_, nullptr); // run holds the signals that attach reads
  }

  outcome run(const command& of, const std::vector<const char*>& words,
              const std::string& input = {}) {
    auto options = parse_options(of, words);
    if (!options)
      return {2, "", render(options.error())};
    std::ofstream{dir_ / "0"} << input;
    int saved[3];
    std::fflush(stdout);
    std::fflush(stderr);
    for (int fd = 0; fd < 3; ++fd) {
      saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 10);
      int how = fd == 0 ? O_RDONLY : O_RDWR | O_CREAT | O_TRUNC;
      int file = open((dir_ / std::to_string(fd)).c_str(), how | O_CLOEXEC, 0600);
      dup2(file, fd);
      close(file);
    }
    outcome result;
    result.code = of.run({std::string{"hactor-"} + of.name, *options});
    std::fflush(stdout);
    std::fflush(stderr);
    for (int fd = 0; fd < 3; ++fd) {
      dup2(saved[fd], fd);
      close(saved[fd]);
    }
    result.out = read("1");
    result.err = read("2");
    return result;
  }

  const std::vector<std::pair<std::string, json>>& requests() { return broker_.stop(); }

private:
  std::string read(const std::string& name) {
    std::ifstream file{dir_ / name};
    return {std::istreambuf_iterator<char>{file}, {}};
  }

  temp_dir dir_;
  fake_broker broker_;
  sigset_t mask_;
};

std::string method_of(const frame& f) {
  auto text = parse_json(f.payload);
  return text && text->is_object() ? (*text)["method"].get<std::string>() : "";
}

/// Grants every submission the ids f1, f2, ...; `then` answers everything else.
fake_broker::script submitting(int ids, fake_broker::script then = [](auto&, auto&) {}) {
  return [ids, then](fake_broker& b, const frame& f) {
    if (f.kind != frame_kind::request || method_of(f) != "submit")
      return then(b, f);
    json list = json::array();
    for (int i = 1; i <= ids; ++i)
      list.push_back("f" + std::to_string(i));
    b.reply(f.tag, {{"ids", list}});
  };
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("submit sends the jobspec and prints the ids") {
    stage s{submitting(2)};
    auto o = s.run(submit_command, {"-n2", "--cc=1-2", "--urgency=20", "prog", "-x"});
    CHECK(o.code == 0);
    CHECK(o.out == "f1\nf2\n");
    CHECK(o.err.empty());
    CHECK(s.run(submit_command, {"--quiet", "prog"}).out.empty());
    auto& requests = s.requests();
    REQUIRE(requests.size() == 2);
    auto& params = requests[0].second;
    CHECK(params["cc"] == "1-2");
    CHECK(params["urgency"] == 20);
    CHECK(dump(params["jobspec"]["tasks"][0]["command"]) == R"(["prog","-x"])");
  }

  TEST_CASE("submit says why it was refused, and asks nobody when the command line is wrong") {
    stage s{[](fake_broker& b, const frame& f) { b.refuse(f.tag, "unsatisfiable", "too much"); }};
    auto o = s.run(submit_command, {"prog"});
    CHECK(o.code == 1);
    CHECK(o.err == "hactor-submit: too much\n");
    CHECK(o.out.empty());
    for (const auto& words : std::vector<std::vector<const char*>>{{"-x", "prog"},
                                                                   {"--cc=x", "prog"},
                                                                   {"--cc=", "prog"},
                                                                   {"--cc=1", "--bcc=1", "prog"},
                                                                   {"--urgency=99", "prog"}}) {
      auto wrong = s.run(submit_command, words);
      CHECK(wrong.code == 2);
      CHECK(wrong.err.starts_with("hactor-submit: "));
    }
    auto dry = s.run(submit_command, {"--dry-run", "prog"});
    CHECK(dry.code == 0);
    CHECK(parse_json(dry.out));
    CHECK(s.requests().size() == 1);
  }

  TEST_CASE("submit --wait ends with the largest code, and names the jobs that failed") {
    stage s{submitting(3, [](fake_broker& b, const frame& f) {
      auto id = (*parse_json(f.payload))["params"]["id"];
      if (id == "f2")
        b.reply(f.tag, {{"status", 3}});
      else if (id == "f3")
        b.reply(f.tag, {{"status", 1}, {"note", "killed"}});
      else
        b.reply(f.tag, {{"status", 0}});
    })};
    auto o = s.run(submit_command, {"--wait", "prog"});
    CHECK(o.code == 3);
    CHECK(o.out == "f1\nf2\nf3\n");
    CHECK(o.err == "hactor-submit: job f2: exit code 3\nhactor-submit: job f3: killed\n");
  }

  TEST_CASE("submit --watch prints what the jobs write, with labels when asked") {
    stage s{submitting(1, [](fake_broker& b, const frame& f) {
      b.output(f.tag, 1, 1, "par");
      b.output(f.tag, 0, 1, "whole\n");
      b.output(f.tag, 1, 1, "ts\nrest");
      b.output(f.tag, 0, 2, "bad\n");
      b.output(f.tag, 1, 1, "");
      b.reply(f.tag, {{"status", 0}});
    })};
    auto o = s.run(submit_command, {"--watch", "-l", "--quiet", "prog"});
    CHECK(o.code == 0);
    CHECK(o.out == "0: whole\n1: parts\n1: rest\n");
    CHECK(o.err == "0: bad\n");
  }

  TEST_CASE("submit --wait-event waits for all jobs, and fails when one ended without it") {
    stage s{submitting(2, [](fake_broker& b, const frame& f) {
      if (b.requests.size() > 4 && b.requests.back().second["id"] == "f2")
        return b.refuse(f.tag, "wrong_state", "has ended");
      b.reply(f.tag, json::object());
    })};
    CHECK(s.run(submit_command, {"--quiet", "--wait-event=start", "prog"}).code == 0);
    auto o = s.run(submit_command, {"--quiet", "--wait-event=start", "prog"});
    CHECK(o.code == 1);
    CHECK(o.err == "hactor-submit: job f2: has ended\n");
    CHECK(s.requests()[1].second["name"] == "start");
  }

  TEST_CASE("run passes output and input through and ends with the job's code") {
    stage s{submitting(1, [](fake_broker& b, const frame& f) {
      static uint64_t attached = 0;
      if (f.kind == frame_kind::request) {
        attached = f.tag;
        b.event(f.tag, "start", json::object());
        b.output(f.tag, 0, 1, "out\n");
        b.output(f.tag, 0, 2, "err\n");
      } else if (f.kind == frame_kind::input && f.payload.size() == 4) { // the end of the input
        b.output(attached, 0, 1, "done\n");
        b.reply(attached, {{"status", 7}});
      }
    })};
    auto o = s.run(run_command, {"prog"}, "line one\nline two\n");
    CHECK(o.code == 7);
    CHECK(o.out == "out\ndone\n");
    CHECK(o.err == "err\n");
    std::string input;
    for (auto& [method, params] : s.requests())
      if (method == "input")
        input += params.get<std::string>();
    CHECK(input == "line one\nline two\n");
    CHECK(s.requests()[1].second["stdin"] == true);
  }

  TEST_CASE("run says once why the job came to a bad end, and each event when asked") {
    auto script = submitting(1, [](fake_broker& b, const frame& f) {
      if (f.kind != frame_kind::request)
        return;
      b.event(f.tag, "alloc", {{"a", 1}});
      b.event(f.tag, "exception", {{"type", "timeout"}, {"severity", 0}, {"note", "too long"}});
      b.reply(f.tag, {{"status", 142}, {"note", "Timeout"}});
    });
    stage s{script};
    auto o = s.run(run_command, {"--input=/dev/null", "prog"});
    CHECK(o.code == 142);
    CHECK(o.err == "hactor-run: job f1: exception timeout: too long\n");
    auto loud = s.run(run_command, {"-v", "--input=/dev/null", "prog"});
    CHECK(loud.err.starts_with("hactor-run: job f1 submitted\n"
                               "hactor-run: job f1: alloc {\"a\":1}\n"));
  }

  TEST_CASE("run fails when the broker goes away") {
    stage s{submitting(1, [](fake_broker& b, const frame&) { b.hang_up(); })};
    auto o = s.run(run_command, {"--input=/dev/null", "prog"});
    CHECK(o.code == 1);
    CHECK(o.err.find("closed the connection") != std::string::npos);
  }

  TEST_CASE("jobs asks for what was filtered and prints the columns") {
    stage s{[](fake_broker& b, const frame& f) {
      b.reply(f.tag, {{"jobs",
                       {{{"id", "fA"}, {"state", 16}, {"name", "one"}, {"ntasks", 4},
                         {"nnodes", 2}, {"nodelist", "n[1-2]"}, {"t_run", 1}},
                        {{"id", "fB"}, {"state", 8}, {"name", "a-long-name"}, {"ntasks", 1}}}}});
    }};
    auto o = s.run(jobs_command, {"-o", "{id} {name:<6.6+} {status_abbrev} {nnodes:>2h} "
                                        "{contextual_info}"});
    CHECK(o.code == 0);
    CHECK(o.out == "JOBID NAME   ST NN INFO\nfA one    R  2 n[1-2]\nfB a-lon+ S  -\n");
    CHECK(s.run(jobs_command, {"-n", "-o{id}"}).out == "fA\nfB\n");
    auto all = s.run(jobs_command, {"--json"});
    CHECK((*parse_json(all.out))["jobs"].size() == 2);
    s.run(jobs_command, {"-a", "-f", "run,failed", "-c5", "--name=x"});
    CHECK(s.run(jobs_command, {"-f", "nothing"}).code == 2);
    CHECK(s.run(jobs_command, {"-o", "{nothing}"}).code == 2);
    CHECK(s.run(jobs_command, {"-c", "x"}).code == 2);
    CHECK(s.run(jobs_command, {"--since", "x"}).code == 2);
    CHECK(s.run(jobs_command, {"???"}).code == 1);
    auto& requests = s.requests();
    REQUIRE(requests.size() == 4);
    CHECK(requests[0].first == "job.list");
    CHECK(dump(requests[0].second) == R"({"max":1000,"states":62})");
    CHECK(dump(requests[3].second) == R"({"max":5,"name":"x","results":2,"states":80})");
  }

  TEST_CASE("jobs refuses an answer that is none") {
    stage s{[](fake_broker& b, const frame& f) { b.reply(f.tag, {{"jobs", 1}}); }};
    auto o = s.run(jobs_command, {});
    CHECK(o.code == 1);
    CHECK(o.err.find("without a list of jobs") != std::string::npos);
  }

  TEST_CASE("what follows -- is cancel's message, after ids and after --all") {
    std::vector<std::string> asked;
    stage s{[&](fake_broker& b, const frame& f) {
      asked.push_back(dump((*parse_object(f.payload))["params"]));
      b.reply(f.tag, {{"count", 1}});
    }};
    CHECK(s.run(cancel_command, {"--all", "--", "no", "more"}).code == 0);
    CHECK(s.run(cancel_command, {"--all"}).code == 0);
    CHECK(s.run(cancel_command, {"fB", "--", "no", "more"}).code == 0);
    CHECK(asked[0] == R"({"all":true,"message":"no more"})");
    CHECK(asked[1] == R"({"all":true})");
    CHECK(asked[2] == R"({"ids":["fB"],"message":"no more"})");
    CHECK(s.run(cancel_command, {"--all", "fB"}).code == 2);
    CHECK(s.run(cancel_command, {}).code == 2);
    CHECK(asked.size() == 3);
  }

  TEST_CASE("without an instance every command says so and ends with 1") {
    stage s{[](fake_broker&, const frame&) {}};
    unsetenv("HACTOR_URI");
    for (auto* c : {&submit_command, &run_command, &cancel_command}) {
      auto o = s.run(*c, {"1"});
      CHECK(o.code == 1);
      CHECK(o.err.find("HACTOR_URI is not set") != std::string::npos);
    }
    CHECK(s.run(jobs_command, {}).code == 1);
  }

  TEST_CASE("labels keep the lines of tasks apart") {
    line_labels labels;
    CHECK(labels.add(0, 1, "a\nb").append("|") == "0: a\n|");
    CHECK(labels.add(1, 1, "x\n") == "1: x\n");
    CHECK(labels.add(0, 2, "e\n") == "0: e\n");
    CHECK(labels.add(0, 1, "c\n\n") == "0: bc\n0: \n");
    CHECK(labels.add(0, 1, "").empty());
    CHECK(labels.add(0, 1, "end").empty());
    CHECK(labels.add(0, 1, "") == "0: end\n");
  }

  TEST_CASE("a line that is too long to be held has its label once, and ends when another comes") {
    line_labels labels{"5."};
    auto most = line_labels::held_bytes_max;
    CHECK(labels.add(2, 1, std::string(most, 'x')).empty());
    CHECK(labels.add(2, 1, "yy") == "5.2: " + std::string(most, 'x') + "yy");
    CHECK(labels.add(2, 1, "z\n") == "z\n");
    CHECK(labels.add(2, 1, std::string(most + 1, 'x')) == "5.2: " + std::string(most + 1, 'x'));
    CHECK(labels.add(3, 2, "error\n") == "5.3: error\n"); // goes elsewhere
    CHECK(labels.add(3, 1, "a\n") == "\n5.3: a\n");
    CHECK(labels.add(2, 1, "rest\n") == "5.2: rest\n");
    CHECK(labels.add(4, 1, std::string(most + 1, 'x')) == "5.4: " + std::string(most + 1, 'x'));
    CHECK(labels.add(2, 1, "begun").empty());
    auto ends = labels.end_all();
    REQUIRE(ends.size() == 2);
    CHECK(ends[{4, 1}] == "\n");
    CHECK(ends[{2, 1}] == "5.2: begun\n");
    CHECK(labels.end_all().empty());
  }

  TEST_CASE("bytes that are not held have a label at the beginning of lines alone") {
    line_labels labels{{}, true, 0};
    CHECK(labels.add(0, 1, "Name? ") == "0: Name? ");
    CHECK(labels.add(0, 1, "x\n") == "x\n");
    CHECK(labels.add(0, 1, "a") == "0: a");
    CHECK(labels.add(0, 2, "e\n") == "\n0: e\n");
    CHECK(labels.add(0, 1, "b") == "0: b");
    CHECK(labels.add(0, 1, "") == "\n");
    CHECK(labels.add(0, 1, "").empty());
  }

} // TEST_SUITE
