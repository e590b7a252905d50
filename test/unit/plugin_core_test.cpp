// actors/plugin_core, actors/plugin_protocol: the way of a job's plugins, as its shell sees it.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/plugin_core.hpp"

#include <string>

#include <doctest/doctest.h>

using namespace hactor;

namespace {

using effects = plugin_core::effects;

constexpr int64_t second = 1'000'000'000;

plugin_word word(plugin_kind kind, std::string text = {}, std::string bytes = {}) {
  return {kind, 0, 0, std::move(text), std::move(bytes)};
}

effects on(plugin_core& p, const plugin_word& w, int64_t now = 0) {
  effects e;
  p.on_bytes(now, frame_of(w), e);
  return e;
}

effects gone(plugin_core& p, const std::string& how, bool well) {
  effects e;
  p.on_gone(how, well, e);
  return e;
}

/// Plugins that have come to where the tasks run.
plugin_core running() {
  plugin_core p{60 * second};
  effects e;
  p.begin(0, {}, e);
  on(p, word(plugin_kind::ready));
  p.prepare(0, {}, e);
  on(p, word(plugin_kind::prepared, {}, pack_changes({})));
  return p;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("words of plugins that are cut anywhere are read as they were") {
    auto frames = frame_of(plugin_word{plugin_kind::output, 3, 2, "", std::string("a\0b", 3)})
                  + frame_of(word(plugin_kind::done));
    for (size_t cut = 0; cut <= frames.size(); ++cut) {
      framed_reader<plugin_word> reader;
      reader.add(std::string_view{frames}.substr(0, cut));
      std::vector<plugin_word> words;
      for (int part = 0; part < 2; ++part) {
        while (auto w = reader.next())
          words.push_back(*w);
        if (part == 0)
          reader.add(std::string_view{frames}.substr(cut));
      }
      REQUIRE(words.size() == 2);
      CHECK(words[0].task == 3);
      CHECK(words[0].bytes == std::string("a\0b", 3));
      CHECK(words[1].kind == plugin_kind::done);
    }
  }

  TEST_CASE("a job, its tasks and what becomes of them pass the packing") {
    plugin_job job;
    job.environment = std::string("A=b\0", 4);
    job.load = {{"x.so", "null"}};
    job.tasks = {{1, 0, 2, {"a", "b"}, "C=d"}};
    auto same = unpack_job(pack_job(job));
    REQUIRE(same);
    CHECK(same->environment == job.environment);
    CHECK(same->load == job.load);
    CHECK(same->tasks.at(0).argv == job.tasks[0].argv);
    auto changes =
        unpack_changes(pack_changes({{{"A", std::nullopt}, {"B", ""}}, {{1, {"x"}, {}, {}}}}));
    REQUIRE(changes);
    CHECK_FALSE(changes->variables.at(0).value);
    CHECK(changes->variables.at(1).value == "");
    CHECK(changes->tasks.at(0).argv.at(0) == "x");
    CHECK_FALSE(unpack_job("nonsense"));
    CHECK_FALSE(unpack_tasks("nonsense"));
  }

  TEST_CASE("plugins go from their start files to the end of the job") {
    plugin_core p{60 * second};
    effects e;
    p.begin(0, {}, e);
    REQUIRE(e.words.size() == 1);
    CHECK(e.words[0].kind == plugin_kind::job);
    CHECK(on(p, word(plugin_kind::ready, {}, "{}")).ready == "{}");
    e = {};
    p.prepare(0, {}, e);
    CHECK(e.words.at(0).kind == plugin_kind::prepare);
    CHECK(on(p, word(plugin_kind::prepared, {}, pack_changes({}))).prepared);
    e = {};
    p.on_forked(0, 7, 99, e);
    p.on_started(0, e);
    p.on_exited(0, 7, 256, e);
    p.finish(0, e);
    p.finish(0, e);
    REQUIRE(e.words.size() == 4);
    CHECK(e.words[0].task == 7);
    CHECK(e.words[0].status == 99);
    CHECK(e.words[2].status == 256);
    CHECK(e.words[3].kind == plugin_kind::finish);
    for (int i = 0; i < 4; ++i)
      on(p, word(plugin_kind::done));
    CHECK_FALSE(p.is_over());
    CHECK(gone(p, "ended with exit code 0", true).failure == "");
    CHECK(p.is_over());
    CHECK(p.deadline_ns() == 0);
  }

  TEST_CASE("who was called last is to blame when the process ends too early") {
    auto p = running();
    on(p, word(plugin_kind::at, "probe", "task.fork"));
    CHECK(gone(p, "was ended by signal 11", false).failure
          == "plugin probe, topic task.fork: was ended by signal 11");
    p = running();
    on(p, word(plugin_kind::at, "start file x.lua"));
    CHECK(gone(p, "ended with exit code 0", true).failure
          == "start file x.lua: ended with exit code 0");
    p = running();
    effects e;
    p.finish(0, e); // and has not been answered
    CHECK(gone(p, "ended with exit code 0", true).failure
          == "the process of its plugins: ended with exit code 0");
    CHECK(gone(p, "again", false).failure == "");
  }

  TEST_CASE("each call of a plugin has its time, and no more") {
    auto p = running();
    effects e;
    CHECK(p.deadline_ns() == 0);
    p.on_started(10 * second, e);
    CHECK(p.deadline_ns() == 70 * second);
    on(p, word(plugin_kind::at, "a", "shell.start"), 50 * second);
    CHECK(p.deadline_ns() == 110 * second);
    on(p, word(plugin_kind::log, "who talks has not returned"), 60 * second);
    CHECK(p.deadline_ns() == 110 * second);
    e = {};
    p.on_deadline(109 * second, false, e);
    CHECK(e.failure == "");
    p.on_deadline(110 * second, false, e);
    CHECK(e.failure == "plugin a, topic shell.start: has not returned within 1m");
    CHECK(e.kill);
    CHECK(p.deadline_ns() == 0);
    CHECK(gone(p, "was ended by signal 9", false).failure == "");
  }

  TEST_CASE("a plugin that waits for a full disk has its time anew, one that only writes has not") {
    auto p = running();
    effects e;
    p.on_started(0, e);
    on(p, word(plugin_kind::output, {}, "more"), 20 * second);
    e = {};
    p.on_deadline(60 * second, true, e);
    CHECK(e.failure == "");
    CHECK(p.deadline_ns() == 120 * second);
    on(p, word(plugin_kind::output, {}, "and more"), 119 * second);
    p.on_deadline(120 * second, true, e); // who makes whom wait is seen a little later
    CHECK(e.failure == "");
    CHECK(p.deadline_ns() == 150 * second + 1);
    on(p, word(plugin_kind::output, {}, "and more"), 140 * second);
    p.on_deadline(151 * second, true, e);
    CHECK(e.failure == "the process of its plugins: has not returned within 1m");
    CHECK(e.kill);
  }

  TEST_CASE("the process has its time to end after the last answer") {
    auto p = running();
    effects e;
    p.finish(0, e);
    on(p, word(plugin_kind::at, "a", "shell.exit"), 1 * second);
    on(p, word(plugin_kind::done), 10 * second);
    CHECK(p.deadline_ns() == 70 * second);
    e = {};
    p.on_deadline(69 * second, false, e);
    CHECK_FALSE(e.kill);
    p.on_deadline(70 * second, false, e);
    CHECK(e.failure == "plugin a, topic shell.exit: has not let the process end within 1m");
    CHECK(e.kill);
    CHECK(p.deadline_ns() == 0);
    e = {};
    p.on_deadline(200 * second, false, e);
    CHECK_FALSE(e.kill);
    CHECK(gone(p, "was ended by signal 9", false).failure == "");
  }

  TEST_CASE("the first reason to fail is told, and nothing after plugins were given up") {
    auto p = running();
    effects e;
    p.on_bytes(
        0, frame_of(word(plugin_kind::failed, "one")) + frame_of(word(plugin_kind::failed, "two")),
        e);
    CHECK(e.failure == "the process of its plugins: one");
    e = {};
    p.give_up(e);
    CHECK(e.kill);
    CHECK(on(p, word(plugin_kind::failed, "three")).failure == "");
    e = {};
    p.on_exited(0, 1, 0, e);
    CHECK(e.words.empty());
  }

  TEST_CASE("what means nothing ends the plugins") {
    auto p = running();
    effects e;
    p.on_bytes(0, std::string(64, '\xff'), e);
    CHECK(e.failure == "the process of its plugins: what it writes to descriptor 3 means nothing");
    CHECK(e.kill);
    p = running();
    e = on(p, word(plugin_kind::prepared, {}, "nonsense"));
    CHECK_FALSE(e.prepared);
    CHECK(e.failure != "");
  }

} // TEST_SUITE
