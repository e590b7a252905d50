// Who is told of which end, by the rule of job_ends.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "actors/job_ends.hpp"
#include "runtime/limits.hpp"

using namespace hactor;

namespace {

const waiter_key ann{{}, 1}, ben{{}, 2}, cat{{}, 3};

using told = std::vector<uint64_t>;

struct bench {
  job_ends ends;

  void end(uint64_t id) { ends.add({job_id{id}, job_result::completed, 0, {}}); }
  /// What is told to one who waits already; nothing: it waits on.
  told hear(const waiter_key& who) {
    told result;
    if (ends.has(who))
      for (auto& e : ends.take(who))
        result.push_back(e.id.value);
    return result;
  }
  /// What is told to one who begins to wait now.
  told ask(const waiter_key& who, bool all = false) {
    ends.wait(who, all);
    return hear(who);
  }
};

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("each of those who wait is told of an end that comes, and nobody later") {
    bench b;
    for (auto& who : {ann, ben})
      CHECK(b.ask(who).empty());
    b.end(7);
    CHECK(b.hear(ann) == told{7});
    CHECK(b.hear(ben) == told{7});
    CHECK(b.ask(cat).empty());
  }

  TEST_CASE("what came while nobody waited is told to the first who asks, in its order") {
    bench b;
    for (uint64_t id : {3, 1, 2})
      b.end(id);
    CHECK(b.ask(ann) == told{3});
    CHECK(b.ask(ben, true) == told{1, 2});
    CHECK(b.ask(cat).empty());
  }

  TEST_CASE("who waits again and again hears each end once, also what came between") {
    bench b;
    b.ends.wait(ann, false);
    b.ends.wait(ben, false);
    b.end(1);
    CHECK(b.hear(ann) == told{1}); // and is busy with it
    CHECK(b.hear(ben) == told{1});
    b.ends.wait(ben, false);
    b.end(2);
    CHECK(b.hear(ben) == told{2});
    b.end(3);
    CHECK(b.ask(ben) == told{3});
    CHECK(b.ask(ann) == told{2});
    CHECK(b.ask(ann) == told{3});
    CHECK(b.ask(ann).empty());
    CHECK(b.ask(cat).empty()); // all was told before it came
  }

  TEST_CASE("who waits for all hears all that came since, whoever took them one by one") {
    bench b;
    b.end(1);
    b.ends.wait(ann, true);
    for (uint64_t id : {2, 3}) {
      b.end(id);
      CHECK(b.ask(ben) == told{id - 1});
    }
    CHECK(b.ask(ben) == told{3});
    CHECK(b.hear(ann) == told{1, 2, 3});
    b.end(4);
    CHECK(b.ask(ben) == told{4});
    CHECK(b.ask(ann, true).empty()); // it has had all it waited for, and began anew
  }

  TEST_CASE("who has heard that none is left begins anew") {
    bench b;
    b.end(1);
    CHECK(b.ask(ann) == told{1});
    b.ends.wait(ann, false);
    b.ends.refuse(ann);
    b.end(2);
    CHECK(b.ask(ben) == told{2});
    CHECK(b.ask(ann).empty());
  }

  TEST_CASE("what was waited for by its id is told to those only who waited then") {
    bench b;
    b.ends.wait(ann, true);
    b.end(1);
    b.ends.on_waited_for({1});
    b.end(2);
    CHECK(b.ask(ben) == told{2});
    CHECK(b.hear(ann) == told{1, 2});
  }

  TEST_CASE("who did not hear what it was told is as if it had not asked") {
    bench b;
    b.end(1);
    CHECK(b.ask(ann) == told{1});
    b.ends.wait(ann, false);
    b.ends.wait(ben, false);
    b.end(2);
    CHECK(b.hear(ann) == told{2});
    CHECK(b.hear(ben) == told{2});
    b.ends.withdraw(ann); // its process was killed meanwhile
    b.ends.put_back({{job_id{2}, job_result::completed, 0, {}}});
    CHECK(b.ask(cat).empty()); // one has heard it
    CHECK(b.ask(ann) == told{2});
    b.end(3);
    CHECK(b.hear(cat) == told{3});
    b.ends.withdraw(cat);
    b.ends.put_back({{job_id{3}, job_result::completed, 0, {}}});
    b.ends.put_back({{job_id{3}, job_result::completed, 0, {}}}); // told to nobody: no effect
    CHECK(b.ask(cat) == told{3});
  }

  TEST_CASE("what is kept is bounded, and the oldest goes first") {
    bench b;
    b.end(1);
    CHECK(b.ask(ann) == told{1});
    uint64_t id = 2;
    for (; id < 2 + 3 * told_ends_kept; ++id) {
      b.end(id);
      CHECK(b.ask(ben) == told{id});
    }
    auto first = b.ask(ann); // it comes back very late
    REQUIRE(first.size() == 1);
    CHECK(first[0] > 2);
    CHECK(first[0] <= id - told_ends_kept);
    // Whoever waits for all misses none.
    b.ends.wait(cat, true);
    auto since = id;
    for (; id < since + 3 * told_ends_kept; ++id) {
      b.end(id);
      CHECK(b.ask(ben) == told{id});
    }
    CHECK(b.hear(cat).size() == 3 * told_ends_kept);
    // What nobody was told of is kept longer.
    since = id;
    for (; id <= since + limits::unwaited_jobs_max; ++id)
      b.end(id);
    auto rest = b.ask(cat, true);
    REQUIRE(rest.size() == limits::unwaited_jobs_max);
    CHECK(rest[0] == since + 1);
  }

  TEST_CASE("of very many waiters the one that asked longest ago is a stranger again") {
    bench b;
    b.end(1);
    CHECK(b.ask(ann) == told{1});
    b.end(2);
    CHECK(b.ask(ben) == told{2});
    for (uint64_t i = 0; i < known_waiters_max; ++i) {
      b.end(10 + i);
      CHECK(b.ask({{}, 10 + i}) == told{10 + i});
    }
    CHECK(b.ask(ann).empty());
  }
}
