// graph/jobspec: the tables data/jobspec_valid.json and data/jobspec_invalid.json, and bounds.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/jobspec.hpp"

#include <fstream>
#include <iterator>
#include <string>

#include "runtime/limits.hpp"

#include <doctest/doctest.h>

using namespace hactor;

namespace {

json read_table(const std::string& name) {
  std::ifstream file{std::string{HACTOR_TEST_DATA} + "/" + name};
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  auto table = parse_json(text);
  REQUIRE_MESSAGE(table, name);
  return *table;
}

jobspec parsed(const std::string& text) {
  auto spec = parse_jobspec(text);
  if (!spec)
    FAIL(render(spec.error()));
  return *spec;
}

const std::string small = R"({"version":1,"resources":[{"type":"slot","count":1,"label":"task",)"
                          R"("with":[{"type":"core","count":1}]}],"tasks":[{"command":["a/b"],)"
                          R"("slot":"task","count":{"per_slot":1}}],"attributes":{}})";

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("every valid jobspec is read, and its canonical text is read as the same") {
    auto table = read_table("jobspec_valid.json");
    for (const auto& row : table["cases"]) {
      auto text = dump(table["base"].patch(row["patch"]));
      INFO(dump(row["name"]));
      auto spec = parsed(text);
      auto canonical = canonical_json(spec);
      auto again = parsed(canonical);
      CHECK(again == spec);
      CHECK(canonical_json(again) == canonical);
      CHECK(canonical.find('\n') == std::string::npos);
    }
  }

  TEST_CASE("every invalid jobspec is refused with the place and what would be right") {
    auto table = read_table("jobspec_invalid.json");
    CHECK(parse_jobspec(dump(table["base"])));
    for (const auto& row : table["cases"]) {
      auto text = dump(table["base"].patch(row["patch"]));
      auto at = row["at"].get<std::string>();
      auto says = row["says"].get<std::string>();
      INFO(at, " ... ", says);
      auto spec = parse_jobspec(text);
      REQUIRE_FALSE(spec);
      auto shown = render(spec.error());
      CAPTURE(shown);
      CHECK(code_of(spec.error()) == ec::bad_jobspec);
      CHECK(shown.starts_with(at + ":"));
      CHECK(shown.find(says) != std::string::npos);
    }
  }

  TEST_CASE("YAML says the same as JSON") {
    auto spec = parsed(R"(
version: 1
resources:
  - type: node
    count: 2
    with:
      - &slot
        type: slot
        count: {min: 1, max: 4}
        label: task
        with: [{type: core, count: 2}]
tasks:
  - command: [echo, "7", yes]
    slot: task
    count: {per_slot: 1}
attributes:
  system: {duration: 120.0, environment: {A: "1", B: null}}
)");
    CHECK(spec.resources[0].with[0].count == count_spec{count_range{1, 4, '+', 1}});
    CHECK(spec.tasks[0].command == std::vector<std::string>{"echo", "7", "yes"});
    CHECK(spec.system.duration == 120.0);
    CHECK(spec.system.environment->at("A") == "1");
    CHECK_FALSE(spec.system.environment->at("B"));
    CHECK(canonical_json(spec).find("\"duration\":120,") != std::string::npos);
  }

