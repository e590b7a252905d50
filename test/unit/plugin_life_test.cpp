// plugins/life, stack, job_view, start_files: what a job's plugins are called with and answer, in
// one process, with start files in a scratch folder.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "plugins/life.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <unistd.h>

#include "plugins/shell_plugin.h"

using namespace hactor;
using namespace hactor::plugins;

namespace {

/// Plugins of a job of two tasks, made of a start file.
struct fixture {
  explicit fixture(const std::string& lua, const json& options = json::object()) {
    char name[] = "/tmp/hactor_life.XXXXXX";
    folder = ::mkdtemp(name);
    std::ofstream{folder / "rc.lua"} << lua;
    plugin_job job;
    job.info = R"({"jobid": "f1", "ntasks": 2})";
    job.ranks = R"([{"id": 0, "name": "h"}])";
    json spec;
    spec["attributes"]["system"]["shell"]["options"] = options;
    job.jobspec = dump(spec);
    job.resources = "{}";
    job.taskmap = "0-1";
    job.environment = std::string("A=1\0B=2\0", 8);
    job.start_files = {(folder / "rc.lua").string()};
    tell({plugin_kind::job, 0, 0, {}, pack_job(job)});
  }
  ~fixture() { std::filesystem::remove_all(folder); }

  void tell(const plugin_word& word) { own.on_word(word); }
  std::optional<plugin_changes> prepare() {
    plugin_tasks tasks;
    tasks.tasks = {{0, 0, 0, {"echo", "{{x}} {{id}}"}, std::string("R=0\0", 4)},
                   {1, 1, 0, {"echo"}, std::string("R=1\0", 4)}};
    tasks.patterns = {"{{x}}", "", ""};
    tell({plugin_kind::prepare, 0, 0, {}, pack_tasks(tasks)});
    return said.back().kind == plugin_kind::prepared ? unpack_changes(said.back().bytes)
                                                     : std::nullopt;
  }
  std::string failure() const {
    for (auto& w : said)
      if (w.kind == plugin_kind::failed)
        return w.text;
    return {};
  }
  std::string log() const {
    std::string all;
    for (auto& w : said)
      if (w.kind == plugin_kind::log)
        all += w.text;
    return all;
  }

