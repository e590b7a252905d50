// The table of transitions and the fold over events (RFC 21).
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include <array>
#include <map>
#include <set>

#include "actors/job_state.hpp"
#include "store_builders.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

using k = event_kind;
using s = job_state;

constexpr std::array all_states{s::none, s::new_job, s::depend, s::priority,
                                s::sched, s::run, s::cleanup, s::inactive};

/// What RFC 21 says, written down a second time: from each state the legal events and where they
/// lead; everything that is not here is illegal. `fatal` stands for an exception of severity 0.
struct row {
  s from;
  std::map<k, s> to;
  s fatal;
};

const std::map<k, s> only_recorded(s from, std::initializer_list<k> kinds) {
  std::map<k, s> m;
  for (auto kind : kinds)
    m[kind] = from;
  return m;
}

std::map<k, s> join(std::map<k, s> a, const std::map<k, s>& b) {
  a.insert(b.begin(), b.end());
  return a;
}

std::vector<row> table() {
  auto always = [](s from) {
    return only_recorded(from, {k::prolog_start, k::prolog_finish, k::resource_update,
                                k::set_flags, k::memo, k::debug, k::exception, k::restart,
                                k::jobspec_update});
  };
  auto part = [](s from) {
    return only_recorded(from, {k::release, k::free, k::epilog_start, k::epilog_finish});
  };
  auto sched = join({{k::restart, s::priority}, {k::jobspec_update, s::priority}},
                    always(s::sched));
  return {
      {s::none, {{k::submit, s::new_job}}, s::none},
      {s::new_job,
       join({{k::validate, s::depend},
             {k::invalidate, s::inactive},
             {k::dependency_add, s::new_job},
             {k::dependency_remove, s::new_job}},
            always(s::new_job)),
       s::none},
      {s::depend,
       join({{k::depend, s::priority},
             {k::urgency, s::depend},
             {k::dependency_add, s::depend},
             {k::dependency_remove, s::depend}},
            always(s::depend)),
       s::cleanup},
      {s::priority, join({{k::priority, s::sched}, {k::urgency, s::priority}}, always(s::priority)),
       s::cleanup},
      {s::sched,
       join({{k::priority, s::sched}, {k::urgency, s::priority}, {k::alloc, s::run}}, sched),
       s::cleanup},
      {s::run,
       join(join({{k::start, s::run}, {k::finish, s::cleanup}}, always(s::run)), part(s::run)),
       s::cleanup},
      {s::cleanup,
       join(join({{k::finish, s::cleanup}, {k::clean, s::inactive}, {k::retry, s::priority}},
                 always(s::cleanup)),
            part(s::cleanup)),
       s::cleanup},
      {s::inactive, {{k::memo, s::inactive}}, s::none},
  };
}

job_event of(k kind, int64_t a = 0, std::string text = {}, int64_t c = -1, int64_t t = 1) {
  auto e = event(1, kind, t, std::move(text));
  e.a = a;
  e.b = -1;
  e.c = c;
  return e;
}

job_event submit(int64_t t = 1) {
  auto e = of(k::submit, 16, {}, 0, t);
  e.b = 1000;
  return e;
}

job_fold folded(std::vector<job_event> events) {
  job_fold f;
  for (auto& e : events)
    f.apply(e);
  return f;
}

std::vector<job_event> started() {
  return {submit(),     of(k::validate), of(k::depend), of(k::priority, 16),
          of(k::alloc), of(k::start)};
}