  TEST_CASE("two texts of one jobspec have one canonical text") {
    auto a = parsed(R"({"version":1,"attributes":{"system":{"queue":"q","duration":60.0}},"tasks":[
      {"slot":"s","count":{"per_slot":1},"command":["x"]}],"resources":[{"label":"s","type":"slot",
      "count":{"min":2,"max":2},"with":[{"count":"1,2","type":"core"}]}]})");
    auto b = parsed(R"({"resources":[{"type":"slot","count":"2","label":"s","with":[{"type":"core",
      "count":{"max":2,"min":1}}]}],"tasks":[{"command":["x"],"slot":"s","count":{"per_slot":1}}],
      "version":1,"attributes":{"system":{"duration":60,"queue":"q"}}})");
    CHECK(a == b);
    CHECK(canonical_json(a) == canonical_json(b));
  }

  TEST_CASE("attributes find their fields, and unknown ones stay") {
    auto spec = parsed(R"({"version":1,"resources":[{"type":"slot","count":1,"label":"t","with":[
      {"type":"core","count":1}]}],"tasks":[{"command":["x"],"slot":"t","count":{"total":3}}],
      "attributes":{"user":{"u":1},"system":{"duration":0.5,"cwd":"/w","queue":"q","bank":"b",
      "job":{"name":"n","k":1},"shell":{"options":{"o":2}},"dependencies":[],
      "constraints":{"ranks":["0"]},"exec":{"test":{}}}}})");
    CHECK(spec.system.duration == 0.5);
    CHECK(spec.system.cwd == "/w");
    CHECK(spec.system.queue == "q");
    CHECK(spec.system.job_name == "n");
    CHECK(spec.system.shell_options == json{{"o", 2}});
    CHECK(spec.system.dependencies == json::array());
    CHECK(dump(spec.system.constraints) == R"({"ranks":["0"]})");
    CHECK(dump(spec.system.rest) == R"({"bank":"b","exec":{"test":{}},"job":{"k":1}})");
    CHECK(dump(spec.user) == R"({"u":1})");
    CHECK(spec.tasks[0].rule == task_rule::total);
    CHECK(spec.tasks[0].count == 3);
    CHECK_FALSE(parsed(small).system.duration);
    CHECK_FALSE(parsed(small).system.environment);
  }

  TEST_CASE("a jobspec of many megabytes is refused unread, one at the bound is read") {
    std::string pad(limits::jobspec_bytes_max - small.size(), ' ');
    CHECK(parse_jobspec(small + pad));
    auto refused = parse_jobspec(small + pad + " ");
    REQUIRE_FALSE(refused);
    CHECK(code_of(refused.error()) == ec::too_big);
  }

  TEST_CASE("resources nested too deeply are an error, not a crash") {
    auto nested = [](size_t n) {
      std::string text = R"({"version":1,"resources":)";
      for (size_t i = 0; i < n; ++i)
        text += R"([{"type":"rack","count":1,"with":)";
      text += R"([{"type":"slot","count":1,"label":"t","with":[{"type":"core","count":1}]}])";
      for (size_t i = 0; i < n; ++i)
        text += "}]";
      return text
             + R"(,"tasks":[{"command":["x"],"slot":"t","count":{"per_slot":1}}],"attributes":{}})";
    };
    CHECK(parse_jobspec(nested(20)));
    auto refused = parse_jobspec(nested(200));
    REQUIRE_FALSE(refused);
    CHECK(code_of(refused.error()) == ec::bad_json);
    CHECK(render(refused.error()).starts_with("jobspec: "));
    CHECK_FALSE(parse_jobspec(nested(50'000)));
  }

  TEST_CASE("a document built in memory is read as one from text") {
    json document{{"version", 1},
                  {"resources",
                   {{{"type", "slot"},
                     {"count", 2u},
                     {"label", "task"},
                     {"with", {{{"type", "core"}, {"count", 1u}}}}}}},
                  {"tasks", {{{"command", {"x"}}, {"slot", "task"}, {"count", {{"total", 2u}}}}}},
                  {"attributes", json::object()}};
    document["version"] = 1u;
    auto spec = read_jobspec(document);
    REQUIRE(spec);
    CHECK(to_json(*spec) == document);
  }

  TEST_CASE("a job is named by its attribute, or by its command") {
    struct row {
      const char* command;
      const char* name;
    };
    for (const auto& [command, name] :
         {row{"a", "a"}, row{"/usr/bin/a", "a"}, row{"./a.sh", "a.sh"}, row{"a/", "a"},
          row{"/a//", "a"}, row{"/", "/"}, row{"//", "//"}}) {
      auto spec = parsed(small);
      spec.tasks[0].command = {command, "b"};
      CHECK(job_name_of(spec) == name);
      spec.system.job_name = "mine";
      CHECK(job_name_of(spec) == "mine");
    }
    CHECK(job_name_of(jobspec{}).empty());
  }

} // TEST_SUITE
