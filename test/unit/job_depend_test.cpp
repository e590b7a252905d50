// What jobs wait for before they are scheduled: reading, judging, and who goes on when.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include <ctime>

#include <fmt/format.h>

#include "recording_out.hpp"
#include "spec_texts.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

constexpr int64_t second = 1'000'000'000;

/// One entry of the list, e.g. on("afterok", 1); with `any` one of several alternatives.
json on(const char* scheme, uint64_t id, const char* any = nullptr) {
  json entry{{"scheme", scheme}, {"value", to_string(job_id{id})}};
  if (any != nullptr)
    entry["any"] = any;
  return entry;
}

json at(double seconds, const char* any = nullptr) {
  json entry{{"scheme", "begin-time"}, {"value", fmt::format("{}", seconds)}};
  if (any != nullptr)
    entry["any"] = any;
  return entry;
}

const json alone{{"scheme", "singleton"}, {"value", ""}};

struct bench {
  spec_text text(json dependencies, std::string name = "") {
    spec_text s;
    s.dependencies = std::move(dependencies);
    s.name = std::move(name);
    return s;
  }
  void submit(uint64_t id, json dependencies = nullptr, std::string name = "") {
    auto spec = intern(specs, text(std::move(dependencies), std::move(name)));
    auto e = core->check_dependencies(1000, *spec, ends);
    REQUIRE_MESSAGE(!e, render(e));
    accepted_spec a;
    a.ids = {{id}};
    core->accept(now, 1000, spec, a, out, ends);
  }
  spec_text array_text(const char* values, json dependencies, std::string name = "") {
    auto s = text(std::move(dependencies), std::move(name));
    s.rest = {{"array", values}};
    return s;
  }
  void submit_array(std::vector<uint64_t> ids, std::vector<int64_t> cc, json dependencies,
                    std::string name = "") {
    idset values;
    for (auto value : cc)
      values.add(static_cast<uint32_t>(value));
    auto spec = intern(
        specs, array_text(values.to_string().c_str(), std::move(dependencies), std::move(name)));
    accepted_spec a;
    for (auto id : ids)
      a.ids.push_back({id});
    a.cc = std::move(cc);
    auto e = core->check_dependencies(1000, *spec, ends, {}, a.cc);
    REQUIRE_MESSAGE(!e, render(e));
    core->accept(now, 1000, spec, a, out, ends);
  }
  caf::error refusal(json dependencies, uint32_t userid = 1000) {
    return core->check_dependencies(userid, *intern(specs, text(std::move(dependencies))), ends);
  }
  void grant(uint64_t id) { core->on_granted(now, {id}, whole_nodes(1, 1), out); }
  void start(uint64_t id) {
    grant(id);
    job_report r;
    r.id = {id};
    r.started = true;
    core->on_report(now, r, out);
  }
  void end(uint64_t id, int status = 0) {
    start(id);
    job_report r;
    r.id = {id};
    r.started = r.ended = true;
    r.status = status;
    core->on_report(now, r, out);
  }
  void cancel(std::vector<job_id> ids) {
    auto n = core->raise(now, {1000, {std::move(ids), 62}, "cancel", 0, "why"}, out);
    REQUIRE(n);
  }
  job_summary summary(uint64_t id) {
    auto s = core->summary({id});
    REQUIRE(s);
    return *s;
  }
  std::string names(uint64_t id) { return out.take_names({id}); }
  bool waits(uint64_t id) { return summary(id).state == job_state::depend; }
  bool goes_on(uint64_t id) { return summary(id).state == job_state::sched; }

  /// The instance ends abruptly and starts again with what is durable: all of it.
  void restart() {
    auto next = std::make_shared<job_manager_core>();
    for (auto& [id, spec] : durable_specs())
      if (auto events = core->events(id); events.back().after != job_state::inactive) {
        job_record record;
        record.id = id;
        record.cc = core->summary(id)->cc;
        next->restore(spec, record, events);
      }
    core = next;
    core->resume(now, out);
  }
  std::vector<std::pair<job_id, job_spec_ptr>> durable_specs() {
    std::vector<std::pair<job_id, job_spec_ptr>> list;
    list_request all;
    all.states = 127;
    for (auto& s : core->list(all)) {
      auto spec = specs.intern(core->whole(s.id)->jobspec, "");
      REQUIRE(spec);
      list.emplace_back(s.id, *spec);
    }
    return list;
  }

