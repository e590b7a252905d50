// Ended jobs out of a journal, by their names, their arrays and their ids.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include <ctime>

#include "actors/job_archive.hpp"
#include "spec_texts.hpp"
#include "store_builders.hpp"
#include "temp_dir.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

using numbers = std::vector<uint64_t>;

struct bench {
  bench() {
    auto opened = journal::open(options_in(d / "state"), nullptr);
    REQUIRE(opened);
    store = std::move(*opened);
  }
  /// Ended jobs of one request, named and labelled as they are when `labelled`.
  void end(std::vector<uint64_t> ids, const std::string& name, int64_t t_submit_ns,
           const std::string& array = "", bool labelled = true, uint32_t userid = 1000) {
    spec_text s;
    s.name = name;
    if (!array.empty())
      s.rest = {{"array", array}};
    auto spec = intern(specs, s);
    journal_batch b;
    b.specs.emplace_back(spec->hash, spec->stored());
    for (size_t i = 0; i < ids.size(); ++i) {
      job_record r;
      r.id = {ids[i]};
      r.spec = spec->hash;
      r.cc = array.empty() ? -1 : static_cast<int64_t>(idset::parse(array)->nth(i));
      r.ended = true;
      r.result = job_result::canceled;
      r.t_end_ns = t_submit_ns + 100;
      auto submit = event(ids[i], event_kind::submit, t_submit_ns);
      submit.a = 16;
      submit.b = userid;
      r.events = {submit, event(ids[i], event_kind::validate, t_submit_ns),
                  event(ids[i], event_kind::exception, t_submit_ns, "cancel\nwhy"),
                  event(ids[i], event_kind::clean, r.t_end_ns)};
      if (labelled)
        r.label = name_label(userid, fill_cc(name, r.cc));
      b.jobs.push_back(std::move(r));
    }
    REQUIRE(store->commit(b));
  }
  numbers named(const char* name, int64_t since_ns = 0, const char* copies = nullptr,
                uint64_t max = 100) {
    named_request r{1000, name, since_ns, copies != nullptr, {}, max};
    if (copies != nullptr && *copies != 0)
      r.copies = *idset::parse(copies);
    auto found = find_named(*store, specs, r);
    REQUIRE(found);
    last_ns = found->last_ns;
    numbers ids;
    for (auto& job : found->jobs) {
      CHECK(job.ended);
      ids.push_back(job.id.value);
    }
    return ids;
  }

