// The journal when all goes well: commits, reading back, restart, trimming.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include <fstream>
#include <limits>
#include <map>
#include <string>

#include "store/journal.hpp"
#include "store_builders.hpp"
#include "temp_dir.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

std::unique_ptr<journal> open(const journal_options& o, journal_findings* found = nullptr) {
  auto j = journal::open(o, found);
  REQUIRE_MESSAGE(j, render(j.error()));
  return std::move(*j);
}

std::unique_ptr<journal> open(const temp_dir& d, journal_findings* found = nullptr) {
  return open(options_in(d / "state"), found);
}

uint64_t commit(journal& j, const journal_batch& b) {
  auto seq = j.commit(b);
  REQUIRE_MESSAGE(seq, render(seq.error()));
  return *seq;
}

std::vector<uint64_t> sequences(const journal& j, uint64_t since) {
  std::vector<uint64_t> result;
  CHECK(!j.read_log(since, [&](uint64_t seq, const job_event&) {
    result.push_back(seq);
    return true;
  }));
  return result;
}

template <class F>
std::vector<uint64_t> ids(F each) {
  std::vector<uint64_t> result;
  CHECK(!each([&](const job_record& r) {
    result.push_back(r.id.value);
    return true;
  }));
  return result;
}

std::vector<uint64_t> all_ids(const journal& j) {
  return ids([&](auto f) { return j.each_job(false, f); });
}
std::vector<uint64_t> live_ids(const journal& j) {
  return ids([&](auto f) { return j.each_live(f); });
}
std::vector<uint64_t> ended_ids(const journal& j) {
  return ids([&](auto f) { return j.each_ended(f); });
}

using numbers = std::vector<uint64_t>;

