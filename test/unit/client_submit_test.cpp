// The short way of a submit means what the long one means, and is gone by ordinary requests.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "actors/client_json.hpp"
#include "actors/client_submit.hpp"
#include "graph/jobspec.hpp"
#include "text_mutation.hpp"

using namespace hactor;

namespace {

const std::string spec_head = R"({"attributes":{"system":{"cwd":"/tmp","duration":0,"environment":)"
                              R"({"A":"1","P":"/bin:/usr/bin"}}},"resources":[{"count":1,"label":)"
                              R"("task","type":"slot","with":[{"count":1,"type":"core"}]}],)"
                              R"("tasks":[{"command":)";
const std::string spec_tail = R"(,"count":{"per_slot":1},"slot":"task"}],"version":1})";

std::string spec(const std::string& words) { return spec_head + "[" + words + "]" + spec_tail; }

std::string request(const std::vector<std::string>& jobs) {
  std::string text = R"({"method":"submit","params":{"jobs":[)";
  for (auto& job : jobs)
    text += (text.back() == '[' ? "" : ",") + job;
  return text + "]}}";
}

/// As client_methods.cpp reads it; nothing when it is refused, or is not of many jobs.
std::optional<std::vector<submission>> the_long_way(const std::string& text) {
  auto document = parse_json(text);
  if (!document || !document->is_object() || document->value("method", json{}) != "submit"
      || !find_json(*document, "params.jobs") || !find_json(*document, "params.jobs")->is_array())
    return std::nullopt;
  std::vector<submission> jobs;
  for (auto& object : *find_json(*document, "params.jobs")) {
    client_params p{object};
    jobs.push_back(read_submission(object, p));
    if (p.error)
      return std::nullopt;
  }
  return jobs;
}

void check_equal(const std::string& text, const submission& a, const submission& b) {
  CAPTURE(text);
  CHECK(a.urgency == b.urgency);
  CHECK(a.flags == b.flags);
  CHECK(a.cc == b.cc);
  CHECK(a.with_cc_env == b.with_cc_env);
  auto x = parse_jobspec(a.jobspec), y = parse_jobspec(b.jobspec);
  REQUIRE(static_cast<bool>(x) == static_cast<bool>(y));
  if (x)
    CHECK(*x == *y);
  else
    CHECK(render(x.error()) == render(y.error()));
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("jobspecs of an ordinary request are slices of its text") {
    auto a = spec(R"("/bin/true","1")"), b = spec(R"("/bin/true","2")");
    auto jobs = scan_submit(request(
        {R"({"jobspec":)" + a + R"(,"urgency":0})", R"({"jobspec":)" + b + R"(,"urgency":0})",
         R"({ "jobspec" : )" + a + R"( , "cc":"1-3","flags":["waitable"]})",
         R"({"bcc":"7","jobspec":)" + b + "}"}));
    REQUIRE(jobs);
    REQUIRE(jobs->size() == 4);
    CHECK((*jobs)[0].jobspec == a);
    CHECK((*jobs)[1].jobspec == b);
    CHECK((*jobs)[1].urgency == 0);
    CHECK((*jobs)[2].jobspec == a);
    CHECK((*jobs)[2].urgency == 16);
    CHECK((*jobs)[2].flags == 4);
    CHECK((*jobs)[2].cc.size() == 3);
    CHECK((*jobs)[3].cc.size() == 1);
    CHECK((*jobs)[3].flags == 0);
    CHECK_FALSE((*jobs)[3].with_cc_env);
  }

  TEST_CASE("what is not an ordinary request of many jobs goes the long way") {
    auto job = R"({"jobspec":)" + spec(R"("true")") + "}";
    for (auto& text : std::vector<std::string>{
             std::string{}, std::string{"{}"}, std::string{R"({"method":"submit"})"},
             R"({"method":"submit","params":)" + job + "}", R"({"method":"submit","params":[]})",
             R"({"method":"hello","params":{"jobs":[)" + job + "]}}",
             R"({"params":{"jobs":[]},"method":"submit"})", request({job}) + "x",
             request({R"({"jobspec":"version: 1"})"}), request({"{}"}),
             request({R"({"urgency":99,"jobspec":)" + spec(R"("a")") + "}"}),
             request({R"({"jobspec":)" + spec("\"a\"") + R"(,"urgency":1e1})"}),
             request({R"({"jobspec":)" + spec(std::string(70'000, ' ') + "\"a\"") + "}"})})
      CHECK_MESSAGE(!scan_submit(text), text.substr(0, 200));
  }

  TEST_CASE("both ways mean the same, whatever was sent") {
    std::mt19937 random{4711};
    size_t short_ways = 0;
    for (int i = 0; i < 6000; ++i) {
      std::vector<std::string> jobs;
      for (int k = 0; k < 3; ++k)
        jobs.push_back(R"({"jobspec":)" + spec("\"run\",\"" + std::to_string(k) + "\"")
                       + (k == i % 4 ? R"(,"urgency":3})" : R"(,"cc":"0-1"})"));
      auto text = test::mutate(request(jobs), random);
      auto scanned = scan_submit(text);
      if (!scanned)
        continue;
      ++short_ways;
      auto read = the_long_way(text);
      REQUIRE_MESSAGE(read, text);
      REQUIRE(scanned->size() == read->size());
      for (size_t k = 0; k < read->size(); ++k)
        check_equal(text, (*scanned)[k], (*read)[k]);
    }
    CHECK(short_ways > 500);
  }
}
