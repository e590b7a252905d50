// Constraints of listings: against a slow twin that reads what a listing shows; their bound; what
// is refused.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include <random>

#include "actors/job_constraint.hpp"
#include "actors/job_json.hpp"
#include "actors/job_manager_core.hpp"
#include "recording_out.hpp"
#include "runtime/hostlist.hpp"
#include "spec_texts.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

using dice = std::mt19937;

uint32_t roll(dice& d, uint32_t below) { return static_cast<uint32_t>(d() % below); }

struct sample {
  sample() { spec.request = std::make_shared<resource_request>(); }

  job_fold fold;
  job_spec spec;
  rset resources;

  json shown() const { return to_json(summarize({1}, fold, spec, 0, &resources, nullptr)); }
};

sample random_job(dice& d) {
  sample s;
  s.fold.state = static_cast<job_state>(1u << roll(d, 7));
  s.fold.userid = 1000 + roll(d, 3);
  s.spec.name = std::string(1, static_cast<char>('a' + roll(d, 3)));
  if (roll(d, 2) == 0)
    s.spec.queue = roll(d, 2) == 0 ? "batch" : "debug";
  auto began = static_cast<int64_t>(100 + roll(d, 5)) * 1'000'000'000 + 500'000'000;
  s.fold.t_submit = began;
  if (s.fold.state >= job_state::depend)
    s.fold.t_depend = began + 1'000'000'000;
  if (s.fold.state >= job_state::run) {
    s.fold.t_run = began + 2'000'000'000;
    for (uint32_t rank = roll(d, 4), n = 1 + roll(d, 3); n > 0; --n, ++rank) {
      s.resources.nodes.push_back({rank, idset::single(0), {}});
      s.resources.nodelist.push_back("n" + std::to_string(rank));
    }
  }
  if (s.fold.state >= job_state::cleanup)
    s.fold.t_cleanup = began + 3'000'000'000;
  if (s.fold.state == job_state::inactive) {
    s.fold.t_inactive = began + 4'000'000'000;
    s.fold.has_finished = s.fold.has_started = true;
    s.fold.waitstatus = roll(d, 2) == 0 ? 0 : 256;
    s.fold.was_cancelled = roll(d, 4) == 0;
  }
  return s;
}

json random_constraint(dice& d, int depth) {
  auto texts = [&](std::vector<json> of) {
    auto chosen = json::array();
    for (auto& one : of)
      if (roll(d, 2) == 0)
        chosen.push_back(one);
    return chosen;
  };
  if (depth > 0 && roll(d, 2) == 0) {
    auto parts = json::array();
    for (auto n = roll(d, 4); n > 0; --n)
      parts.push_back(random_constraint(d, depth - 1));
    constexpr const char* joins[] = {"and", "or", "not"};
    return {{joins[roll(d, 3)], parts}};
  }
  switch (roll(d, 9)) {
  case 0:
    return {{"userid", texts({1000, 1001, 1002})}};
  case 1:
    return {{"name", texts({"a", "b", "x"})}};
  case 2:
    return {{"queue", texts({"batch", "debug", ""})}};
  case 3:
    return {{"states", texts({"depend", "RUNNING", "I", 8, 80, "pending"})}};
  case 4:
    return {{"results", texts({"completed", "F", "cancelled", 12})}};
  case 5:
    return {{"hostlist", texts({"n[0-1]", "n2", "m[3-5]"})}};
  case 6:
    return {{"ranks", texts({"0-1", "3", "5-9"})}};
  case 7:
    return json::object();
  default:
    constexpr const char* times[] = {"t_submit", "t_depend", "t_run", "t_cleanup", "t_inactive"};
    constexpr const char* signs[] = {">", ">=", "<", "<="};
    return {{times[roll(d, 5)],
             {signs[roll(d, 4)] + std::to_string(99 + roll(d, 9)) + (roll(d, 2) ? ".5" : "")}}};
  }
}

// -- the twin ---------------------------------------------------------------------------------

uint32_t twin_mask(const json& v) {
  static const std::map<std::string, uint32_t> bits{
      {"depend", 2}, {"RUNNING", 48},  {"I", 64},       {"pending", 14},    {"completed", 1},
      {"F", 2},      {"cancelled", 4}, {"NEW", 1},      {"DEPEND", 2},      {"PRIORITY", 4},
      {"SCHED", 8},  {"RUN", 16},      {"CLEANUP", 32}, {"INACTIVE", 64},   {"COMPLETED", 1},
      {"FAILED", 2}, {"CANCELED", 4},  {"TIMEOUT", 8},  {"NODE_FAILED", 16}};
  return v.is_string() ? bits.at(v.get<std::string>()) : v.get<uint32_t>();
}

bool twin_time(double t, const std::string& text) {
  auto equal = text[1] == '=';
  auto bound = std::stod(text.substr(equal ? 2 : 1));
  return (equal && t == bound) || (text[0] == '>' ? t > bound : t < bound);
}

