// What clients send and get: parameters read, replies written.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "actors/client_json.hpp"

using namespace hactor;

namespace {

submission read(const json& object, caf::error* error = nullptr) {
  json none = json::object();
  client_params p{none};
  auto s = read_submission(object, p);
  if (error != nullptr)
    *error = p.error;
  else
    CHECK_MESSAGE(!p.error, render(p.error));
  return s;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("parameters are read with their defaults") {
    json j{{"n", 5}, {"b", true}, {"d", 2.5}, {"t", "x"}, {"l", {"a", "b"}}};
    client_params p{j};
    CHECK(p.integer("n", 0) == 5);
    CHECK(p.integer("absent", 7) == 7);
    CHECK(p.flag("b", false));
    CHECK(p.flag("absent", true));
    CHECK(p.number("d", 0) == 2.5);
    CHECK(p.number("n", 0) == 5);
    CHECK(p.text("t") == "x");
    CHECK(p.text("absent", "y") == "y");
    CHECK(p.texts("l") == std::vector<std::string>{"a", "b"});
    CHECK(p.ids("absent").empty());
    CHECK(p.set("absent", 4).to_string() == "0-3");
    CHECK(!p.error);
  }

  TEST_CASE("the first thing that is wrong is remembered") {
    json j{{"n", "five"}, {"t", 3}};
    client_params p{j};
    CHECK(p.integer("n", 9) == 9);
    CHECK(p.text("t") == "");
    REQUIRE(p.error);
    CHECK(context_of(p.error).find("n") != std::string::npos);
    CHECK(context_of(p.error).find("t:") == std::string::npos);
  }

  TEST_CASE("each kind of parameter refuses what it is not") {
    json j{{"x", json::array({1, "a"})}, {"neg", -3}, {"o", json::object()}, {"e", ""},
           {"far", "0-9"}, {"junk", "x-y"}};
    auto refused = [&](auto use) {
      client_params p{j};
      use(p);
      return p.error ? code_of(p.error) : ec::ok;
    };
    CHECK(refused([](auto& p) { p.integer("x", 0); }) != ec::ok);
    CHECK(refused([](auto& p) { p.flag("x", false); }) != ec::ok);
    CHECK(refused([](auto& p) { p.number("x", 0); }) != ec::ok);
    CHECK(refused([](auto& p) { p.text("missing"); }) != ec::ok);
    CHECK(refused([](auto& p) { p.texts("x"); }) == ec::bad_argument);
    CHECK(refused([](auto& p) { p.texts("missing"); }) == ec::bad_argument);
    CHECK(refused([](auto& p) { p.id("missing"); }) == ec::bad_argument);
    CHECK(refused([](auto& p) { p.id("neg"); }) == ec::bad_id);
    CHECK(refused([](auto& p) { p.id("o"); }) == ec::bad_id);
    CHECK(refused([](auto& p) { p.ids("o"); }) == ec::bad_argument);
    CHECK(refused([](auto& p) { p.set("e", 4); }) == ec::bad_argument);
    CHECK(refused([](auto& p) { p.set("far", 4); }) == ec::unknown_rank);
    CHECK(refused([](auto& p) { p.set("junk", 4); }) == ec::bad_idset);
  }

  TEST_CASE("parameters that are no object refuse what is needed and break nothing") {
    for (auto& j : {json::array({1}), json("text"), json(5), json()}) {
      client_params p{j};
      CHECK_FALSE(p.has("x"));
      p.integer("x", 1);
      p.flag("x", true);
      p.text("x", "y");
      p.texts("x");
      p.id("x");
      CHECK(p.error);
    }
  }

  TEST_CASE("job ids come in every spelling") {
    job_id id{12345678901};
    json j{{"a", to_string(id)}, {"b", id.value}, {"c", format_job_id(id, id_form::hex)},
           {"all", {to_string(id), id.value}}};
    client_params p{j};
    CHECK(p.id("a") == id);
    CHECK(p.id("b") == id);
    CHECK(p.id("c") == id);
    CHECK(p.ids("all") == std::vector<job_id>{id, id});
    CHECK(!p.error);
  }

  TEST_CASE("a submission is read, its jobspec as text or as object") {
    auto s = read({{"jobspec", "text"}});
    CHECK(s.jobspec == "text");
    CHECK(s.urgency == 16);
    CHECK(s.flags == 0);
    CHECK(s.cc.empty());
    CHECK(s.with_cc_env);
    auto o = read({{"jobspec", {{"version", 1}}},
                   {"urgency", 31},
                   {"cc", "1-3,7"},
                   {"flags", {"waitable", "novalidate"}}});
    CHECK(o.jobspec == R"({"version":1})");
    CHECK(o.urgency == 31);
    CHECK(o.flags == 12);
    CHECK(o.cc.to_string() == "1-3,7");
    auto b = read({{"jobspec", "x"}, {"bcc", "0"}});
    CHECK(b.cc.to_string() == "0");
    CHECK_FALSE(b.with_cc_env);
  }

  TEST_CASE("a wrong submission is refused by the name of what is wrong") {
    struct {
      json object;
      ec code;
      const char* part;
    } table[] = {
      {json::object(), ec::bad_argument, "jobspec"},
      {json("x"), ec::bad_argument, "jobspec"},
      {{{"jobspec", "x"}, {"urgency", 32}}, ec::bad_argument, "urgency"},
      {{{"jobspec", "x"}, {"urgency", -1}}, ec::bad_argument, "urgency"},
      {{{"jobspec", "x"}, {"urgency", 4294967312}}, ec::bad_argument, "urgency"},
      {{{"jobspec", "x"}, {"cc", "1"}, {"bcc", "2"}}, ec::bad_argument, "cc and bcc"},
      {{{"jobspec", "x"}, {"cc", ""}}, ec::bad_argument, "cc"},
      {{{"jobspec", "x"}, {"cc", "3-1"}}, ec::bad_idset, "3-1"},
      {{{"jobspec", "x"}, {"flags", {"bold"}}}, ec::bad_argument, "bold"},
      {{{"jobspec", "x"}, {"flags", "debug"}}, ec::bad_argument, "flags"},
    };
    for (auto& t : table) {
      caf::error e;
      read(t.object, &e);
      CAPTURE(dump(t.object));
      REQUIRE(e);
      CHECK(code_of(e) == t.code);
      CHECK(context_of(e).find(t.part) != std::string::npos);
    }
  }

  TEST_CASE("a summary shows what is set and nothing else") {
    job_summary s;
    s.id = {99};
    s.state = job_state::sched;
    s.name = "n";
    s.t_submit = 1'500'000'000;
    auto j = to_json(s);
    CHECK(j["id"] == to_string(job_id{99}));
    CHECK(j["state"] == "SCHED");
    CHECK(j["t_submit"] == 1.5);
    for (auto key : {"t_run", "queue", "ranks", "result", "status", "exception_type", "expiration",
                     "maxrss_kb", "reason", "waitstatus"})
      CHECK_FALSE(j.contains(key));
    s.state = job_state::inactive;
    s.result = job_result::failed;
    s.waitstatus = 9;
    s.exception = true;
    s.exception_type = "exec";
    s.exception_note = "bad";
    s.maxrss_kb = 10;
    s.ranks = "0-1";
    j = to_json(s);
    CHECK(j["result"] == "FAILED");
    CHECK(j["success"] == false);
    CHECK(j["waitstatus"] == 9);
    CHECK(j["status"] == 137);
    CHECK(j["note"] == "exec: bad");
    CHECK(j["ranks"] == "0-1");
    CHECK(j["maxrss_kb"] == 10);
  }

  TEST_CASE("the exit code is what a shell would show") {
    struct {
      int32_t waitstatus;
      bool fatal;
      int code;
    } table[] = {{-1, false, 0}, {-1, true, 1},  {0, false, 0},       {0, true, 1},
                 {9, false, 137}, {15, true, 143}, {3 << 8, false, 3}, {127 << 8, true, 127}};
    for (auto& t : table) {
      job_summary s;
      s.waitstatus = t.waitstatus;
      s.exception = t.fatal;
      CHECK(exit_code_of(s) == t.code);
    }
  }

  TEST_CASE("counts are shown by state, with the reason of a pause") {
    job_counts c;
    c.run = 3;
    CHECK(to_json(c)["run"] == 3);
    CHECK_FALSE(to_json(c).contains("paused"));
    c.paused = "disk full";
    CHECK(to_json(c)["paused"] == "disk full");
  }
}