  spec_cache specs;
  known_ends ends;
  int64_t since = 0; // named_jobs.since_ns of what was found last
  std::shared_ptr<job_manager_core> core = std::make_shared<job_manager_core>();
  recording_out out;
  int64_t now = 100 * second;
};

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("dependencies of a jobspec are read, and what is wrong is refused with its path") {
    auto list = read_dependencies(
        json::array({on("afterok", 5), on("after", 6), at(12.5), alone, on("afterany", 7, "x"),
                     on("afternotok", 8), on("afterexcept", 9, "x"), on("afterok", 5)}),
        true);
    REQUIRE(list);
    std::vector<std::string> texts;
    for (auto& d : **list)
      texts.push_back(d.text);
    CHECK(texts
          == std::vector<std::string>{"after-success=f6", "after-start=f7", "begin-time=12.500",
                                      "singleton", "after-finish=f8?after-except=fA",
                                      "after-failure=f9"});
    CHECK((*list)->at(2).any_of[0].begin_ns == 12'500'000'000);
    CHECK(*read_dependencies(nullptr, true) == nullptr);
    CHECK(*read_dependencies(json::array(), true) == nullptr);

    struct {
      json entry;
      const char* part;
    } table[] = {
        {on("afterall", 1), "[0].scheme: must be one of afterok"},
        {{{"scheme", "afterok"}, {"value", ""}}, "[0].value: must be the id of a job or the name"},
        {{{"scheme", "afterok"}, {"value", "name="}}, "[0].value: must be the id of a job or the"},
        {{{"scheme", "afterok"}, {"value", "f5[x]"}}, "[0].value: must have numbers of copies"},
        {{{"scheme", "afterok"}, {"value", "[3]"}}, "[0].value: must be the id of a job or the"},
        {{{"scheme", "max-in-flight"}, {"value", "0"}, {"group", "g"}},
         "[0].value: must be how many"},
        {{{"scheme", "max-in-flight"}, {"value", "3"}}, "[0].group: must be a word"},
        {{{"scheme", "max-in-flight"}, {"value", "3"}, {"group", ""}}, "[0].group: must be a word"},
        {{{"scheme", "begin-time"}, {"value", "+10m"}}, "[0].value: must be seconds since"},
        {{{"scheme", "begin-time"}, {"value", "-1"}}, "[0].value: must be seconds since"},
        {{{"scheme", "begin-time"}, {"value", "1e300"}}, "[0].value: must be seconds since"},
        {alone, "singleton needs attributes.system.job.name"},
        {{{"scheme", "afterok"}, {"value", "f2"}, {"any", 1}}, "[0].any: must be a string"},
    };
    for (auto& t : table) {
      auto refused = read_dependencies(json::array({t.entry}), false);
      REQUIRE_FALSE(refused);
      CHECK(code_of(refused.error()) == ec::bad_jobspec);
      CHECK_MESSAGE(render(refused.error()).find(t.part) != std::string::npos,
                    render(refused.error()));
    }
  }

  TEST_CASE("some conditions do not go together") {
    const json flight{{"scheme", "max-in-flight"}, {"value", "2"}, {"group", "g"}};
    auto other = flight;
    other["group"] = "h";
    other["value"] = "3";
    CHECK(read_dependencies(json::array({flight, on("afterok", 5)}), true));
    CHECK_FALSE(read_dependencies(json::array({flight, alone}), true));
    CHECK_FALSE(read_dependencies(json::array({flight, other}), true));
    CHECK_FALSE(
        read_dependencies(json::array({on("same-node", 5, "x"), on("afterok", 6, "x")}), true));
  }

  TEST_CASE("a reference is an id, a name, or copies of either") {
    auto id = read_reference("f6");
    REQUIRE(id);
    CHECK(id->id == job_id{5});
    CHECK(id->name == "f6"); // some may be called so
    CHECK_FALSE(id->of_copies);
    auto copies = read_reference("f6[3-7,9]");
    REQUIRE(copies);
    CHECK(copies->id == job_id{5});
    CHECK(copies->copies.to_string() == "3-7,9");
    auto all = read_reference("my sim[*]");
    REQUIRE(all);
    CHECK(all->name == "my sim");
    CHECK(all->id == job_id{});
    CHECK(all->of_copies);
    CHECK(all->copies.empty());
    auto name = read_reference("name=f6");
    REQUIRE(name);
    CHECK(name->id == job_id{});
    CHECK(name->name == "f6");
  }

  TEST_CASE("of a group only so many are queued or running at once, also after a restart") {
    bench b;
    const json two{{{"scheme", "max-in-flight"}, {"value", "2"}, {"group", "g"}}};
    for (uint64_t id = 1; id <= 5; ++id)
      b.submit(id, json::array({two[0]}));
    CHECK(b.goes_on(1));
    CHECK(b.goes_on(2));
    CHECK(b.waits(3));
    CHECK(b.summary(3).dependencies == std::vector<std::string>{"max-in-flight=2"});
    b.end(2, 1 << 8); // however it ends
    CHECK(b.goes_on(3));
    CHECK(b.waits(4));
    b.cancel({{4}}); // one that waits frees nothing
    CHECK(b.waits(5));
    b.restart();
    CHECK(b.waits(5));
    b.cancel({{1}});
    CHECK(b.waits(5)); // until the scheduler has let go of it
    b.core->on_room_cancelled(b.now, {1}, b.out);
    CHECK(b.goes_on(5));
    b.submit(6, json::array({{{"scheme", "max-in-flight"}, {"value", "2"}, {"group", "h"}}}));
    CHECK(b.goes_on(6)); // another group
    b.submit(7, json::array({two[0], on("afterok", 6)}));
    b.end(3);
    CHECK(b.waits(7)); // there is a place in the group, and no end of 6
    b.end(6);
    CHECK(b.goes_on(7));
  }

  TEST_CASE("a job runs where another has its grant, or elsewhere") {
    bench b;
    b.submit(1);
    b.submit(2, json::array({on("same-node", 1)}));
    b.submit(3, json::array({on("not-same-node", 1)}));
    CHECK(b.waits(2));
    CHECK(b.waits(3));
    b.grant(1);
    CHECK(b.goes_on(2));
    CHECK(b.goes_on(3));
    auto where = [&](uint64_t id) {
      auto spec = parse_json(b.core->whole({id})->jobspec);
      return dump(*find_json(*spec, "attributes.system.constraints"));
    };
    CHECK(where(2) == R"({"ranks":["0"]})");
    CHECK(where(3) == R"({"not":[{"ranks":["0"]}]})");
    CHECK(b.names(2)
          == "submit validate dependency-add debug jobspec-update dependency-remove "
             "depend priority");
    // Of one that has ended it is known where it ran, of one that never ran that it did not.
    b.ends[{8}] = {{8}, job_result::completed, 1000, true, true, false, idset::range(4, 5)};
    b.ends[{9}] = {{9}, job_result::canceled, 1000, false, false, false, {}};
    b.submit(4, json::array({on("same-node", 8)}));
    CHECK(where(4) == R"({"ranks":["4-5"]})");
    b.submit(5, json::array({on("not-same-node", 9)}));
    CHECK(b.goes_on(5));
    CHECK(code_of(b.refusal(json::array({on("same-node", 9)}))) == ec::unsatisfiable);
    // Conditions of several jobs stand beside each other, however many they are.
    auto many = json::array();
    for (uint64_t id = 20; id < 60; ++id) {
      b.ends[{id}] = {{id}, job_result::completed, 1000, true, true, false, idset::range(id, id)};
      many.push_back(on("not-same-node", id));
    }
    b.submit(6, many);
    CHECK(b.goes_on(6));
    CHECK(where(6).starts_with(
        R"({"and":[{"not":[{"ranks":["20"]}]},{"not":[{"ranks":["21"]}]},)"));
    // One that is cancelled before it has nodes never gets any.
    b.submit(10);
    b.submit(11, json::array({on("same-node", 10)}));
    b.submit(12, json::array({on("not-same-node", 10)}));
    b.cancel({{10}});
    b.core->on_room_cancelled(b.now, {10}, b.out);
    CHECK(b.summary(11).result == job_result::failed);
    CHECK(b.goes_on(12));
  }

  TEST_CASE("each scheme holds for the ends that it names, and for no other") {
    using k = dependency_kind;
    using v = verdict;
    auto end = [](job_result r, bool ran, bool started, bool fatal) {
      return job_end{{1}, r, 1000, ran, started, fatal};
    };
    struct {
      job_end target;
      v start, any, ok, not_ok, except;
    } table[] = {
        {end(job_result::none, false, false, false), v::open, v::open, v::open, v::open, v::open},
        {end(job_result::none, true, true, false), v::holds, v::open, v::open, v::open, v::open},
        {end(job_result::completed, true, true, false), v::holds, v::holds, v::holds, v::never,
         v::never},
        {end(job_result::failed, true, true, false), v::holds, v::holds, v::never, v::holds,
         v::never},
        {end(job_result::failed, true, false, true), v::never, v::holds, v::never, v::holds,
         v::holds},
        {end(job_result::timeout, true, true, true), v::holds, v::holds, v::never, v::holds,
         v::holds},
        {end(job_result::canceled, false, false, true), v::never, v::holds, v::never, v::never,
         v::never},
    };
    for (auto& t : table) {
      CHECK(judge(k::after_start, t.target) == t.start);
      CHECK(judge(k::after_any, t.target) == t.any);
      CHECK(judge(k::after_ok, t.target) == t.ok);
      CHECK(judge(k::after_not_ok, t.target) == t.not_ok);
      CHECK(judge(k::after_except, t.target) == t.except);
    }
  }

  TEST_CASE("a job waits in DEPEND for the end of another, and then goes on in the same turn") {
    bench b;
    b.submit(1);
    b.submit(2, json::array({on("afterok", 1)}));
    CHECK(b.names(2) == "submit validate dependency-add");
    CHECK(b.waits(2));
    CHECK(b.core->counts().depend == 1);
    CHECK(b.out.wanted.size() == 1); // the scheduler does not know of it
    CHECK(b.summary(2).dependencies == std::vector<std::string>{"after-success=f2"});
    CHECK(b.summary(2).reason == "waits for job f2 to end well");
    b.start(1);
    CHECK(b.waits(2));
    b.end(1);
    CHECK(b.names(2) == "dependency-remove depend priority");
    CHECK(b.goes_on(2));
    CHECK(b.summary(2).dependencies.empty());
    CHECK(b.out.wanted.back().id == job_id{2});
  }

  TEST_CASE("afterstart goes on when tasks run, afterany and afternotok when they have failed") {
    bench b;
    b.submit(1);
    b.submit(2, json::array({on("afterstart", 1)}));
    b.submit(3, json::array({on("afternotok", 1)}));
    b.submit(4, json::array({on("afterany", 1)}));
    b.submit(5, json::array({on("afterok", 1)}));
    b.grant(1);
    CHECK(b.waits(2));
    b.start(1);
    CHECK(b.goes_on(2));
    CHECK(b.waits(3));
    b.end(1, 1 << 8);
    CHECK(b.goes_on(3));
    CHECK(b.goes_on(4));
    CHECK(b.summary(5).result == job_result::failed);
    CHECK(b.summary(5).exception_type == "dependency");
    CHECK(b.summary(5).exception_note == "afterok:f2 can never hold: the job has failed");
    CHECK(b.names(5) == "submit validate dependency-add exception clean");
    CHECK(b.out.over == std::vector<job_id>{{1}, {5}});
    CHECK(b.core->counts().depend == 0);
  }

  TEST_CASE("all dependencies must hold, of alternatives one") {
    bench b;
    for (uint64_t i = 1; i <= 3; ++i)
      b.submit(i);
    b.submit(4, json::array({on("afterok", 1, "x"), on("afterok", 2, "x"), on("afterany", 3)}));
    CHECK(b.summary(4).reason
          == "waits for job f2 to end well, or for job f3 to end well, and for job f4 to end");
    b.end(1, 1 << 8);
    CHECK(b.waits(4)); // the other alternative may hold yet
    b.end(2);
    CHECK(b.waits(4));
    CHECK(b.summary(4).dependencies == std::vector<std::string>{"after-finish=f4"});
    b.end(3, 1 << 8);
    CHECK(b.goes_on(4));

    b.submit(5);
    b.submit(6);
    b.submit(7, json::array({on("afterok", 5, "x"), on("afterok", 6, "x")}));
    b.end(5, 1 << 8);
    CHECK(b.waits(7));
    b.end(6, 1 << 8);
    CHECK(b.summary(7).exception_type == "dependency");
  }

  TEST_CASE("what has ended before is judged at once, and leaves no event") {
    bench b;
    b.ends[{1}] = {{1}, job_result::completed, 1000, true, true, false};
    b.ends[{2}] = {{2}, job_result::failed, 1000, true, true, false};
    b.ends[{3}] = {{3}};
    b.submit(10, json::array({on("afterok", 1), on("afternotok", 2)}));
    CHECK(b.names(10) == "submit validate depend priority");
    auto refused = b.refusal(json::array({on("afterok", 2)}));
    CHECK(code_of(refused) == ec::unsatisfiable);
    CHECK(render(refused)
          == "attributes.system.dependencies: afterok:f3 can never hold: the job has failed");
    CHECK(code_of(b.refusal(json::array({on("afterok", 3)}))) == ec::unknown_job);
    CHECK(render(b.refusal(json::array({on("afterany", 99)})))
          == "attributes.system.dependencies: there is no job f2i, or it was purged");
    CHECK(code_of(b.refusal(json::array({on("afterok", 1)}), 1001)) == ec::not_permitted);
    CHECK_FALSE(b.refusal(json::array({on("afterok", 2, "x"), on("afterok", 1, "x")})));
    b.submit(11, json::array({on("afterok", 2, "x"), on("afterok", 10, "x")}));
    CHECK(b.waits(11));
    b.end(10);
    CHECK(b.goes_on(11));
  }

  TEST_CASE("a cancelled job that never ran satisfies afterany alone") {
    bench b;
    b.submit(1);
    b.submit(2, json::array({on("afterany", 1)}));
    b.submit(3, json::array({on("afternotok", 1)}));
    b.submit(4, json::array({on("afterstart", 1)}));
    b.cancel({{1}});
    b.core->on_room_cancelled(b.now, {1}, b.out);
    CHECK(b.goes_on(2));
    CHECK(b.summary(3).exception_note
          == "afternotok:f2 can never hold: the job was cancelled before it ran");
    CHECK(b.summary(4).result == job_result::failed);
  }

  TEST_CASE("a waiting job is cancelled at once; a selection is cancelled, not failed by itself") {
    bench b;
    b.submit(1);
    b.submit(2, json::array({on("afterok", 1)}));
    b.submit(3, json::array({on("afterok", 2)}));
    b.submit(4, json::array({on("afterok", 3)}));
    b.cancel({{3}});
    CHECK(b.summary(3).result == job_result::canceled);
    CHECK(b.summary(4).exception_type == "dependency");
    b.cancel({});
    CHECK(b.summary(2).result == job_result::canceled);
    CHECK(b.summary(1).state == job_state::cleanup); // the scheduler has it
    b.core->on_room_cancelled(b.now, {1}, b.out);
    CHECK(b.core->counts().inactive == 4);
    CHECK(b.out.take_names({2}) == "submit validate dependency-add exception clean");
  }

  TEST_CASE("a time is waited for") {
    bench b;
    b.submit(1, json::array({at(160)}));
    b.submit(2, json::array({at(100)}));
    CHECK(b.goes_on(2)); // it has come
    CHECK(b.core->next_deadline_ns() == 160 * second);
    CHECK(b.summary(1).reason == "waits for 1970-01-01T00:02:40Z to come");
    b.core->on_deadline(159 * second, b.out);
    CHECK(b.waits(1));
    b.submit(3, json::array({at(150)}));
    b.cancel({{3}});
    CHECK(b.core->next_deadline_ns() == 160 * second);
    b.core->on_deadline(160 * second, b.out);
    CHECK(b.goes_on(1));
    CHECK(b.core->next_deadline_ns() == 0);
  }

  TEST_CASE("tasks are warned before the time limit, and times come in their order") {
    bench b;
    spec_text s;
    s.duration_s = 100;
    s.options = {{"signal", {{"signum", 12}, {"timeleft", 30}}}};
    accepted_spec a;
    a.ids = {{1}, {2}};
    b.core->accept(b.now, 1000, intern(b.specs, s), a, b.out);
    b.submit(3, json::array({at(180)}));
    b.start(1);
    b.start(2);
    CHECK(b.core->next_deadline_ns() == 170 * second);
    b.core->on_deadline(169 * second, b.out);
    CHECK(b.out.signals.empty());
    b.now = 169 * second;
    b.end(2);
    b.core->on_deadline(170 * second, b.out);
    REQUIRE(b.out.signals.size() == 1);
    CHECK(b.out.signals[0].item.id == job_id{1});
    CHECK(b.out.signals[0].item.signal == 12);
    CHECK_FALSE(b.out.signals[0].item.terminate);
    CHECK(b.out.signals[0].item.whom == signal_for::jobs);
    // So does an instance that holds it, when its own time is nearly over.
    kill_request to_all;
    to_all.jobs.states = static_cast<uint32_t>(job_state::run);
    to_all.warning = true;
    CHECK(*b.core->kill(to_all, b.out) == 1);
    CHECK(b.out.signals.back().item.whom == signal_for::jobs);
    to_all.warning = false;
    CHECK(*b.core->kill(to_all, b.out) == 1);
    CHECK(b.out.signals.back().item.whom == signal_for::tasks);
    s.options["signal"]["script"] = true;
    CHECK(intern(b.specs, s)->warn_script);
    CHECK(b.summary(1).state == job_state::run);
    CHECK(b.core->next_deadline_ns() == 180 * second);
    b.core->on_deadline(180 * second, b.out);
    CHECK(b.goes_on(3));
    CHECK(b.core->next_deadline_ns() == 200 * second);
    b.core->on_deadline(200 * second, b.out);
    CHECK(b.summary(1).exception_type == "timeout");
    for (auto wrong : {R"({"signum":0})", R"({"signum":65})", R"({"timeleft":0})", R"(10)",
                       R"({"script":1})"}) {
      s.options = {{"signal", json::parse(wrong)}};
      auto parts = separate_environment(s.text());
      REQUIRE(parts);
      auto made = b.specs.intern(parts->text, "");
      REQUIRE_FALSE(made);
      CHECK(code_of(made.error()) == ec::bad_jobspec);
    }
  }

  TEST_CASE("singletons of a name run one after another, in the order of their ids") {
    bench b;
    b.submit(1, nullptr, "n");
    b.submit(2, json::array({alone}), "n");
    b.submit(3, json::array({alone}), "n");
    b.submit(4, json::array({alone}), "other");
    b.submit(5, json::array({alone, on("afterok", 4)}), "n");
    CHECK(b.waits(2));
    CHECK(b.waits(3));
    CHECK(b.goes_on(4));
    b.end(1);
    CHECK(b.goes_on(2));
    CHECK(b.waits(3));
    b.end(4);
    CHECK(b.waits(5));
    b.core->forget({1});
    b.end(2);
    CHECK(b.goes_on(3));
    b.cancel({{3}});
    b.core->on_room_cancelled(b.now, {3}, b.out);
    CHECK(b.goes_on(5));
  }

  TEST_CASE("a singleton does not wait for one that another dependency still holds back") {
    bench b;
    b.submit(1);
    b.submit(2, json::array({alone, on("afterok", 1)}), "n");
    b.submit(3, json::array({alone}), "n");
    CHECK(b.goes_on(3));
    b.end(1);
    CHECK(b.waits(2));
    b.end(3);
    CHECK(b.goes_on(2));
  }

  TEST_CASE("a submission that is taken back lets its namesake go on") {
    bench b;
    b.submit(1, nullptr, "n");
    b.submit(2, json::array({alone}), "n");
    b.core->withdraw({1}, b.out);
    CHECK(b.goes_on(2));
    b.submit(3, json::array({on("afterok", 2), at(500)}));
    b.core->withdraw({3}, b.out);
    CHECK(b.core->next_deadline_ns() == 0);
    b.end(2);
    CHECK_FALSE(b.core->knows({3}));
  }

  TEST_CASE("after a restart every job waits for what it waited for") {
    bench b;
    b.submit(1);
    b.submit(2, json::array({on("afterok", 1), at(200)}));
    b.submit(3, json::array({on("afterany", 2)}));
    b.submit(4, nullptr, "n");
    b.submit(5, json::array({alone}), "n");
    b.submit(6);
    b.submit(7, json::array({on("afterok", 6, "x"), on("afternotok", 1, "x")}));
    b.submit(8);
    b.submit(9, json::array({on("afterok", 8)}));
    b.submit(10, json::array({on("afternotok", 8)}));
    b.end(6, 1 << 8);
    b.start(8);
    b.out.clear();
    b.restart();
    for (uint64_t waiting : {2, 3, 5, 7})
      CHECK(b.waits(waiting));
    CHECK(b.summary(8).exception_type == "lost");
    CHECK(b.summary(9).exception_type == "dependency");
    CHECK(b.goes_on(10));
    CHECK(b.names(10) == "dependency-remove depend priority");
    CHECK(b.names(2) == "");
    CHECK(b.core->next_deadline_ns() == 200 * second);
    b.core->on_deadline(200 * second, b.out);
    CHECK(b.waits(2));
    b.end(4);
    CHECK(b.goes_on(5));
    b.end(1);
    CHECK(b.goes_on(2));
    CHECK(b.summary(7).exception_type == "dependency");
    b.end(2, 1 << 8);
    CHECK(b.goes_on(3));
  }

  TEST_CASE("jobs of an array wait for those of the same index, also after a restart") {
    bench b;
    b.submit_array({11, 12, 13}, {1, 3, 4}, nullptr);
    b.end(12, 1 << 8); // before anybody waits for it
    json on_array{{"scheme", "aftercorr"}, {"value", to_string(job_id{11})}, {"array", "1,3-4"}};
    b.submit_array({21, 22, 23}, {1, 3, 4}, json::array({on_array}));
    CHECK(b.waits(21));
    CHECK(b.summary(22).exception_type == "dependency");
    CHECK(b.summary(22).exception_note.find("aftercorr:" + to_string(job_id{12})) == 0);
    CHECK(b.summary(22).state == job_state::inactive);
    CHECK(b.waits(23));
    b.end(11);
    CHECK(b.goes_on(21));
    CHECK(b.waits(23));
    b.restart();
    CHECK(b.goes_on(21));
    CHECK(b.waits(23));
    b.end(13);
    CHECK(b.goes_on(23));
    CHECK(b.names(23).find("dependency-remove depend priority") != std::string::npos);
  }

  TEST_CASE("an array of which none can run any more is refused; one that is unknown as well") {
    bench b;
    b.submit_array({11, 12}, {0, 1}, nullptr);
    b.end(11, 1 << 8);
    json on_array{{"scheme", "aftercorr"}, {"value", to_string(job_id{11})}, {"array", "0-1"}};
    auto spec = intern(b.specs, b.text(json::array({on_array})));
    auto check = [&](std::vector<int64_t> cc) {
      return b.core->check_dependencies(1000, *spec, b.ends, {}, cc);
    };
    CHECK(!check({0, 1}));
    CHECK(code_of(check({0})) == ec::unsatisfiable);
    b.end(12, 1 << 8);
    CHECK(code_of(check({0, 1})) == ec::unsatisfiable);
    b.core->forget({12});
    CHECK(code_of(check({0, 1})) == ec::unknown_job);
    b.ends[{12}] = {{12}, job_result::completed, 1000, true, true};
    CHECK(!check({0, 1}));
  }

  TEST_CASE("jobs are found by their names as long as they are in memory, and by no other's") {
    bench b;
    auto found = [&](const char* name, const char* copies = "") {
      auto reference = read_reference(std::string{name} + copies);
      REQUIRE(reference);
      auto all = b.core->named(1000, name, *reference, 100);
      std::vector<uint64_t> ids;
      for (auto& job : all.jobs)
        ids.push_back(job.id.value);
      std::sort(ids.begin(), ids.end());
      b.since = all.since_ns;
      return ids;
    };
    using ids = std::vector<uint64_t>;
    b.submit(1, nullptr, "sim");
    b.now += second;
    b.submit_array({11, 12, 13}, {1, 3, 4}, nullptr, "sim");
    b.submit_array({21, 22}, {0, 3}, nullptr, "n{cc+1}");
    b.submit(2, nullptr, "other");
    b.now += second;
    b.submit(3, nullptr, "sim");
    CHECK(found("sim") == ids{1, 3, 11, 12, 13});
    CHECK(b.since == b.now - 2 * second);
    CHECK(found("sim", "[3-9]") == ids{12, 13});
    CHECK(b.since == b.now - 2 * second);
    CHECK(found("sim", "[0]").empty());
    CHECK(found("n4") == ids{22}); // as it is called
    CHECK(found("nobody").empty());
    CHECK(b.core->named(1001, "sim", {}, 100).jobs.empty());
    CHECK(b.core->named(1000, "sim", {}, 1).jobs.size() == 2); // one more tells of more
    b.end(1);
    b.core->forget({1});
    CHECK(found("sim", "[*]") == ids{11, 12, 13});
    CHECK(b.since == b.now - second);
    b.end(13);
    b.core->forget({13});
    CHECK(found("sim") == ids{3, 11, 12});
    b.restart();
    CHECK(found("sim") == ids{3, 11, 12});
    CHECK(found("sim", "[1,4]") == ids{11});
    // Renamed, and named as before again.
    auto spec = *b.specs.intern(b.core->whole({12})->jobspec, "");
    auto other = intern(b.specs, b.array_text("1,3-4", nullptr, "other"));
    b.core->update(b.now, {12}, other, "{}", "{}", b.out);
    CHECK(found("sim") == ids{3, 11});
    CHECK(found("other") == ids{2, 12});
    b.core->update(b.now, {12}, spec, "{}", "{}", b.out);
    CHECK(found("sim", "[*]") == ids{11, 12});
    CHECK(b.core->array_with({12}).first == job_id{11});
    CHECK(b.core->array_with({3}).first == job_id{});
    CHECK(b.core->array_with({3}).known);
    CHECK_FALSE(b.core->array_with({13}).known);
  }

  TEST_CASE("a hundred thousand jobs in a chain, a fan and a funnel cost as many steps") {
    constexpr uint64_t n = 100'000;
    auto plain = intern(*std::make_unique<spec_cache>(), spec_text{});
    auto submit = [&](bench& b, uint64_t id, dependency_kind kind, uint64_t first, uint64_t last) {
      auto spec = std::make_shared<job_spec>(*plain); // without JSON, which would take all the time
      auto list = std::make_shared<dependency_list>();
      for (auto target = first; target <= last; ++target) {
        auto text = "after=" + std::to_string(target);
        list->push_back({{{kind, {target}, 0, 0, {}, false, text}}, text});
      }
      spec->dependencies = std::move(list);
      accepted_spec a;
      a.ids = {{id}};
      b.core->accept(b.now, 1000, spec, a, b.out);
    };
    auto began = std::clock();
    bench chain;
    chain.submit(1);
    for (uint64_t i = 2; i <= n; ++i)
      submit(chain, i, dependency_kind::after_ok, i - 1, i - 1);
    chain.end(1, 1 << 8); // all of it fails
    CHECK(chain.core->counts().failed == n);
    bench fan;
    fan.submit(1);
    for (uint64_t i = 2; i <= n; ++i)
      submit(fan, i, dependency_kind::after_ok, 1, 1);
    submit(fan, n + 1, dependency_kind::after_any, 1, n);
    fan.end(1);
    CHECK(fan.core->counts().sched == n - 1);
    for (uint64_t i = 2; i <= n; ++i)
      fan.end(i);
    CHECK(fan.goes_on(n + 1));
    // Some seconds of CPU without optimisation; the square of n would be hours.
    CHECK(static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC < 60);
  }
}