  std::filesystem::path folder;
  std::vector<plugin_word> said;
  life own{[this](const plugin_word& w) { said.push_back(w); }};
};

constexpr auto trace = R"(plugin.register { name = "t", handlers = {
  { topic = "*", fn = function (topic)
      if topic ~= "shell.log" then shell.log(topic) end
    end } } })";

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("an answer stays when its handler calls a topic of its own") {
    job_view job{{}, [](const plugin_word&) {}};
    stack plugins{job};
    auto& asked = plugins.add("asked", "null");
    asked.handlers.push_back({"question", [&asked](const char*) {
                                hactor_answer(&asked, "right");
                                return hactor_call(&asked, "own.topic", nullptr);
                              }});
    auto& other = plugins.add("other", "null");
    other.handlers.push_back({"own.topic", [&other](const char*) {
                                hactor_answer(&other, "wrong");
                                return 0;
                              }});
    CHECK(plugins.call("question"));
    CHECK(plugins.answer() == "right");
  }

  TEST_CASE("topics come in their order, and each word is answered") {
    fixture f{trace};
    CHECK(f.said.back().kind == plugin_kind::ready);
    CHECK(f.said.back().bytes == "");
    CHECK(f.prepare());
    f.tell({plugin_kind::forked, 1, 99});
    CHECK(f.said.back().kind == plugin_kind::done);
    f.tell({plugin_kind::forked, 77, 99}); // of no task: answered all the same
    CHECK(f.said.back().kind == plugin_kind::done);
    f.tell({plugin_kind::started});
    f.tell({plugin_kind::exited, 1, 256});
    CHECK_FALSE(f.own.is_over());
    f.tell({plugin_kind::finish});
    CHECK(f.own.is_over());
    std::string expected;
    for (auto topic : {"shell.connect", "shell.init", "shell.post-init", "task.init",
                       "mustache.render.x", "mustache.render.x", "task.exec", "task.init",
                       "mustache.render.x", "task.exec", "task.fork", "shell.start", "task.exit",
                       "shell.tasks-complete", "shell.finish", "shell.exit"})
      expected += std::string{"hactor-shell[0]: lua: "} + topic + "\n";
    CHECK(f.log() == expected);
  }

  TEST_CASE("variables of the job and of a task are changed, each for itself") {
    fixture f{R"(
      assert(shell.getenv("A") == "1" and shell.getenv().B == "2" and shell.getenv("C") == nil)
      shell.setenv("A", "x", false)
      shell.setenv("C", "3")
      shell.unsetenv("B")
      assert(not pcall(shell.setenv, "no=name", "1"))
      assert(not pcall(task.setenv, "A", "1"))
      plugin.register { name = "t", handlers = { { topic = "task.init", fn = function ()
        assert(task.getenv("R") == "" .. task.info.rank and task.getenv("C") == "3")
        task.setenv("C", "x", false)
        task.unsetenv("R")
        assert(task.getenv("R") == nil)
        task.setenv("MINE", task.info.localid)
        if task.info.rank == 1 then task.setargv({"other", "words"}) end
      end }, { topic = "mustache.render.x", fn = function () return "y" end } } })"};
    auto changes = f.prepare();
    REQUIRE_MESSAGE(changes, f.failure());
    REQUIRE(changes->variables.size() == 2);
    CHECK(changes->variables[0].name == "B");
    CHECK_FALSE(changes->variables[0].value);
    CHECK(changes->variables[1].value == "3");
    REQUIRE(changes->tasks.size() == 2);
    CHECK(changes->tasks[0].argv == std::vector<std::string>{"echo", "y {{id}}"});
    CHECK(changes->tasks[0].patterns.at(0) == "y");
    CHECK(changes->tasks[1].argv == std::vector<std::string>{"other", "words"});
    REQUIRE(changes->tasks[1].variables.size() == 2);
    CHECK(changes->tasks[1].variables[0].value == "1");
    CHECK_FALSE(changes->tasks[1].variables[1].value);
  }

  TEST_CASE("options are read and set by names with dots") {
    fixture f{R"(
      assert(shell.options["a.b"] == 1 and shell.options.c[2] == "y" and shell.options.d == nil)
      assert(not pcall(shell.setopt, "c.d", 1) and not pcall(shell.setopt, "", 1))
      shell.options["e.f"] = { g = true, h = { 1, 2.5 } })",
              {{"a", {{"b", 1}}}, {"c", {"x", "y"}}}};
    CHECK(f.failure() == "");
    CHECK(json::parse(f.said.back().bytes)
          == json::parse(R"({"a":{"b":1},"c":["x","y"],"e":{"f":{"g":true,"h":[1,2.5]}}})"));
  }

  TEST_CASE("a later plugin of the same name is in the place of the first") {
    auto named = [](const std::string& said) {
      return "plugin.register { name = 'same', handlers = { { topic = 'shell.init', fn = function "
             "() "
             "shell.log('"
             + said + "') end } } }\n";
    };
    fixture f{named("one") + named("two")};
    CHECK(f.log() == "hactor-shell[0]: lua: two\n");
  }

  TEST_CASE("a map of tasks is a plugin's, if it has one") {
    constexpr auto maker = R"(plugin.register { name = "m", handlers = { { topic = "taskmap.mine",
      fn = function (_, a) return a.value .. ";" .. a.taskmap end } } })";
    fixture good{maker, {{"taskmap", "mine:7"}}};
    CHECK(json::parse(good.said.back().bytes)["taskmap"] == "manual:7;0-1");
    fixture object{maker, {{"taskmap", {{"scheme", "mine"}, {"value", 8}}}}};
    CHECK(json::parse(object.said.back().bytes)["taskmap"] == "manual:8;0-1");
    fixture other{maker, {{"taskmap", "other"}}};
    CHECK(other.failure() == "no plugin knows the scheme 'other'");
    fixture ours{maker, {{"taskmap", "cyclic:2"}}};
    CHECK(ours.said.back().bytes == "");
  }

  TEST_CASE("who fails is told once, with file and line, and nothing is called after") {
    fixture syntax{"local = 1"};
    CHECK(syntax.failure().find("rc.lua:1:") != std::string::npos);
    CHECK(syntax.said.back().kind == plugin_kind::failed);
    fixture dies{std::string{trace} + "\nshell.die('no room') shell.die('again')"};
    CHECK(dies.failure() == "no room");
    CHECK(dies.log() == "");
    auto at = [](const std::string& topic, const std::string& does) {
      return "plugin.register { name = 'x', handlers = { { topic = '" + topic
             + "', fn = function () " + does + " end } } }\n";
    };
    fixture early{at("shell.init", "return -1") + trace};
    CHECK(early.failure() == "its handler has returned -1");
    fixture late{at("task.init", "error('bad')")};
    CHECK(late.failure() == "");
    CHECK_FALSE(late.prepare());
    CHECK(late.failure().find("rc.lua:1: bad") != std::string::npos);
    fixture deep{"local t = {} t.t = t shell.options.x = t"}; // without an end
    CHECK(deep.failure() == "");
  }

  TEST_CASE("messages are seen by plugins, and those about messages are dropped") {
    fixture f{R"(plugin.register { name = "l", handlers = { { topic = "shell.log",
      fn = function (_, m)
        shell.log("about " .. m.message)
        shell.setenv("SEEN", m.message)
      end } } }
      shell.log("one") shell.debug("hidden"))"};
    CHECK(f.log() == "hactor-shell[0]: lua: one\n");
    auto changes = f.prepare();
    REQUIRE(changes);
    CHECK(changes->variables.at(0).value == "hidden");
  }

} // TEST_SUITE
