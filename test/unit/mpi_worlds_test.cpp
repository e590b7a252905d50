// actors/mpi_worlds, actors/mpi_world: the MPI_COMM_WORLDs of a job's tasks on one broker.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/mpi_worlds.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "actors/framed_words.hpp"

using namespace hactor;

namespace {

using effects = mpi_worlds::effects;

constexpr uint32_t sizes[] = {3, 4, 1};

/// Three programs with a world each, of 3, 4 and 1 tasks, on two brokers:
///
///   task    0 1 2 | 3 4 5 6 | 7
///   broker  0 0 0 | 0 1 1 1 | 1
shell_work work_of(rank_t broker) {
  shell_work work;
  work.size = 8;
  work.brokers = {0, 0, 0, 0, 1, 1, 1, 1};
  work.places = {0, 0, 0, 0, 1, 1, 1, 1};
  work.pmix = true;
  uint32_t first = 0;
  for (auto size : sizes) {
    work.worlds.push_back({static_cast<int32_t>(work.worlds.size()), first, size});
    first += size;
  }
  for (uint32_t task = 0; task < work.size; ++task)
    if (work.brokers[task] == broker) {
      shell_task t;
      t.task_rank = task;
      work.tasks.push_back(t);
    }
  return work;
}

shell_place place_of() {
  shell_place place{"local:///x", "/tmp/job", 0};
  place.brokers = 2;
  place.pmix = pmix_place{
      "hactor-0", std::make_shared<const std::vector<std::string>>(
                      std::vector<std::string>{"a", "b"})};
  return place;
}

mpi_worlds make(rank_t broker) { return {job_id{7}, broker, work_of(broker), place_of()}; }

effects say(mpi_worlds& w, uint32_t task, const std::string& line) {
  effects e;
  w.on_bytes(task, line + "\n", e);
  return e;
}

std::string reply(mpi_worlds& w, uint32_t task, const std::string& line) {
  auto e = say(w, task, line);
  REQUIRE(e.replies.size() == 1);
  CHECK(e.replies[0].first == task);
  return e.replies[0].second;
}

std::string space_of(int world) {
  return "hactor-0-" + to_string(job_id{7}) + "." + std::to_string(world);
}

effects on(mpi_worlds& w, pmix_kind kind, int world, uint64_t id, uint32_t rank,
           const std::string& bytes = {}) {
  effects e;
  w.on_word({kind, space_of(world), id, rank, 0, bytes}, e);
  return e;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("a job has one world, or one for each program that has tasks") {
    job_layout where;
    where.starts = {0, 3, 3, 7};
    where.ntasks = 8;
    auto one = worlds_of(where, false);
    REQUIRE(one.size() == 1);
    CHECK(one[0].number == mpi_world::whole);
    CHECK(one[0].size == 8);
    auto each = worlds_of(where, true);
    REQUIRE(each.size() == 3); // the second's slots were not granted
    CHECK(each[1].number == 2);
    CHECK(each[1].first == 3);
    CHECK(each[1].size == 4);
    for (auto [task, number] : {std::pair{0u, 0}, {2u, 0}, {3u, 2}, {6u, 2}, {7u, 3}})
      CHECK(world_of(each, task).number == number);
    CHECK(rank_text(each[1], 1) == "rank 1 of world 2 (task 4)");
    CHECK(rank_text(one[0], 4) == "rank 4");
    where.starts = {0};
    CHECK(worlds_of(where, true)[0].number == mpi_world::whole);
    where.starts = {0, 0, 8}; // of three kinds of slots, those of the second were granted
    one = worlds_of(where, true);
    REQUIRE(one.size() == 1);
    CHECK(one[0].number == mpi_world::whole);
    CHECK(one[0].size == 8);
  }

  TEST_CASE("each world has its size, its key-value space, and its map of hosts") {
    auto first = make(0);
    auto second = make(1);
    CHECK(reply(first, 0, "cmd=get_universe_size") == "cmd=universe_size size=3\n");
    CHECK(reply(first, 3, "cmd=get_universe_size") == "cmd=universe_size size=4\n");
    auto id = to_string(job_id{7});
    CHECK(reply(first, 3, "cmd=get_my_kvsname") == "cmd=my_kvsname kvsname=" + id + ".1\n");
    CHECK(reply(second, 3, "cmd=get_my_kvsname") == "cmd=my_kvsname kvsname=" + id + ".2\n");
    auto map = [&](mpi_worlds& w, uint32_t task, int world) {
      auto text = reply(w, task, "cmd=get kvsname=" + id + "." + std::to_string(world)
                                     + " key=PMI_process_mapping");
      return text.substr(text.find("value="));
    };
    CHECK(map(first, 0, 0) == "value=(vector,(0,1,3))\n");
    CHECK(map(first, 3, 1) == "value=(vector,(0,1,1),(1,1,3))\n");
    CHECK(map(second, 3, 2) == "value=(vector,(0,1,1))\n"); // its one host is its host 0
  }

  TEST_CASE("a barrier of a world that is here is over at once, and is nobody else's") {
    auto w = make(0);
    CHECK(say(w, 0, "cmd=put kvsname=" + to_string(job_id{7}) + ".0 key=a value=x").parts.empty());
    CHECK(say(w, 0, "cmd=barrier_in").replies.empty());
    CHECK(say(w, 1, "cmd=barrier_in").replies.empty());
    auto e = say(w, 2, "cmd=barrier_in");
    CHECK(e.parts.empty());
    REQUIRE(e.replies.size() == 3);
    for (uint32_t task = 0; task < 3; ++task)
      CHECK(e.replies[task] == std::pair<uint32_t, std::string>{task, "cmd=barrier_out\n"});
    CHECK(reply(w, 1, "cmd=get kvsname=" + to_string(job_id{7}) + ".0 key=a").find("value=x")
          != std::string::npos);
    auto alone = make(1);
    CHECK(reply(alone, 3, "cmd=barrier_in") == "cmd=barrier_out\n"); // a world of one task
  }

  TEST_CASE("a barrier of several brokers is exchanged among those of its world") {
    auto first = make(0);
    auto second = make(1);
    auto e = say(first, 3, "cmd=barrier_in");
    REQUIRE(e.parts.size() == 1);
    CHECK(e.parts[0].world == 1);
    CHECK(e.parts[0].from == 0);
    CHECK(e.parts[0].among == idset::range(0, 1));
    for (uint32_t task : {0, 1})
      CHECK(say(second, task, "cmd=barrier_in").parts.empty());
    e = say(second, 2, "cmd=barrier_in");
    REQUIRE(e.parts.size() == 1);
    CHECK(e.parts[0].world == 1);
    e = {};
    first.on_exchange({job_id{7}, "", 1}, e);
    REQUIRE(e.replies.size() == 1);
    CHECK(e.replies[0].first == 3);
    e = {};
    first.on_exchange({job_id{7}, "", 2}, e); // of tasks that are elsewhere
    CHECK(e.replies.empty());
  }

  TEST_CASE("to PMIx each world is a job of its own, with ranks from 0") {
    auto w = make(1);
    auto spaces = w.spaces();
    REQUIRE(spaces.size() == 2);
    CHECK(spaces[0] == std::pair{space_of(1), false});
    auto e = on(w, pmix_kind::lookup, 1, 3, 0);
    REQUIRE(e.words.size() == 1);
    auto job = unpack<pmix_job>(e.words[0].bytes);
    REQUIRE(job);
    CHECK(job->space == space_of(1));
    CHECK(job->hosts == std::vector<std::string>{"a", "b"});
    CHECK(job->places == std::vector<uint32_t>{0, 1, 1, 1});
    CHECK(job->ranks == std::vector<uint32_t>{1, 2, 3});
    CHECK(job->folder == "/tmp/job/.mpi.1");
    CHECK(w.spaces() == std::vector{std::pair{space_of(1), true}, std::pair{space_of(2), false}});
    // Their fences do not wait for each other; that of the one that is here for nobody.
    e = on(w, pmix_kind::fence, 1, 10, 0, "ours");
    REQUIRE(e.parts.size() == 1);
    CHECK(e.parts[0].world == 1);
    CHECK(e.parts[0].values == "ours");
    e = on(w, pmix_kind::fence, 2, 11, 0, "alone");
    CHECK(e.parts.empty());
    REQUIRE(e.words.size() == 1);
    CHECK(e.words[0].kind == pmix_kind::fenced);
    CHECK(e.words[0].id == 11);
    CHECK(e.words[0].bytes == "alone");
    e = {};
    w.on_exchange({job_id{7}, "all", 1}, e);
    REQUIRE(e.words.size() == 1);
    CHECK(e.words[0].id == 10);
    CHECK(e.words[0].space == space_of(1));
  }

  TEST_CASE("what a rank of another broker has put is asked for by its world and rank") {
    auto first = make(0);
    auto second = make(1);
    auto e = on(first, pmix_kind::fetch, 1, 9, 2);
    REQUIRE(e.asks.size() == 1);
    CHECK(e.asks[0].world == 1);
    CHECK(e.asks[0].task == 2);
    CHECK(e.asks[0].broker == 1);
    on(second, pmix_kind::lookup, 1, 1, 0);
    auto at = e.asks[0];
    e = {};
    second.on_request(at, e);
    REQUIRE(e.words.size() == 1);
    CHECK(e.words[0].kind == pmix_kind::asked);
    CHECK(e.words[0].space == space_of(1));
    CHECK(e.words[0].rank == 2);
    e = on(second, pmix_kind::given, 1, e.words[0].id, 2, "put");
    REQUIRE(e.answers.size() == 1);
    CHECK(e.answers[0].world == 1);
    auto answer = e.answers[0];
    e = {};
    first.on_reply(answer, e);
    REQUIRE(e.words.size() == 1);
    CHECK(e.words[0].id == 9);
    CHECK(e.words[0].bytes == "put");
  }

  TEST_CASE("who aborts, dies or goes is named by its world, its rank there, and its task") {
    auto w = make(1);
    auto e = say(w, 0, "cmd=abort exitcode=7");
    CHECK(e.failure == "rank 1 of world 1 (task 4) called MPI_Abort with code 7");
    CHECK(e.exit_code == 7);
    e = on(w, pmix_kind::aborted, 2, 1, 0);
    CHECK(e.failure == "rank 0 of world 2 (task 7) called MPI_Abort with code 0");
    CHECK_FALSE(w.is_inside(1));
    on(w, pmix_kind::connected, 1, 2, 2);
    CHECK(w.is_inside(1));
    CHECK_FALSE(w.is_inside(2));
    CHECK(on(w, pmix_kind::dropped, 1, 0, 2).dropped == 1);
    CHECK(w.rank_name(1) == "rank 2 of world 1 (task 5)");
    w.leave_pmix();
    CHECK_FALSE(w.is_inside(1));
    CHECK(w.spaces().empty());
  }

  TEST_CASE("tasks that do not meet have no world") {
    shell_work work = work_of(0);
    work.worlds.clear();
    mpi_worlds w{job_id{7}, 0, work, place_of()};
    CHECK(w.here().empty());
    CHECK_FALSE(w.is_inside(0));
    CHECK(w.spaces().empty());
  }

} // TEST_SUITE
