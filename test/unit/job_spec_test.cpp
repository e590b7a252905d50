// Jobspecs and their environments: taken apart, stored, put together again.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "actors/shell_core.hpp"
#include "spec_texts.hpp"
#include "store_builders.hpp"

using namespace hactor;
using namespace hactor::test;

TEST_SUITE("unit") {

  TEST_CASE("the environment is taken out of a jobspec and put back as it was") {
    spec_text s;
    s.environment = {{"PATH", "/bin"}, {"EMPTY", ""}, {"GONE", nullptr}};
    auto parts = separate_environment(s.text());
    REQUIRE(parts);
    CHECK(parts->text.find("/bin") == std::string::npos);
    CHECK(*parse_json(parts->environment) == s.environment);
    auto back = parse_json(restore_jobspec(parts->text, parts->environment, -1));
    REQUIRE(back);
    CHECK((*back)["attributes"]["system"]["environment"] == s.environment);
    auto again = separate_environment(dump(*back));
    REQUIRE(again);
    CHECK(again->text == parts->text);
    CHECK(again->environment == parts->environment);
  }

  TEST_CASE("a jobspec without an environment stays without one") {
    auto parts = separate_environment(spec_text{}.text());
    REQUIRE(parts);
    CHECK(parts->environment == "");
    CHECK(restore_jobspec(parts->text, parts->environment, -1) == parts->text);
  }

  TEST_CASE("an empty environment is not the same as none") {
    spec_text s;
    s.environment = json::object();
    auto parts = separate_environment(s.text());
    REQUIRE(parts);
    CHECK(parts->environment == "{}");
  }

  TEST_CASE("what is no jobspec is refused with the parser's error") {
    struct {
      const char* text;
      ec code;
    } table[] = {{"{", ec::bad_json},
                 {"", ec::bad_json},
                 {"[]", ec::bad_jobspec},
                 {"{}", ec::bad_jobspec},
                 {R"({"version":1,"resources":[],"tasks":[],"attributes":{}})", ec::bad_jobspec}};
    spec_cache cache;
    for (auto& t : table) {
      CAPTURE(t.text);
      auto parts = separate_environment(t.text);
      REQUIRE_FALSE(parts);
      CHECK(code_of(parts.error()) == t.code);
      auto spec = cache.intern(t.text, "");
      REQUIRE_FALSE(spec);
      CHECK(code_of(spec.error()) == t.code);
    }
  }

  TEST_CASE("every {cc} is replaced, and none when the job has no cc") {
    struct {
      const char* text;
      int64_t cc;
      const char* expected;
    } table[] = {{"run {cc} of {cc}", 12, "run 12 of 12"},
                 {"{cc}{cc}", 0, "00"},
                 {"{cc}", -1, "{cc}"},
                 {"{ cc}{c}{cc", 3, "{ cc}{c}{cc"},
                 {"", 3, ""}};
    for (auto& t : table)
      CHECK(fill_cc(t.text, t.cc) == t.expected);
    spec_text s;
    s.command = {"echo", "{cc}"};
    s.environment = {{"A", "b"}};
    auto parts = separate_environment(s.text());
    REQUIRE(parts);
    auto back = parse_json(restore_jobspec(parts->text, parts->environment, 7));
    REQUIRE(back);
    CHECK((*back)["tasks"][0]["command"][1] == "7");
  }

  TEST_CASE("the jobspec that is shown has the environment that the task gets") {
    spec_text s;
    s.environment = {{"SEED", "a{cc}b"}};
    auto parts = separate_environment(s.text());
    REQUIRE(parts);
    auto shown = parse_json(restore_jobspec(parts->text, parts->environment, 7));
    REQUIRE(shown);
    CHECK((*shown)["attributes"]["system"]["environment"]["SEED"] == "a7b");
    auto plan = make_launch_plan(parts->text, parts->environment);
    REQUIRE(plan);
    launch_item item{{1}, 1000, 7, true, whole_nodes(1, 8)};
    auto work = plan_shell(**plan, item, {0}, {});
    REQUIRE(work);
    CHECK(work->tasks[0].variables.find(std::string{"SEED=a7b"} + '\0') != std::string::npos);
  }

  TEST_CASE("equal jobspecs are one object as long as somebody holds it") {
    spec_cache cache;
    spec_text s;
    s.environment = {{"A", "1"}};
    auto a = intern(cache, s);
    auto b = intern(cache, s);
    CHECK(a == b);
    s.environment = {{"A", "2"}};
    auto c = intern(cache, s);
    CHECK(c != a);
    CHECK(c->text == a->text);
    CHECK(c->hash != a->hash);
    CHECK(c->environment_hash() != a->environment_hash());
    std::weak_ptr<const job_spec> weak = a;
    a.reset();
    b.reset();
    CHECK(weak.expired());
  }

  TEST_CASE("thousands of jobspecs that nobody holds leave those in use alone") {
    spec_cache cache;
    spec_text kept;
    kept.name = "kept";
    auto first = intern(cache, kept);
    for (int i = 0; i < 3000; ++i) {
      spec_text s;
      s.duration_s = 1 + i;
      (void)intern(cache, s);
    }
    CHECK(intern(cache, kept) == first);
  }

  TEST_CASE("the stored form leads back to the text and to the environment's hash") {
    spec_cache cache;
    spec_text s;
    auto plain = intern(cache, s);
    CHECK(plain->stored() == plain->text);
    CHECK(plain->environment_hash() == spec_hash{});
    CHECK(split_stored(plain->text).text == plain->text);
    CHECK(split_stored(plain->text).environment == spec_hash{});
    s.environment = {{"A", "1"}};
    auto full = intern(cache, s);
    auto stored = full->stored();
    auto parts = split_stored(stored);
    CHECK(parts.text == full->text);
    CHECK(parts.environment == full->environment_hash());
    CHECK(full->environment_hash() == hash_of_spec(full->environment_text()));
    CHECK(full->hash == hash_of_spec(full->stored()));
  }

  TEST_CASE("a spec holds what listings show of it") {
    spec_cache cache;
    spec_text s;
    s.nodes = 3;
    s.slots = 2;
    s.cores = 4;
    s.duration_s = 90;
    s.cwd = "/tmp";
    s.command = {"/usr/bin/env", "true"};
    auto spec = intern(cache, s);
    CHECK(spec->nnodes == 3);
    CHECK(spec->ntasks == 6);
    CHECK(spec->ncores == 24);
    CHECK(spec->duration_s == 90);
    CHECK(spec->cwd == "/tmp");
    CHECK(spec->name == "env");
    CHECK(spec->dependencies == nullptr);
    s.name = "mine";
    CHECK(intern(cache, s)->name == "mine");
  }

  TEST_CASE("a valid jobspec of any shape is taken; one that no instance can run is not") {
    spec_cache cache;
    auto text = json::parse(spec_text{}.text());
    text["resources"] =
        json::array({{{"type", "slot"},
                      {"count", 1},
                      {"label", "task"},
                      {"with", json::array({{{"type", "unicorn"}, {"count", 1}}})}}});
    auto spec = cache.intern(dump(text), "");
    REQUIRE(spec);
    CHECK_FALSE((*spec)->request->plain);
    text["tasks"].push_back(text["tasks"][0]);
    auto two = cache.intern(dump(text), "");
    REQUIRE(two);
    CHECK((*two)->ntasks == 2);
    text["resources"][0]["count"] = 2000000000;
    text["resources"].push_back(text["resources"][0]);
    text["resources"][1]["label"] = "more";
    text["tasks"][1]["slot"] = "more";
    auto many = cache.intern(dump(text), "");
    REQUIRE_FALSE(many);
    CHECK(code_of(many.error()) == ec::unsatisfiable);
  }

  TEST_CASE("the jobs of an array are known from each other") {
    spec_cache cache;
    auto spec = intern(cache, spec_text{});
    auto values = *idset::parse("1,5,7-9,2000-6000");
    auto array = as_array(*spec, values);
    REQUIRE(array);
    CHECK(array->hash != spec->hash);
    CHECK(array->name == spec->name);
    CHECK(*array->array == values);
    CHECK_FALSE(spec->array);
    // What rests in the journal says it too.
    auto again = cache.intern(array->text, array->environment_text());
    REQUIRE(again);
    REQUIRE((*again)->array);
    CHECK(*(*again)->array == values);

    fluid_generator ids{3, 50};
    auto first = ids.next(60);
    for (auto value : values.expand()) {
      auto id = value == 1 ? first : ids.next(60);
      REQUIRE(array_of(id, values, value) == first);
      REQUIRE(job_in_array(first, values, value) == id);
    }
    CHECK_FALSE(job_in_array(first, values, 6));
    CHECK(array_of(first, values, 6) == first);
  }

  TEST_CASE("another word than an idset is no array") {
    spec_cache cache;
    spec_text s;
    for (auto& value : {json("all of them"), json(3), json::array({1, 2})}) {
      s.rest = {{"array", value}};
      CHECK_FALSE(intern(cache, s)->array);
    }
  }

  TEST_CASE("of two limits of memory the lower one counts, for the instance as for the job") {
    auto limits_of = [](const json& options) {
      spec_cache cache;
      spec_text s;
      s.cores = 2;
      s.options = options;
      return std::pair{intern(cache, s)->memory_bytes, plan_of(s)->memory.on(2)};
    };
    constexpr int64_t mb = 1 << 20;
    json node{{"memory-limit", "100M"}}, core{{"memory-limit-per-core", "20M"}};
    json both{{"memory-limit", "100M"}, {"memory-limit-per-core", "20M"}};
    json other{{"memory-limit", "30M"}, {"memory-limit-per-core", "20M"}};
    CHECK(limits_of(node) == std::pair{100 * mb, 100 * mb});
    CHECK(limits_of(core) == std::pair{40 * mb, 40 * mb});
    CHECK(limits_of(both) == std::pair{40 * mb, 40 * mb});
    CHECK(limits_of(other) == std::pair{30 * mb, 30 * mb});
    CHECK(limits_of(json::object()) == std::pair{int64_t{0}, int64_t{0}});
  }

  TEST_CASE("dependencies are seen") {
    spec_cache cache;
    auto text = json::parse(spec_text{}.text());
    text["attributes"]["system"]["dependencies"]
      = json::array({{{"scheme", "afterok"}, {"value", "f2"}}});
    auto spec = cache.intern(dump(text), "");
    REQUIRE(spec);
    REQUIRE((*spec)->dependencies != nullptr);
    CHECK((*spec)->dependencies->at(0).text == "after-success=f2");
  }
}