bool twin(const json& c, const json& job) {
  if (c.empty())
    return true;
  auto op = c.begin().key();
  auto& values = *c.begin();
  auto any = [&values](auto&& f) { return std::any_of(values.begin(), values.end(), f); };
  auto meant = [&job](const json& part) { return twin(part, job); };
  if (op == "and")
    return std::all_of(values.begin(), values.end(), meant);
  if (op == "or")
    return values.empty() || any(meant);
  if (op == "not")
    return !std::all_of(values.begin(), values.end(), meant);
  if (op == "userid" || op == "name" || op == "queue")
    return job.contains(op) && any([&](const json& v) { return v == job[op]; });
  if (op == "states")
    return any([&](const json& v) { return (twin_mask(v) & twin_mask(job["state"])) != 0; });
  if (op == "results")
    return job.contains("result")
           && any([&](const json& v) { return (twin_mask(v) & twin_mask(job["result"])) != 0; });
  if (op == "hostlist")
    return job.contains("nodelist") && any([&](const json& v) {
             auto wanted = *parse_hostlist(v.get<std::string>());
             auto own = *parse_hostlist(job["nodelist"].get<std::string>());
             for (auto& host : wanted)
               if (std::find(own.begin(), own.end(), host) != own.end())
                 return true;
             return false;
           });
  if (op == "ranks")
    return job.contains("ranks") && any([&](const json& v) {
             return idset::parse(v.get<std::string>())
                 ->intersects(*idset::parse(job["ranks"].get<std::string>()));
           });
  return job.contains(op) && twin_time(job[op].get<double>(), values[0].get<std::string>());
}