std::vector<job_event> operator+(std::vector<job_event> a, std::vector<job_event> b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("each event in each state leads where RFC 21 says, or is illegal") {
    auto rows = table();
    REQUIRE(rows.size() == all_states.size());
    for (auto& row : rows)
      for (int kind = 1; kind < static_cast<int>(k::kind_count); ++kind) {
        auto e = of(static_cast<k>(kind), 3);
        auto it = row.to.find(e.kind);
        auto expected = it == row.to.end() ? std::nullopt : std::optional<s>{it->second};
        CAPTURE(name_of(row.from));
        CAPTURE(name_of(e.kind));
        CHECK(next_state(row.from, e) == expected);
      }
  }

  TEST_CASE("an exception of severity 0 ends a job in any state from DEPEND to CLEANUP") {
    for (auto& row : table()) {
      auto expected = row.fatal == s::none ? std::nullopt : std::optional<s>{row.fatal};
      CAPTURE(name_of(row.from));
      CHECK(next_state(row.from, of(k::exception, 0)) == expected);
    }
  }

  TEST_CASE("an exception of severity 1 to 7 changes no state") {
    for (auto from : {s::new_job, s::depend, s::priority, s::sched, s::run, s::cleanup})
      for (int severity = 1; severity <= 7; ++severity)
        CHECK(next_state(from, of(k::exception, severity)) == from);
  }

  TEST_CASE("random legal logs: the state after each prefix is what folding the prefix gives") {
    random_source r{21};
    for (int round = 0; round < 300; ++round) {
      std::vector<job_event> log;
      job_fold live;
      for (int64_t t = 1; t < 60 && live.state != s::inactive; ++t) {
        auto e = any_event(r);
        e.id = {1};
        e.t_ns = t;
        if (e.kind == k::exception)
          e.a = static_cast<int64_t>(below(r, 3));
        if (!next_state(live.state, e))
          continue;
        live.apply(e);
        CHECK(e.after == live.state);
        log.push_back(e);
      }
      for (size_t n = 0; n <= log.size(); ++n) {
        std::vector<job_event> prefix(log.begin(), log.begin() + static_cast<ptrdiff_t>(n));
        auto f = folded(prefix);
        CHECK(f.state == (n == 0 ? s::none : log[n - 1].after));
        if (n == log.size()) {
          CHECK(f.waitstatus == live.waitstatus);
          CHECK(f.result() == live.result());
          CHECK(f.exception_note == live.exception_note);
        }
      }
    }
  }

  TEST_CASE("a fold keeps who, how urgent, what flags, and when each state was entered") {
    auto e = submit(10);
    e.a = 20;
    e.c = 6;
    auto f = folded({e, of(k::validate, 0, {}, -1, 20), of(k::depend, 0, {}, -1, 25),
                     of(k::priority, 20, {}, -1, 30), of(k::urgency, 7, {}, -1, 35),
                     of(k::priority, 7, {}, -1, 40), of(k::alloc, 0, {}, -1, 50)});
    CHECK(f.userid == 1000);
    CHECK(f.flags == 6);
    CHECK(f.urgency == 7);
    CHECK(f.priority == 7);
    CHECK(f.t_submit == 10);
    CHECK(f.t_depend == 20);
    CHECK(f.t_sched == 40);
    CHECK(f.t_run == 50);
    CHECK(f.has_alloc);
    CHECK_FALSE(f.has_started);
    auto g = folded(started() + std::vector{of(k::finish, 0, {}, -1, 60), of(k::release),
                                            of(k::free), of(k::clean, 0, {}, -1, 70)});
    CHECK_FALSE(g.has_alloc);
    CHECK(g.has_started);
    CHECK(g.has_finished);
    CHECK(g.t_cleanup == 60);
    CHECK(g.t_inactive == 70);
  }

  TEST_CASE("every ending has its result and its exit code") {
    struct ending {
      const char* what;
      std::vector<job_event> events;
      job_result result;
      int exit_code;
    };
    auto waiting = std::vector{submit(), of(k::validate), of(k::depend), of(k::priority, 16)};
    auto allocated = waiting + std::vector{of(k::alloc)};
    auto clean = std::vector{of(k::clean)};
    auto table = std::vector<ending>{
        {"exit 0", started() + std::vector{of(k::finish, 0)} + clean, job_result::completed, 0},
        {"exit 1", started() + std::vector{of(k::finish, 1 << 8)} + clean, job_result::failed, 1},
        {"exit 255", started() + std::vector{of(k::finish, 255 << 8)} + clean, job_result::failed,
         255},
        {"SIGKILL", started() + std::vector{of(k::finish, 9)} + clean, job_result::failed, 137},
        {"SIGSEGV with core", started() + std::vector{of(k::finish, 11 | 0x80)} + clean,
         job_result::failed, 139},
        {"cancelled while it waited",
         waiting + std::vector{of(k::exception, 0, "cancel\n")} + clean, job_result::canceled, 1},
        {"cancelled while it ran",
         started() + std::vector{of(k::exception, 0, "cancel\nx"), of(k::finish, 15)} + clean,
         job_result::canceled, 143},
        {"cancelled, but the tasks ended well",
         started() + std::vector{of(k::exception, 0, "cancel\n"), of(k::finish, 0)} + clean,
         job_result::canceled, 1},
        {"over its time limit",
         started() + std::vector{of(k::exception, 0, "timeout\n"), of(k::finish, 14)} + clean,
         job_result::timeout, 142},
        {"a node was lost under it",
         started() + std::vector{of(k::exception, 0, "node-failure\nn3"), of(k::finish, 9)} + clean,
         job_result::node_failed, 137},
        {"it lost a node that it could do without",
         started() + std::vector{of(k::exception, 2, "node-failure\nn3"), of(k::finish, 0)} + clean,
         job_result::completed, 0},
        {"the instance ended while it ran",
         started() + std::vector{of(k::exception, 0, "lost\nended"), of(k::finish, 0)} + clean,
         job_result::node_failed, 1},
        {"never fits", waiting + std::vector{of(k::exception, 0, "alloc\nno")} + clean,
         job_result::failed, 1},
        {"command not found",
         allocated + std::vector{of(k::exception, 0, "exec\nnot found", 127 << 8)} + clean,
         job_result::failed, 127},
        {"the exception's status wins over that of finish",
         started() + std::vector{of(k::exception, 0, "exec\nx", 5 << 8), of(k::finish, 9)} + clean,
         job_result::failed, 5},
        {"the first fatal exception is the root cause",
         started()
             + std::vector{of(k::exception, 0, "timeout\nlimit"), of(k::exception, 0, "cancel\nme"),
                           of(k::finish, 9)}
             + clean,
         job_result::timeout, 137},
        {"an exception that is not fatal changes nothing",
         started() + std::vector{of(k::exception, 2, "cancel\n"), of(k::finish, 0)} + clean,
         job_result::completed, 0},
    };
    for (auto& t : table) {
      auto f = folded(t.events);
      CAPTURE(t.what);
      CHECK(f.state == s::inactive);
      CHECK(f.result() == t.result);
      CHECK(f.exit_code() == t.exit_code);
    }
  }

  TEST_CASE("a job has no result before it is inactive") {
    auto events = started() + std::vector{of(k::finish, 0), of(k::clean)};
    for (size_t n = 0; n + 1 < events.size(); ++n)
      CHECK(folded({events.begin(), events.begin() + static_cast<ptrdiff_t>(n)}).result()
            == job_result::none);
  }

  TEST_CASE("type and note of the first fatal exception stay, else those of the latest") {
    auto f = folded(started() + std::vector{of(k::exception, 3, "a\none"),
                                            of(k::exception, 5, "b\ntwo\nlines")});
    CHECK(f.exception_type == "b");
    CHECK(f.exception_note == "two\nlines");
    CHECK(f.exception_severity == 5);
    CHECK_FALSE(f.has_fatal);
    auto g = folded(started() + std::vector{of(k::exception, 0, "root"), of(k::exception, 0, "b\n"),
                                            of(k::exception, 7, "c\n")});
    CHECK(g.exception_type == "root");
    CHECK(g.exception_note == "");
    CHECK(g.exception_severity == 0);
    CHECK(g.has_fatal);
  }
}
