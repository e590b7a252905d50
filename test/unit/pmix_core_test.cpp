// actors/pmix_core, actors/pmix_protocol: a broker's part in the PMIx of one job.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/pmix_core.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "actors/framed_words.hpp"

using namespace hactor;

namespace {

using effects = pmix_core::effects;

/// Ranks 0 and 1 are on broker 0, which is ours, 2 and 3 on broker 1.
pmix_core make() {
  pmix_job job{"hactor-x-1", {"a", "b"}, {0, 0, 1, 1}, {0, 1}, "/tmp/job"};
  return {job_id{1}, {mpi_world::whole, 0, 4}, job, {0, 0, 1, 1}, 0};
}

pmix_word word(pmix_kind kind, uint64_t id = 0, uint32_t rank = 0, std::string bytes = {}) {
  return {kind, "hactor-x-1", id, rank, 0, std::move(bytes)};
}

effects on(pmix_core& p, const pmix_word& w) {
  effects e;
  p.on_word(w, e);
  return e;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("words that are cut anywhere are read as they were") {
    auto frames = frame_of(word(pmix_kind::fence, 7, 3, std::string("a\0b", 3)))
                  + frame_of(word(pmix_kind::forget));
    framed_reader<pmix_word> reader;
    std::vector<pmix_word> found;
    for (auto c : frames) {
      reader.add({&c, 1});
      while (auto w = reader.next())
        found.push_back(*w);
    }
    CHECK_FALSE(reader.broken());
    REQUIRE(found.size() == 2);
    CHECK(found[0].kind == pmix_kind::fence);
    CHECK(found[0].space == "hactor-x-1");
    CHECK(found[0].id == 7);
    CHECK(found[0].rank == 3);
    CHECK(found[0].bytes == std::string("a\0b", 3));
    CHECK(found[1].kind == pmix_kind::forget);
  }

  TEST_CASE("a server that asks for a job is told all of it") {
    auto p = make();
    CHECK_FALSE(p.is_known());
    auto e = on(p, word(pmix_kind::lookup));
    REQUIRE(e.words.size() == 1);
    CHECK(e.words[0].kind == pmix_kind::job);
    auto job = unpack<pmix_job>(e.words[0].bytes);
    REQUIRE(job);
    CHECK(job->hosts == std::vector<std::string>{"a", "b"});
    CHECK(job->places == std::vector<uint32_t>{0, 0, 1, 1});
    CHECK(job->ranks == std::vector<uint32_t>{0, 1});
    CHECK(p.is_known());
  }

  TEST_CASE("a rank is inside from its begin to its end, and both are answered") {
    auto p = make();
    auto e = on(p, word(pmix_kind::connected, 1, 1));
    REQUIRE(e.words.size() == 1);
    CHECK(e.words[0].kind == pmix_kind::answer);
    CHECK(e.words[0].id == 1);
    CHECK(p.is_inside(1));
    CHECK_FALSE(p.is_inside(0));
    CHECK(on(p, word(pmix_kind::dropped, 0, 1)).dropped == 1);
    e = on(p, word(pmix_kind::finalized, 2, 1));
    REQUIRE(e.words.size() == 1);
    CHECK(e.words[0].id == 2);
    CHECK_FALSE(p.is_inside(1));
    CHECK_FALSE(on(p, word(pmix_kind::dropped, 0, 1)).dropped);
  }

  TEST_CASE("MPI_Abort ends the job with its code, and is named") {
    auto p = make();
    auto w = word(pmix_kind::aborted, 5, 1);
    w.status = 7;
    auto e = on(p, w);
    CHECK(e.failure == "rank 1 called MPI_Abort with code 7");
    CHECK(e.exit_code == 7);
    REQUIRE(e.words.size() == 1);
    CHECK(e.words[0].kind == pmix_kind::answer);
  }

  TEST_CASE("fences are exchanged one after the other") {
    auto p = make();
    auto e = on(p, word(pmix_kind::fence, 1, 0, "first"));
    CHECK(e.part == "first");
    CHECK(p.in_exchange());
    CHECK_FALSE(on(p, word(pmix_kind::fence, 2, 0, "second")).part);
    e = {};
    p.on_exchange("first and theirs", e);
    REQUIRE(e.words.size() == 1);
    CHECK(e.words[0].kind == pmix_kind::fenced);
    CHECK(e.words[0].id == 1);
    CHECK(e.words[0].bytes == "first and theirs");
    CHECK(e.part == "second");
    e = {};
    p.on_exchange("second and theirs", e);
    REQUIRE(e.words.size() == 1);
    CHECK(e.words[0].id == 2);
    CHECK_FALSE(e.part);
    CHECK_FALSE(p.in_exchange());
  }

  TEST_CASE("what a rank of another broker has put is asked of that broker") {
    auto p = make();
    auto e = on(p, word(pmix_kind::fetch, 9, 3));
    CHECK(e.words.empty());
    REQUIRE(e.asks.size() == 1);
    CHECK(e.asks[0].task == 3);
    CHECK(e.asks[0].broker == 1);
    CHECK(e.asks[0].from == 0);
    e = {};
    p.on_reply({job_id{1}, 0, 9, 0, "put"}, e);
    REQUIRE(e.words.size() == 1);
    CHECK(e.words[0].kind == pmix_kind::value);
    CHECK(e.words[0].id == 9);
    CHECK(e.words[0].bytes == "put");
  }

  TEST_CASE("what only our server could know, or no rank, is not found") {
    for (uint32_t rank : {1u, 4u, 0xfffffffeu}) {
      auto p = make();
      auto e = on(p, word(pmix_kind::fetch, 9, rank));
      CHECK(e.asks.empty());
      REQUIRE(e.words.size() == 1);
      CHECK(e.words[0].kind == pmix_kind::value);
      CHECK(e.words[0].status == pmix_not_found);
    }
  }

  TEST_CASE("another broker's question waits until the server knows the job") {
    auto p = make();
    effects e;
    p.on_request({job_id{1}, 1, 0, 1, 42}, e);
    CHECK(e.words.empty());
    e = on(p, word(pmix_kind::lookup));
    REQUIRE(e.words.size() == 2);
    CHECK(e.words[1].kind == pmix_kind::asked);
    CHECK(e.words[1].rank == 1);
    e = on(p, word(pmix_kind::given, e.words[1].id, 1, "put"));
    REQUIRE(e.replies.size() == 1);
    CHECK(e.replies[0].to == 1);
    CHECK(e.replies[0].tag == 42);
    CHECK(e.replies[0].value == "put");
  }

  TEST_CASE("a server that dies takes the jobs whose ranks are inside with it") {
    auto p = make();
    on(p, word(pmix_kind::lookup));
    on(p, word(pmix_kind::connected, 1, 0));
    on(p, word(pmix_kind::fence, 2, 0, "mine"));
    auto e = on(p, word(pmix_kind::ended, 0, 0, "was ended by signal 9"));
    CHECK(e.failure == "the PMIx server of its MPI program was ended by signal 9");
    CHECK_FALSE(p.is_inside(0));
    CHECK_FALSE(p.is_known());
    e = {};
    p.on_exchange("of all", e); // comes too late for anybody
    CHECK(e.words.empty());
    auto idle = make();
    on(idle, word(pmix_kind::lookup));
    CHECK(on(idle, word(pmix_kind::ended)).failure.empty());
  }
}