std::vector<uint64_t> ids_of(const std::vector<job_summary>& jobs) {
  std::vector<uint64_t> ids;
  for (auto& j : jobs)
    ids.push_back(j.id.value);
  return ids;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("a constraint matches what a slow reading of the shown job matches") {
    dice d{4711};
    size_t hits = 0, misses = 0;
    for (int round = 0; round < 3'000; ++round) {
      auto text = random_constraint(d, 3);
      auto c = job_constraint::parse(text, comparisons_max);
      REQUIRE_MESSAGE(c, dump(text));
      for (int i = 0; i < 10; ++i) {
        auto job = random_job(d);
        auto expected = twin(text, job.shown());
        CAPTURE(dump(text));
        CAPTURE(dump(job.shown()));
        REQUIRE(c->matches(job.fold, job.spec, -1, job.resources) == expected);
        (expected ? hits : misses) += 1;
        if (!expected)
          continue;
        // Who walks through jobs by these bounds misses none.
        REQUIRE((c->states() & static_cast<uint32_t>(job.fold.state)) != 0);
        if (job.fold.state == job_state::inactive)
          REQUIRE(job.fold.t_inactive >= c->since_ns());
      }
    }
    CHECK(hits > 3'000);
    CHECK(misses > 3'000);
  }

  TEST_CASE("bounds of a walk follow from what a constraint says") {
    auto states = [](const char* text) {
      return job_constraint::parse(*parse_json(text), 1)->states();
    };
    CHECK(states("{}") == 127);
    CHECK(states(R"({"states":["run"]})") == 16);
    CHECK(states(R"({"results":["failed"]})") == 64);
    CHECK(states(R"({"t_inactive":["<5"]})") == 64);
    CHECK(states(R"({"and":[{"states":["active"]},{"states":[48,64]}]})") == 48);
    CHECK(states(R"({"or":[{"states":["run"]},{"results":["failed"]}]})") == 80);
    CHECK(states(R"({"or":[]})") == 127);
    CHECK(states(R"({"not":[{"states":["run"]}]})") == 127);
    auto since = [](const char* text) {
      return job_constraint::parse(*parse_json(text), 1)->since_ns();
    };
    CHECK(since(R"({"t_inactive":[">=100"]})") == 99'000'000'000);
    CHECK(since(R"({"t_inactive":["<=100"]})") == 0);
    CHECK(since(R"({"and":[{"t_inactive":[">100"]},{"name":["a"]}]})") == 99'000'000'000);
    CHECK(since(R"({"or":[{"t_inactive":[">100"]},{"name":["a"]}]})") == 0);
  }

  TEST_CASE("a constraint that compares too often matches nothing more and says so") {
    sample job;
    job.spec.name = "a";
    auto text = *parse_json(R"({"and":[{"name":["a"]},{"userid":[0]}]})");
    auto c = job_constraint::parse(text, 7);
    REQUIRE(c);
    auto matches = [&] { return c->matches(job.fold, job.spec, -1, job.resources); };
    CHECK(matches());
    CHECK(matches());
    CHECK(c->comparisons() == 1);
    CHECK_FALSE(c->is_spent());
    CHECK_FALSE(matches());
    CHECK(c->is_spent());
    CHECK(code_of(c->spent_error()) == ec::too_big);
    CHECK(render(c->spent_error()).find("more than the 7 comparisons") != std::string::npos);
    // The negation of what was not looked at is no match either.
    auto n = job_constraint::parse(json{{"not", json::array({text})}}, 0);
    CHECK_FALSE(n->matches(job.fold, job.spec, -1, job.resources));
  }

  TEST_CASE("each operator counts, and where a job's nodes are looked at each of them") {
    sample job;
    for (uint32_t rank = 0; rank < 4; ++rank) {
      job.resources.nodes.push_back({rank, idset::single(0), {}});
      job.resources.nodelist.push_back("n" + std::to_string(rank));
    }
    auto counted = [&job](const char* text) {
      auto c = job_constraint::parse(*parse_json(text), 100);
      REQUIRE(c);
      (void)c->matches(job.fold, job.spec, -1, job.resources);
      return 100 - c->comparisons();
    };
    CHECK(counted("{}") == 1);
    CHECK(counted(R"({"and":[{"or":[]},{"not":[{"and":[]}]}]})") == 4);
    CHECK(counted(R"({"ranks":["7"]})") == 4);
    CHECK(counted(R"({"not":[{"hostlist":["n7"]}]})") == 5);
    auto c = job_constraint::parse(*parse_json(R"({"or":[{"ranks":["0"]},{}]})"), 4);
    CHECK_FALSE(c->matches(job.fold, job.spec, -1, job.resources));
    CHECK(c->is_spent());
    CHECK(c->comparisons() == 0);
  }

  TEST_CASE("what is no constraint is refused with what would be one") {
    struct row {
      const char *text, *said;
    };
    for (auto& r : {
             row{"7", "must be an object"},
             row{R"({"name":"a"})", "name: must be a list of values"},
             row{R"({"name":["a"],"queue":["b"]})", "must have one operator"},
             row{R"({"nam":["a"]})", "no operator 'nam'"},
             row{R"({"name":[1]})", "name: must be strings, found 1"},
             row{R"({"userid":["a"]})", "userid: must be integers"},
             row{R"({"states":["runing"]})", "names of new, depend"},
             row{R"({"states":[128]})", "up to 127"},
             row{R"({"states":[-1]})", "up to 127"},
             row{R"({"results":["run"]})", "names of completed"},
             row{R"({"hostlist":["n["]})", "hosts like"},
             row{R"({"ranks":["3-1"]})", "ranks like"},
             row{R"({"t_run":[]})", "t_run: must be one of >T"},
             row{R"({"t_run":["5"]})", "t_run: must be one of >T"},
             row{R"({"t_run":[">x"]})", "t_run: must be one of >T"},
             row{R"({"t_run":[">-5"]})", "t_run: must be one of >T"},
             row{R"({"t_run":[">1",">2"]})", "t_run: must be one of >T"},
             row{R"({"t_run":[5]})", "t_run: must be one of >T"},
             row{R"({"not":[{"or":[3]}]})", "must be an object"},
         }) {
      CAPTURE(r.text);
      auto c = job_constraint::parse(*parse_json(r.text), 1);
      REQUIRE_FALSE(c);
      CHECK(code_of(c.error()) == ec::bad_argument);
      CHECK_MESSAGE(render(c.error()).find(r.said) != std::string::npos, render(c.error()));
    }
    auto many =
        job_constraint::parse(*parse_json(R"({"hostlist":["a[1-60000]","b[1-60000]"]})"), 1);
    REQUIRE_FALSE(many);
    CHECK(code_of(many.error()) == ec::too_big);
  }

  TEST_CASE("a listing carries a constraint beside its other parameters") {
    spec_cache specs;
    recording_out out;
    job_manager_core core;
    for (uint64_t id = 1; id <= 20; ++id) {
      accepted_spec a;
      a.ids = {{id}};
      spec_text text;
      text.name = id % 2 == 0 ? "even" : "odd";
      core.accept(1, id % 5 == 0 ? 1001 : 1000, intern(specs, text), a, out);
    }
    list_request r;
    r.name = "even";
    r.constraint = R"({"not":[{"userid":[1000]}]})";
    r.comparisons = 100;
    auto c = read_constraint(r);
    REQUIRE(c);
    REQUIRE(*c);
    CHECK(r.name == "even");
    CHECK(ids_of(core.list(r, &**c)) == std::vector<uint64_t>{10, 20});
    r.ids = {{5}, {6}, {10}};
    CHECK(ids_of(core.list(r, &**c)) == std::vector<uint64_t>{10});
    CHECK((*c)->comparisons() == 100 - 2 * (10 + 2)); // the name is looked at first
    list_request plain;
    plain.name = "even";
    auto none = read_constraint(plain);
    REQUIRE(none);
    CHECK_FALSE(*none);
    CHECK(core.list(plain).size() == 10);
    plain.name = "\x01[{}, 5]"; // a name as good as any
    CHECK_FALSE(*read_constraint(plain));
    plain.constraint = "{";
    CHECK(code_of(read_constraint(plain).error()) == ec::bad_json);
  }
}
