// actors/scheduler_settings: from attributes to queues and policies, and a graph from a file.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/scheduler_settings.hpp"

#include <fstream>
#include <string>

#include "requests.hpp"
#include "temp_dir.hpp"

#include <doctest/doctest.h>

using namespace hactor;
using namespace hactor::test;

namespace {

caf::expected<scheduler_settings> read(std::initializer_list<const char*> items) {
  config c;
  for (auto item : items)
    REQUIRE_FALSE(c.set_item(item));
  return read_scheduler_settings(c);
}

std::string refusal(std::initializer_list<const char*> items) {
  auto s = read(items);
  if (s)
    return "none";
  CHECK(code_of(s.error()) == ec::bad_argument);
  return render(s.error());
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("without settings there is one queue, first come first served") {
    auto s = read({});
    REQUIRE(s);
    REQUIRE(s->queues.size() == 1);
    CHECK(s->queues[0].name.empty());
    CHECK(s->queues[0].policy->name == "fcfs");
    CHECK(s->queues[0].depth == 32);
    CHECK(s->match->name == "lonode");
  }

  TEST_CASE("attributes set policy, depths and match policy") {
    auto s = read({"sched.policy=hybrid", "sched.queue_depth=41", "sched.reservation_depth=8",
                   "sched.match=hinode"});
    REQUIRE(s);
    CHECK(s->queues[0].policy->name == "hybrid");
    CHECK(s->queues[0].policy->reservation_depth == 8);
    CHECK(s->queues[0].depth == 41);
    CHECK(s->match->name == "hinode");
  }

  TEST_CASE("queues say what is their own and take the rest from the instance") {
    auto s = read({"sched.policy=easy", "sched.queue_depth=10",
                   "sched.queues= batch requires=big,^slow ;debug policy=hybrid reservations=3 "
                   "depth=5 ranks=0-3 hosts=n[0-9];",
                   "sched.default_queue=debug"});
    if (!s)
      FAIL(render(s.error()));
    REQUIRE(s->queues.size() == 2);
    CHECK(s->default_queue == "debug");
    CHECK(s->queues[0].name == "batch");
    CHECK(s->queues[0].policy->name == "easy");
    CHECK(s->queues[0].depth == 10);
    CHECK(dump(s->queues[0].where) == R"({"properties":["big","^slow"]})");
    CHECK(s->queues[1].policy->reservation_depth == 3);
    CHECK(s->queues[1].depth == 5);
    CHECK(dump(s->queues[1].where) == R"({"and":[{"ranks":["0-3"]},{"hostlist":["n[0-9]"]}]})");
  }

  TEST_CASE("settings that are wrong are refused with the attribute and what is wrong") {
    CHECK(refusal({"sched.policy=lifo"}).starts_with("sched.policy: queue policy \"lifo\""));
    CHECK(refusal({"sched.match=best"}).starts_with("sched.match: "));
    CHECK(refusal({"sched.queues=a;a"}) == "sched.queues: queue a: is named twice");
    CHECK(refusal({"sched.queues=a fast"}) == "sched.queues: queue a: \"fast\" is not key=value");
    CHECK(refusal({"sched.queues=a size=3"}).find("there are policy, depth") != std::string::npos);
    CHECK(refusal({"sched.queues=a depth=0"}).find("must be 1 to 1000000") != std::string::npos);
    CHECK(refusal({"sched.queues=a ranks=3-1"}).starts_with("sched.queues: queue a: requires"));
    CHECK(refusal({"sched.queues=a policy=x"}).starts_with("sched.queues: queue a: queue policy"));
    CHECK(refusal({"sched.queues=a", "sched.default_queue=b"})
          == "sched.default_queue: sched.queues has no queue b");
  }

  TEST_CASE("the states of queues outlive the scheduler") {
    auto settings = *read({"sched.queues=a;b;c"});
    scheduler_core first{settings}, second{settings};
    CHECK_FALSE(first.stop("a", "maintenance"));
    CHECK_FALSE(first.disable("b", "closed"));
    auto text = queue_states_json(first);
    restore_queue_states(text, second);
    auto states = second.queues();
    CHECK(states[0].started_note == "maintenance");
    CHECK_FALSE(states[0].started);
    CHECK_FALSE(states[1].enabled);
    CHECK(states[2].started);
    CHECK(states[2].enabled);
    CHECK(queue_states_json(second) == text);
    scheduler_core other{*read({"sched.queues=a"})};
    restore_queue_states(text, other); // b is no more
    CHECK_FALSE(other.queues()[0].started);
    for (auto wrong : {"", "{", "[]", R"({"a":{"stopped":7}})"}) {
      scheduler_core untouched{settings};
      restore_queue_states(wrong, untouched);
      CHECK(untouched.queues()[0].started);
    }
  }

  TEST_CASE("a graph comes from a file, and one on which nothing can run is refused") {
    temp_dir dir;
    auto write = [&](const char* name, const std::string& text) {
      auto path = dir / name;
      std::ofstream{path} << text;
      return path;
    };
    auto path = write("r", to_json(machine(3, 2)));
    auto loaded = load_graph(path, "rv1exec");
    if (!loaded)
      FAIL(render(loaded.error()));
    CHECK(same_resources(loaded->all, machine(3, 2)));
    scheduler_core core;
    REQUIRE_FALSE(core.set_graph(std::move(*loaded->graph)));
    CHECK(core.pool().counts(0).cores == 6);
    auto bare = write("bare", R"({"graph":{"nodes":[{"id":"0","metadata":{"type":"cluster"}}],
                                  "edges":[]}})");
    CHECK(render(load_graph(bare, "jgf").error()).find("nothing can run") != std::string::npos);
    CHECK(render(load_graph(path, "jgf").error()).starts_with("resource.graph=" + path));
    CHECK(code_of(load_graph(dir / "none", "jgf").error()) == ec::system_failed);
    CHECK(code_of(load_graph(path, "yaml").error()) == ec::bad_argument);
  }

} // TEST_SUITE
