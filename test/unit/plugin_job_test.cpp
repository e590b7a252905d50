// actors/plugin_options, actors/plugin_job: what a job asks for, what its plugins are told, and
// what they make of its tasks.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/plugin_job.hpp"

#include <doctest/doctest.h>

#include "spec_texts.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

plugin_options options_of(const json& options) {
  auto read = read_plugin_options(options);
  REQUIRE_MESSAGE(read, render(read.error()));
  return *read;
}

using files = std::vector<std::pair<std::string, std::string>>;

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("plugins are named as people write them") {
    CHECK(options_of({{"plugins", "a.so"}}).load == files{{"a.so", "null"}});
    CHECK(options_of({{"plugins", "a.so,./b.so"}}).load
          == files{{"a.so", "null"}, {"./b.so", "null"}});
    CHECK(options_of({{"plugins", "/x/a.so:{\"b\": [1, 2]}"}}).load
          == files{{"/x/a.so", "{\"b\":[1,2]}"}});
    json both = {"a.so:1", {{"file", "b.so"}, {"conf", "x"}}};
    CHECK(options_of({{"plugins", both}}).load == files{{"a.so", "1"}, {"b.so", "\"x\""}});
    CHECK_FALSE(options_of(json::object()).asked());
    CHECK_FALSE(options_of({{"mpi", "openmpi"}}).asked());
    CHECK_FALSE(options_of({{"userrc", "none"}}).asked());
    CHECK_FALSE(options_of({{"mpi", "spectrum"}}).asked());
    CHECK(options_of({{"mpi", "site"}}).personality == "site");
    for (auto wrong : {R"({"plugins": "a.so,"})", R"({"plugins": 1})", R"({"plugins": [{}]})",
                       R"({"plugins": "a.so:nonsense"})", R"({"initrc": 1})", R"({"userrc": []})",
                       R"({"mpi": 4})"}) {
      auto read = read_plugin_options(json::parse(wrong));
      REQUIRE_MESSAGE(!read, wrong);
      CHECK(code_of(read.error()) == ec::bad_jobspec);
    }
  }

  TEST_CASE("the kind of MPI says which ways to meet are offered, unless pmi does") {
    spec_text s;
    s.options = {{"mpi", "mpich"}};
    CHECK(plan_of(s)->pmi);
    CHECK_FALSE(plan_of(s)->pmix);
    s.options = {{"mpi", "openmpi"}};
    CHECK_FALSE(plan_of(s)->pmi);
    CHECK(plan_of(s)->needs_pmix);
    s.options = {{"mpi", "none"}};
    CHECK(plan_of(s)->pmi);
    CHECK(plan_of(s)->pmix);
    s.options = {{"mpi", "openmpi"}, {"pmi", "none"}};
    CHECK_FALSE(plan_of(s)->pmi);
    CHECK_FALSE(plan_of(s)->pmix);
  }

  TEST_CASE("a job without options has what the system and the user have") {
    plugin_place here;
    CHECK_FALSE(has_plugins(*plan_of({}), here));
    here.user_rc = "/home/u/initrc.lua";
    CHECK(has_plugins(*plan_of({}), here));
    spec_text s;
    s.options = {{"userrc", "none"}};
    CHECK_FALSE(has_plugins(*plan_of(s), here));
    here.system_rc = "/etc/initrc.lua";
    CHECK(has_plugins(*plan_of(s), here));
  }

  TEST_CASE("plugins are told of the job's shells, one a broker, and of their own tasks") {
    spec_text s;
    s.nodes = 3;
    s.slots = 2;
    s.options = {{"initrc", "mine.lua"}};
    launch_order order{plan_of(s), {{77}, 1000, -1, true, whole_nodes(3, 2)}};
    plugin_place here;
    here.brokers = 2; // nodes 0 and 2 are of the first
    here.system_rc = "/etc/initrc.lua";
    here.user_rc = "/home/u/initrc.lua";
    auto work = plan_shell(*order.plan, order.item, {0, 2}, {"local:///x", "/tmp/job", 1});
    REQUIRE(work);
    auto job = describe_to_plugins(order, *work, here, "h", 0);
    auto info = json::parse(job.info);
    CHECK(info["size"] == 2);
    CHECK(info["ntasks"] == 6);
    CHECK(info["rank"] == 0);
    auto shells = json::parse(job.ranks);
    REQUIRE(shells.size() == 2);
    CHECK(shells[0]["ntasks"] == 4);
    CHECK(shells[1]["broker_rank"] == 1);
    CHECK(shells[1]["resources"]["ncores"] == 2);
    CHECK(job.taskmap == "0-1;2-3;4-5");
    REQUIRE(job.tasks.size() == 4);
    CHECK(job.tasks[2].rank == 4);
    CHECK(job.tasks[2].variables.starts_with("HACTOR_TASK_RANK=4"));
    CHECK(job.environment + job.tasks[0].variables == work->tasks[0].variables);
    CHECK(job.start_files == std::vector<std::string>{"mine.lua", "/home/u/initrc.lua"});
    CHECK(job.system_files == 1);
    CHECK(meets_others(order, here));
    here.brokers = 1;
    CHECK_FALSE(meets_others(order, here));
  }

  TEST_CASE("what plugins change is in what tasks are started with") {
    spec_text s;
    s.slots = 2;
    s.environment = {{"KEPT", "1"}, {"GONE", "1"}, {"GO", "1"}};
    launch_item item{{77}, 1000, -1, true, whole_nodes(1, 2)};
    auto work = plan_shell(*plan_of(s), item, {0}, {"local:///x", "/tmp/job", 1});
    REQUIRE(work);
    plugin_changes changes;
    changes.variables = {{"GONE", std::nullopt}, {"KEPT", "2"}, {"NEW", ""}};
    changes.tasks = {{1, {"other"}, {{"KEPT", "3"}}, {"out", "", ""}}};
    apply_changes(changes, *work);
    auto has = [&](size_t task, const std::string& entry) {
      auto text = std::string{'\0'} + work->tasks[task].variables;
      return text.find('\0' + entry + '\0') != std::string::npos;
    };
    CHECK(has(0, "KEPT=2"));
    CHECK(has(1, "KEPT=3"));
    CHECK_FALSE(has(1, "KEPT=2"));
    CHECK(has(0, "NEW="));
    CHECK(has(0, "GO=1"));
    CHECK_FALSE(has(0, "GONE=1"));
    CHECK(work->tasks[0].argv == plan_of(s)->commands[0]);
    CHECK(work->tasks[1].argv == std::vector<std::string>{"other"});
    CHECK(work->tasks[1].patterns.at(0) == "out");
  }

  TEST_CASE("options that plugins have set count as if they had been submitted") {
    auto plan = with_options(*plan_of({}), R"({"output": {"stdout": {"path": "x"}}})");
    REQUIRE(plan);
    CHECK((*plan)->output == "x");
    auto wrong = with_options(*plan_of({}), R"({"pmi": "fast"})");
    REQUIRE_FALSE(wrong);
    CHECK(code_of(wrong.error()) == ec::bad_jobspec);
  }

} // TEST_SUITE