/// Of a file that is mapped into this process, what is resident.
int64_t mapped_kb(const std::string& path) {
  std::ifstream maps{"/proc/self/smaps"};
  int64_t kb = 0;
  bool is_it = false;
  for (std::string line; std::getline(maps, line);) {
    if (line.find('-') < line.find(' '))
      is_it = line.ends_with(path);
    else if (is_it && line.starts_with("Rss:"))
      kb += std::stoll(line.substr(4));
  }
  return kb;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("a new journal is empty and begins at event 1") {
    temp_dir d;
    journal_findings found;
    auto j = open(d, &found);
    CHECK(!found.existed);
    CHECK(j->next_sequence() == 1);
    CHECK(j->first_sequence() == 1);
    CHECK(*j->restart_sequence() == 1);
    CHECK(sequences(*j, 0).empty());
    CHECK(all_ids(*j).empty());
    CHECK(ended_ids(*j).empty());
    CHECK(j->ended_count() == 0);
    CHECK(code_of(j->job({4}).error()) == ec::unknown_job);
    CHECK(code_of(j->spec({1, 2}).error()) == ec::unknown_key);
    CHECK(code_of(j->meta("x").error()) == ec::unknown_key);
    CHECK(commit(*j, {}) == 1);
  }

  TEST_CASE("what was committed is there after opening again") {
    temp_dir d;
    random_source r{3};
    std::vector<job_event> sent;
    std::map<job_id, job_record> records;
    std::string spec = "{\"spec\":1}";
    {
      auto j = open(d);
      for (int i = 0; i < 40; ++i) {
        journal_batch b;
        for (auto n = below(r, 300); n > 0; --n)
          b.events.push_back(any_event(r));
        for (auto n = below(r, 50); n > 0; --n) {
          auto x = any_record(r);
          x.spec = hash_of_spec(spec);
          x.first_sequence = 1 + below(r, 1000);
          if (!x.ended)
            x.events.clear();
          records[x.id] = x;
          b.jobs.push_back(std::move(x));
        }
        b.specs.emplace_back(hash_of_spec(spec), spec);
        b.meta.emplace_back("round", std::to_string(i));
        CHECK(commit(*j, b) == sent.size() + 1);
        sent.insert(sent.end(), b.events.begin(), b.events.end());
      }
    }
    journal_findings found;
    auto j = open(d, &found);
    CHECK(found.existed);
    CHECK(found.events_dropped == 0);
    CHECK(found.notes.empty());
    CHECK(j->next_sequence() == sent.size() + 1);
    uint64_t at = 0;
    CHECK(!j->read_log(1, [&](uint64_t seq, const job_event& e) {
      CHECK(seq == at + 1);
      CHECK(e == sent[at]);
      return ++at > 0;
    }));
    CHECK(at == sent.size());
    auto expected = records.begin();
    CHECK(!j->each_job(true, [&](const job_record& x) {
      REQUIRE(expected != records.end());
      CHECK(x == expected->second);
      CHECK(*j->job(x.id) == x); // callbacks may read
      ++expected;
      return true;
    }));
    CHECK(expected == records.end());
    CHECK(*j->spec(hash_of_spec(spec)) == spec);
    CHECK(*j->meta("round") == "39");
    CHECK(j->live_count() + j->ended_count() == records.size());
  }

  TEST_CASE("reading begins at any number and stops when told") {
    temp_dir d;
    auto j = open(d);
    for (int i = 0; i < 20; ++i)
      commit(*j, batch_of(events(100)));
    for (const uint64_t since : {1, 2, 100, 101, 999, 1999, 2000}) {
      const auto got = sequences(*j, since);
      REQUIRE(got.size() == 2001 - since);
      CHECK(got.front() == since);
      CHECK(got.back() == 2000);
    }
    CHECK(sequences(*j, 2001).empty());
    CHECK(sequences(*j, 1u << 30).empty());
    int calls = 0;
    CHECK(!j->read_log(500, [&](uint64_t, const job_event&) { return ++calls < 3; }));
    CHECK(calls == 3);
  }

  TEST_CASE("an ended record replaces the live one, in all iterations") {
    temp_dir d;
    auto j = open(d);
    commit(*j, batch_of(std::vector{live(1), live(2), live(3), live(4)}));
    CHECK(live_ids(*j) == numbers{1, 2, 3, 4});
    commit(*j, batch_of(std::vector{ended(3, 10), ended(2, 20)}));
    CHECK(live_ids(*j) == numbers{1, 4});
    CHECK(ended_ids(*j) == numbers{2, 3});
    CHECK(all_ids(*j) == numbers{1, 2, 3, 4});
    commit(*j, batch_of(std::vector{ended(3, 30)})); // again, with another end
    CHECK(ended_ids(*j) == numbers{3, 2});
    commit(*j, batch_of(std::vector{ended(2, 40), ended(2, 50)})); // twice in one batch
    CHECK(ended_ids(*j) == numbers{2, 3});
    commit(*j, batch_of(std::vector{live(9), ended(9, 1)})); // both at once
    CHECK(ended_ids(*j) == numbers{2, 3, 9});
    commit(*j, batch_of(std::vector{live(2)})); // and back
    CHECK(ended_ids(*j) == numbers{3, 9});
    CHECK(live_ids(*j) == numbers{1, 2, 4});
    CHECK(j->ended_count() == 2);
    CHECK(j->live_count() == 3);
  }

  TEST_CASE("ended jobs come newest first, over many slices") {
    temp_dir d;
    auto j = open(d);
    std::vector<job_record> jobs;
    for (uint64_t i = 1; i <= 5000; ++i) {
      jobs.push_back(ended(i, static_cast<int64_t>((i * 7919) % 5003) - 2000));
      jobs.back().rset = std::string(150, 'r');
    }
    commit(*j, batch_of(jobs));
    int64_t last = 1 << 20;
    int calls = 0;
    CHECK(!j->each_ended([&](const job_record& r) {
      CHECK(r.t_end_ns < last);
      last = r.t_end_ns;
      CHECK(r.events.size() == 2);
      return ++calls > 0;
    }));
    CHECK(calls == 5000);
    CHECK(all_ids(*j).size() == 5000);
    calls = 0;
    CHECK(!j->each_ended([&](const job_record&) { return ++calls < 10; }));
    CHECK(calls == 10);
    CHECK(!j->each_job(false, [&](const job_record&) { return ++calls < 20; }));
    CHECK(calls == 20);
  }

  TEST_CASE("who has read all of a long history keeps little of the file in memory") {
    temp_dir d;
    auto j = open(d);
    for (uint64_t id = 1; id <= 40'000;) {
      std::vector<job_record> jobs;
      for (auto end = id + 4000; id < end; ++id) {
        jobs.push_back(ended(id, static_cast<int64_t>(id)));
        jobs.back().extra = std::string(1000, 'x');
      }
      commit(*j, batch_of(jobs));
    }
    CHECK(j->bytes_used() > 40'000'000);
    CHECK(all_ids(*j).size() == 40'000);
    CHECK(mapped_kb(d / "state/data.mdb") < 20'000);
    CHECK(ended_ids(*j).size() == 40'000);
    CHECK(mapped_kb(d / "state/data.mdb") < 20'000);
  }

  TEST_CASE("the oldest ended jobs are found by count and by age") {
    temp_dir dir;
    auto j = open(dir);
    auto spec = hash_of_spec("{}");
    journal_batch b;
    b.specs.emplace_back(spec, "{}");
    b.jobs = {ended(1, 30, spec), ended(2, 10, spec), ended(3, 20, spec), live(4, spec)};
    commit(*j, b);
    constexpr auto any = std::numeric_limits<int64_t>::max();
    CHECK(*j->oldest_ended(2, any) == std::vector<job_id>{{2}, {3}});
    CHECK(*j->oldest_ended(9, any) == std::vector<job_id>{{2}, {3}, {1}});
    CHECK(*j->oldest_ended(9, 20) == std::vector<job_id>{{2}});
    CHECK(j->oldest_ended(0, any)->empty());
    CHECK(*j->erase_jobs({{2}}) == 1);
    CHECK(*j->oldest_ended(1, any) == std::vector<job_id>{{3}});
  }

  TEST_CASE("the first sequence of a job is found in its batch and kept at its end") {
    temp_dir d;
    auto j = open(d);
    commit(*j, batch_of(events(10)));
    auto b = batch_of(std::vector{event(5, event_kind::submit), event(5, event_kind::validate),
                                  event(3, event_kind::submit)});
    b.jobs = {live(3), live(5), live(6)};
    b.jobs[2].first_sequence = 4; // given by the caller
    commit(*j, b);
    CHECK(j->job({5})->first_sequence == 11);
    CHECK(j->job({3})->first_sequence == 13);
    CHECK(*j->restart_sequence() == 4);
    commit(*j, batch_of(std::vector{ended(6), ended(5)}));
    CHECK(j->job({6})->first_sequence == 4);
    CHECK(j->job({5})->first_sequence == 11);
    CHECK(*j->restart_sequence() == 13);
    commit(*j, batch_of(std::vector{ended(3)}));
    CHECK(*j->restart_sequence() == 14);
    commit(*j, batch_of(std::vector{live(8)})); // nobody knows where it began
    CHECK(*j->restart_sequence() == 1);
  }

  TEST_CASE("trimming takes whole chunks, and never what a live job needs") {
    temp_dir d;
    auto j = open(d);
    for (int i = 0; i < 10; ++i)
      commit(*j, batch_of(events(10)));
    CHECK(*j->trim_log(1) == 0);
    CHECK(*j->trim_log(26) == 20); // chunks 1-10 and 11-20; 21-30 is still needed
    CHECK(j->first_sequence() == 21);
    CHECK(sequences(*j, 1).front() == 21);
    auto b = batch_of(std::vector{event(5, event_kind::submit)});
    b.jobs = {live(5)};
    commit(*j, b);
    commit(*j, batch_of(events(10)));
    CHECK(*j->trim_log(1000) == 80);
    CHECK(j->first_sequence() == 101);
    CHECK(sequences(*j, 1).size() == 11);
    commit(*j, batch_of(std::vector{ended(5)}));
    CHECK(*j->trim_log(1000) == 11);
    CHECK(sequences(*j, 1).empty());
    CHECK(j->first_sequence() == 112);
    j.reset();
    journal_findings found;
    j = open(d, &found);
    CHECK(found.events_dropped == 0); // trimmed is not lost
    CHECK(j->first_sequence() == 112);
    CHECK(commit(*j, batch_of(events(2))) == 112); // numbers go on
    CHECK(sequences(*j, 1) == numbers{112, 113});
  }

  TEST_CASE("a spec lives as long as a record names it") {
    temp_dir d;
    auto j = open(d);
    const auto one = hash_of_spec("one"), two = hash_of_spec("two"), none = hash_of_spec("none");
    journal_batch b;
    b.specs = {{one, "one"}, {two, "two"}, {none, "none"}, {one, "one"}};
    b.jobs = {live(1, one), live(2, one), live(3, two)};
    commit(*j, b);
    commit(*j, batch_of(std::vector{live(4, one)}));
    commit(*j,
           batch_of(std::vector{ended(1, 5, one), ended(3, 6, two)})); // same names: same counts
    CHECK(*j->erase_jobs({{1}, {2}, {77}}) == 2);
    CHECK(j->has_spec(one));
    CHECK(*j->erase_jobs({{3}}) == 1);
    CHECK(!j->has_spec(two));
    CHECK(code_of(j->spec(two).error()) == ec::unknown_key);
    commit(*j, batch_of(std::vector{ended(4, 7, none)})); // changed its spec
    CHECK(!j->has_spec(one));
    CHECK(*j->erase_jobs({{4}, {4}}) == 1);
    CHECK(!j->has_spec(none));
    CHECK(all_ids(*j).empty());
    CHECK(ended_ids(*j).empty());
    b.jobs = {live(1, one)};
    commit(*j, b);
    CHECK(*j->spec(one) == "one");
  }

  TEST_CASE("a spec keeps what it links to for as long as it lives") {
    temp_dir d;
    auto j = open(d);
    const auto shared = hash_of_spec("shared"), own = hash_of_spec("own");
    const auto text = [](const char* name, const spec_hash& link) {
      return name + link_to_spec(link);
    };
    const auto a = text("a", shared), b = text("b", shared), c = text("c", own);
    CHECK(linked_spec(a) == shared);
    CHECK(linked_spec(a + " ") == spec_hash{});
    CHECK(linked_spec("env:") == spec_hash{});
    const auto keep = [&](const std::string& spec, const char* linked, job_id id) {
      journal_batch batch;
      batch.specs = {{hash_of_spec(spec), spec}, {hash_of_spec(linked), linked}};
      batch.jobs = {live(id.value, hash_of_spec(spec))};
      commit(*j, batch);
    };
    keep(a, "shared", {1});
    keep(a, "shared", {2});
    keep(b, "shared", {3});
    keep(c, "own", {4});
    commit(*j, batch_of(std::vector{ended(1, 5, hash_of_spec(a))}));
    CHECK(*j->erase_jobs({{1}, {2}}) == 2);
    CHECK(!j->has_spec(hash_of_spec(a)));
    CHECK(j->has_spec(shared));
    keep(b, "shared", {4}); // changed its spec, and with it its link
    CHECK(!j->has_spec(own));
    CHECK(*j->erase_jobs({{3}}) == 1);
    CHECK(j->has_spec(shared));
    CHECK(*j->erase_jobs({{4}}) == 1);
    CHECK(!j->has_spec(shared));
    keep(a, "shared", {1});
    CHECK(j->has_spec(shared));
  }

  TEST_CASE(
      "a record with a spec that is not stored is refused, and nothing of its batch is kept") {
    temp_dir d;
    auto j = open(d);
    auto b = batch_of(events(3));
    b.jobs = {live(1, {1, 2})};
    b.meta = {{"k", "v"}};
    CHECK(code_of(j->commit(b).error()) == ec::unknown_key);
    CHECK(j->next_sequence() == 1);
    CHECK(all_ids(*j).empty());
    CHECK(!j->meta("k"));
    CHECK(sequences(*j, 0).empty());
    CHECK(commit(*j, batch_of(events(3))) == 1);
  }

  TEST_CASE("reserved and impossible names of meta are refused") {
    temp_dir d;
    auto j = open(d);
    for (const auto& name : {std::string{}, std::string{".next"}, std::string(501, 'x')}) {
      journal_batch b;
      b.meta = {{name, "v"}};
      CHECK(code_of(j->commit(b).error()) == ec::bad_argument);
      CHECK(code_of(j->meta(name).error()) == ec::unknown_key);
    }
    CHECK(code_of(j->meta(std::string(600, 'x')).error()) == ec::unknown_key);
  }

  TEST_CASE("blobs are kept with how often they are named, until it is no more") {
    temp_dir d;
    const std::string one(33, '1'), two(33, '2');
    {
      auto j = open(d);
      journal_batch b;
      b.blobs = {{one, "first", 1}, {two, "second", 3}};
      b.meta = {{"kvs/a", "A"}, {"kvs/b", "B"}, {"kw", "x"}};
      commit(*j, b);
      CHECK(code_of(j->blob(std::string(33, '3')).error()) == ec::unknown_key);
    }
    auto j = open(d);
    CHECK(*j->blob(one) == "first");
    CHECK(*j->blob_references(one) == 1);
    CHECK(*j->blob_references(two) == 3);
    CHECK(*j->blob_references(std::string(33, '3')) == 0);
    using pairs = std::vector<std::pair<std::string, std::string>>;
    CHECK(*j->meta_with("kvs/") == pairs{{"kvs/a", "A"}, {"kvs/b", "B"}});
    journal_batch b;
    b.blobs = {{one, {}, 2}, {two, {}, 1}};
    b.meta = {{"kvs/a", ""}, {"none", ""}};
    commit(*j, b);
    CHECK(*j->blob_references(one) == 2);
    CHECK(*j->blob_references(two) == 1);
    CHECK(*j->blob(two) == "second");
    CHECK(*j->meta_with("kvs/") == pairs{{"kvs/b", "B"}});
    b = {};
    b.blobs = {{one, {}, 0}, {two, {}, 0}};
    commit(*j, b);
    CHECK(code_of(j->blob(one).error()) == ec::unknown_key);
    CHECK(*j->blob_references(one) == 0);
  }

  TEST_CASE("large values are kept: a jobspec of 5 MB, an event of 1 MB") {
    temp_dir d;
    auto j = open(d);
    const std::string spec(5u << 20, 's');
    journal_batch b;
    b.specs = {{hash_of_spec(spec), spec}};
    b.events = {event(1, event_kind::memo, 5, std::string(1u << 20, 'e'))};
    commit(*j, b);
    CHECK(*j->spec(hash_of_spec(spec)) == spec);
    CHECK(!j->read_log(1, [&](uint64_t, const job_event& e) { return e == b.events[0]; }));
    CHECK(j->bytes_used() > (6u << 20));
  }

  TEST_CASE("a callback may commit while it reads") {
    temp_dir d;
    auto j = open(d);
    commit(*j, batch_of(events(50)));
    uint64_t seen = 0;
    CHECK(!j->read_log(1, [&](uint64_t, const job_event& e) {
      commit(*j, batch_of({e}));
      return ++seen > 0;
    }));
    CHECK(seen == 50);
    CHECK(j->next_sequence() == 101);
  }

  TEST_CASE("the map grows up to its bound, then the disk counts as full; erasing makes room") {
    temp_dir d;
    auto o = options_in(d / "state");
    o.map_bytes_max = 8u << 20;
    auto j = open(o);
    uint64_t commits = 0;
    std::vector<job_record> jobs;
    for (uint64_t n = 1; n <= 1000; ++n) {
      jobs.push_back(ended(n));
      jobs.back().rset = std::string(1000, 'r');
    }
    std::vector<job_id> kept;
    for (;; ++commits) {
      for (auto& r : jobs)
        r.id.value += 1000;
      auto seq = j->commit(batch_of(jobs));
      if (!seq) {
        CHECK(code_of(seq.error()) == ec::disk_full);
        CHECK(context_of(seq.error()).find("8 MiB") != std::string::npos);
        break;
      }
      for (const auto& r : jobs)
        kept.push_back(r.id);
    }
    CHECK(commits >= 3);
    CHECK(j->ended_count() == kept.size());
    kept.resize(2000);
    CHECK(*j->erase_jobs(kept) == 2000);
    CHECK(j->commit(batch_of(jobs)));
  }

  TEST_CASE("ended jobs are found by their labels, in the order in which they were submitted") {
    temp_dir d;
    auto j = open(d);
    auto ended = [](uint64_t id, uint64_t label, int64_t t_submit_ns) {
      job_record r;
      r.id = {id};
      r.ended = true;
      r.t_end_ns = t_submit_ns + 1000;
      r.label = label;
      r.events = {event(id, event_kind::submit, t_submit_ns)};
      return r;
    };
    auto found = [&](uint64_t label, labelled_job from = {INT64_MIN, {}}, size_t max = 100) {
      auto some = j->labelled(label, from, max);
      REQUIRE(some);
      numbers result;
      for (auto& job : *some)
        result.push_back(job.id.value);
      return result;
    };
    job_record live;
    live.id = {8};
    live.label = 7;
    journal_batch b;
    b.jobs = {ended(1, 7, 50),
              ended(2, 7, 40),
              ended(3, 8, 45),
              ended(4, 7, 50),
              ended(5, 7, -5),
              ended(6, 0, 50),
              live};
    commit(*j, b);
    CHECK(found(7) == numbers{5, 2, 1, 4});
    CHECK(found(8) == numbers{3});
    CHECK(found(9).empty());
    CHECK(found(7, {41, {}}) == numbers{1, 4});
    CHECK(found(7, {50, {2}}) == numbers{4});
    CHECK(found(7, {INT64_MIN, {}}, 2) == numbers{5, 2});
    CHECK(**j->last_labelled(7) == labelled_job{50, {4}});
    CHECK(**j->last_labelled(8) == labelled_job{45, {3}});
    CHECK_FALSE(j->last_labelled(9)->has_value());
    CHECK_FALSE(j->last_labelled(6)->has_value());
    journal_batch again; // a record that is written anew leaves nothing behind
    again.jobs = {ended(4, 8, 60)};
    commit(*j, again);
    REQUIRE(j->erase_jobs({{2}, {6}}));
    CHECK(found(7) == numbers{5, 1});
    CHECK(found(8) == numbers{3, 4});
    j.reset();
    j = open(d);
    CHECK(found(7) == numbers{5, 1});
    CHECK(j->job({1})->label == 7);
  }

} // TEST_SUITE