  temp_dir d;
  std::unique_ptr<journal> store;
  spec_cache specs;
  int64_t last_ns = 0;
};

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("a name finds the last submission, or what was submitted since") {
    bench b;
    b.end({1, 2}, "sim", 10);
    b.end({3}, "sim", 20);
    b.end({4, 5, 6}, "sim", 30, "1,3-4");
    b.end({7}, "other", 40);
    b.end({8}, "sim", 50, "", true, 1001);
    CHECK(b.named("sim") == numbers{4, 5, 6});
    CHECK(b.last_ns == 30);
    CHECK(b.named("sim", 11) == numbers{3, 4, 5, 6});
    CHECK(b.named("sim", 1, nullptr, 2) == numbers{1, 2});
    CHECK(b.named("sim", 1, "") == numbers{4, 5, 6});
    CHECK(b.named("sim", 0, "3-9") == numbers{5, 6});
    CHECK(b.named("sim", 0, "3-9", 1) == numbers{5});
    CHECK(b.named("sim", 0, "7").empty());
    CHECK(b.named("other", 0, "").empty());
    CHECK(b.named("nobody").empty());
    CHECK(b.last_ns == 0);
    b.end({9, 10}, "n{cc}", 60, "1-2");
    CHECK(b.named("n2") == numbers{10});
    CHECK(b.named("n{cc}").empty());
    REQUIRE(b.store->erase_jobs({{5}, {10}}));
    CHECK(b.named("sim", 0, "") == numbers{4, 6});
    CHECK(b.named("n2").empty());
  }

  TEST_CASE("arrays stand side by side under one name, and each is looked at once") {
    bench b;
    numbers first, second;
    for (uint64_t i = 0; i < 3'000; ++i) {
      first.push_back(10'000 + i);
      second.push_back(20'000 + i);
    }
    // Ids of one generator, as ingest gives them, go through 1024 a millisecond.
    auto spread = [](numbers& ids) {
      auto begin = job_id{ids.front()};
      for (size_t i = 0; i < ids.size(); ++i)
        ids[i] = neighbour_of(begin, static_cast<int64_t>(i))->value;
    };
    spread(first);
    spread(second);
    b.end(first, "sim", 10, "0-2999");
    b.end(second, "sim", 20, "0-2999");
    CHECK(b.named("sim", 1, "7,2998") == numbers{first[7], first[2998], second[7], second[2998]});
    CHECK(b.named("sim", 1, nullptr, 10'001).size() == 6'000);
    auto array = find_array(*b.store, b.specs, {{second[2000]}});
    CHECK(array.known);
    CHECK(array.first == job_id{second[0]});
    CHECK(array.values.to_string() == "0-2999");
    CHECK_FALSE(find_array(*b.store, b.specs, {{5}}).known);
    b.end({3}, "sim", 30);
    auto single = find_array(*b.store, b.specs, {{3}});
    CHECK(single.known);
    CHECK(single.first == job_id{});
  }

  TEST_CASE("what a name costs does not grow with what else has ended") {
    bench b;
    b.end({1, 2}, "rare", 5, "0-1");
    std::vector<uint64_t> others(5'000);
    for (int64_t batch = 0; batch < 10; ++batch) {
      for (size_t i = 0; i < others.size(); ++i)
        others[i] = 1'000 + static_cast<uint64_t>(batch) * others.size() + i;
      b.end(others, "other", 10 + batch);
    }
    auto began = std::clock();
    for (int i = 0; i < 200; ++i) {
      CHECK(b.named("rare", 1, "1") == numbers{2});
      CHECK(b.named("rare") == numbers{1, 2});
      CHECK(find_array(*b.store, b.specs, {{2}}).first == job_id{1});
    }
    // Some milliseconds; to read 50,000 records each time would take a minute.
    CHECK(static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC < 5);
  }

  TEST_CASE("what an older hactor has left is labelled once") {
    bench b;
    b.end({1, 2}, "n{cc}", 10, "0-1", false);
    b.end({3}, "sim", 20, "", false);
    job_record live;
    live.id = {4};
    journal_batch batch;
    batch.jobs = {live};
    REQUIRE(b.store->commit(batch));
    CHECK(b.named("sim").empty());
    auto bytes = b.store->job({1})->events;
    REQUIRE_FALSE(label_ended(*b.store, b.specs));
    CHECK(b.named("sim") == numbers{3});
    CHECK(b.named("n1") == numbers{2});
    CHECK(b.store->job({1})->events == bytes);
    CHECK(b.store->ended_count() == 3);
    CHECK(b.store->live_count() == 1);
    b.end({5}, "late", 30, "", false); // by nobody of ours
    REQUIRE_FALSE(label_ended(*b.store, b.specs));
    CHECK(b.named("late").empty()); // it is not looked for again
  }

  TEST_CASE("of many jobs that are asked for, one that cannot be read fails alone") {
    bench b;
    b.end({1}, "sim", 10);
    b.end({2}, "sim", 10);
    job_record lost; // its jobspec is not there
    lost.id = {3};
    lost.ended = true;
    lost.result = job_result::completed;
    lost.events = {event(3, event_kind::submit)};
    journal_batch batch;
    batch.jobs = {lost};
    REQUIRE(b.store->commit(batch));
    list_request r;
    r.ids = {{1}, {3}, {2}, {4}};
    CHECK_FALSE(list_ended(*b.store, b.specs, r));
    r.skip_unknown = true;
    auto list = list_ended(*b.store, b.specs, r);
    REQUIRE(list);
    REQUIRE(list->jobs.size() == 2);
    CHECK(list->jobs[0].id == job_id{1});
    CHECK(list->jobs[1].id == job_id{2});
    REQUIRE(list->unread.size() == 1);
    CHECK(list->unread[0].id == job_id{3});
    CHECK(list->unread[0].code == static_cast<uint8_t>(ec::unknown_key));
    CHECK(list->unread[0].why.find("jobspec") != std::string::npos);
  }
}
