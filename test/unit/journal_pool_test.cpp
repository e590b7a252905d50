// Journals that share files: each sees its own only, and leaves nothing behind.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include <filesystem>

#include "runtime/limits.hpp"
#include "store/journal_pool.hpp"
#include "store_builders.hpp"
#include "temp_dir.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

std::shared_ptr<journal> open(journal_pool& pool, const std::string& name) {
  auto j = pool.open(name);
  REQUIRE_MESSAGE(j, render(j.error()));
  return *j;
}

void commit_event(journal& j, uint64_t id) {
  journal_batch b;
  job_event e;
  e.id = {id};
  e.kind = event_kind::submit;
  e.after = job_state::depend;
  b.events.push_back(e);
  auto seq = j.commit(b);
  REQUIRE_MESSAGE(seq, render(seq.error()));
}

std::vector<uint64_t> jobs_in_log(const journal& j) {
  std::vector<uint64_t> ids;
  CHECK(!j.read_log(0, [&](uint64_t, const job_event& e) {
    ids.push_back(e.id.value);
    return true;
  }));
  return ids;
}

size_t files_in(const std::string& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator{folder}, {}));
}

} // namespace

TEST_SUITE("journal_pool") {
  TEST_CASE("each journal has its own numbers and events") {
    temp_dir d;
    journal_pool pool{d / "pool", "test"};
    auto a = open(pool, "a"), b = open(pool, "b");
    for (uint64_t i = 1; i <= 3; ++i)
      commit_event(*a, i);
    commit_event(*b, 9);
    CHECK(jobs_in_log(*a) == std::vector<uint64_t>{1, 2, 3});
    CHECK(jobs_in_log(*b) == std::vector<uint64_t>{9});
    CHECK(a->next_sequence() == 4);
    CHECK(b->next_sequence() == 2);
    CHECK(files_in(d / "pool") == 1);
  }

  TEST_CASE("one that has the name of another, which is about to close, is its own") {
    temp_dir d;
    journal_pool pool{d / "pool", "test"};
    auto before = open(pool, "job");
    commit_event(*before, 1);
    auto after = open(pool, "job");
    CHECK(jobs_in_log(*after).empty());
    before.reset();
    commit_event(*after, 2);
    CHECK(jobs_in_log(*after) == std::vector<uint64_t>{2});
  }

  TEST_CASE("what ended leaves no state and its place is used again") {
    temp_dir d;
    journal_pool pool{d / "pool", "test"};
    auto stays = open(pool, "stays");
    commit_event(*stays, 5);
    for (uint64_t round = 0; round < 3 * limits::nested_journals_per_file; ++round) {
      auto j = open(pool, "again");
      CHECK(jobs_in_log(*j).empty());
      commit_event(*j, round);
      CHECK(jobs_in_log(*j) == std::vector<uint64_t>{round});
    }
    CHECK(jobs_in_log(*stays) == std::vector<uint64_t>{5});
    CHECK(files_in(d / "pool") == 1);
  }

  TEST_CASE("more than one file holds are in several") {
    temp_dir d;
    journal_pool pool{d / "pool", "test"};
    std::vector<std::shared_ptr<journal>> all;
    const size_t count = 2 * limits::nested_journals_per_file + 1;
    for (size_t i = 0; i < count; ++i) {
      all.push_back(open(pool, std::to_string(i)));
      commit_event(*all.back(), i + 1);
    }
    CHECK(files_in(d / "pool") == 3);
    for (size_t i = 0; i < count; ++i)
      CHECK(jobs_in_log(*all[i]) == std::vector<uint64_t>{i + 1});
  }
}
