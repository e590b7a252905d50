// The event stream: ring, subscribers, credits, filters.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "actors/events_core.hpp"
#include "runtime/json.hpp"
#include "runtime/limits.hpp"
#include "store_builders.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

/// Plays the disk and the subscribers: keeps every event ever published.
struct reader : events_out {
  struct got {
    std::vector<uint64_t> seqs;
    std::vector<std::pair<uint64_t, uint64_t>> gaps; // last number, how many
    uint64_t next = 0;
    size_t chunks = 0;
    bool end = false;
  };

  void deliver(uint64_t subscriber, std::string lines, uint64_t next, bool end) override {
    auto& g = all[subscriber];
    CHECK_FALSE(g.end);
    std::string_view rest = lines;
    while (!rest.empty()) {
      auto line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(line.size() + 1);
      auto j = parse_json(line);
      REQUIRE(j);
      if ((*j)["name"] == "gap")
        g.gaps.emplace_back((*j)["seq"].get<uint64_t>(), (*j)["context"]["events"].get<uint64_t>());
      else
      g.seqs.push_back((*j)["seq"].get<uint64_t>());
    }
    g.next = next;
    g.end = end;
    ++g.chunks;
  }
  void fetch(uint64_t subscriber, uint64_t since) override {
    wanted.emplace_back(subscriber, since);
  }

  void publish(events_core& core, std::vector<job_event> e) {
    auto first = core.next_sequence();
    disk.insert(disk.end(), e.begin(), e.end());
    core.publish(first, std::move(e), *this);
  }
  /// Answers one fetch with at most `max` events from `oldest` on.
  void serve(events_core& core, size_t max = 1000) {
    REQUIRE_FALSE(wanted.empty());
    auto [key, since] = wanted.front();
    wanted.erase(wanted.begin());
    since = std::max(since, oldest);
    std::vector<job_event> list;
    for (auto i = since; i <= disk.size() && list.size() < max; ++i)
      list.push_back(disk[i - 1]);
    core.on_fetched(key, list.empty() ? 0 : since, list, *this);
  }

  std::map<uint64_t, got> all;
  std::vector<std::pair<uint64_t, uint64_t>> wanted;
  std::vector<job_event> disk; // event n is at n - 1
  uint64_t oldest = 1;
};

std::vector<uint64_t> numbers(uint64_t first, uint64_t last) {
  std::vector<uint64_t> r;
  for (; first <= last; ++first)
    r.push_back(first);
  return r;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("a subscriber sees what was before and what comes after, in order, without a gap") {
    events_core core;
    reader r;
    r.publish(core, events(5));
    core.subscribe(1, 0, false, true, {}, r);
    CHECK(r.all[1].seqs == numbers(1, 5));
    r.publish(core, events(2));
    CHECK(r.all[1].seqs == numbers(1, 7));
    CHECK(r.all[1].next == 8);
    CHECK(r.wanted.empty());
  }

  TEST_CASE("a subscription begins at the number that it names, or with the next event") {
    events_core core;
    reader r;
    r.publish(core, events(9));
    core.subscribe(1, 4, false, true, {}, r);
    core.subscribe(2, 4, true, true, {}, r);
    core.subscribe(3, 50, false, true, {}, r);
    CHECK(r.all[1].seqs == numbers(4, 9));
    CHECK(r.all[2].seqs.empty());
    r.publish(core, events(1));
    CHECK(r.all[2].seqs == numbers(10, 10));
    CHECK(r.all[3].seqs.empty());
    r.publish(core, events(45));
    CHECK(r.all[3].seqs == numbers(50, 55));
  }

  TEST_CASE("filters by job and by kind let only that pass, and cost no credit for the rest") {
    event_filter f;
    CHECK(f.passes(event(1, event_kind::alloc)));
    f.kinds = uint64_t{1} << static_cast<unsigned>(event_kind::alloc);
    CHECK(f.passes(event(1, event_kind::alloc)));
    CHECK_FALSE(f.passes(event(1, event_kind::start)));
    f.ids = {job_id{2}};
    CHECK_FALSE(f.passes(event(1, event_kind::alloc)));
    CHECK(f.passes(event(2, event_kind::alloc)));
    events_core core;
    reader r;
    core.subscribe(1, 0, false, true, f, r);
    for (int i = 0; i < 20; ++i)
      r.publish(core, {event(1, event_kind::alloc), event(2, event_kind::start)});
    CHECK(r.all[1].chunks == 0);
    r.publish(core, {event(2, event_kind::alloc)});
    CHECK(r.all[1].seqs == numbers(41, 41));
  }

  TEST_CASE("who wants events that are no longer kept is told how many are missing") {
    for (uint64_t oldest : {51, 101}) {
      events_core core{101};
      reader r;
      r.disk = events(100);
      r.oldest = oldest;
      core.subscribe(1, 10, false, true, {}, r);
      core.subscribe(2, 0, false, true, {}, r); // from the oldest: nothing is missing
      r.serve(core);
      r.serve(core);
      r.publish(core, events(1));
      using gap = std::pair<uint64_t, uint64_t>;
      CHECK(r.all[1].gaps == std::vector<gap>{{oldest - 1, oldest - 10}});
      CHECK(r.all[1].seqs == numbers(oldest, 101));
      CHECK(r.all[2].gaps.empty());
      CHECK(r.all[2].seqs == numbers(oldest, 101));
    }
  }

  TEST_CASE("a reader that gives no credit gets two chunks, and the rest once it does") {
    events_core core;
    reader r;
    core.subscribe(1, 0, false, true, {}, r);
    for (int i = 0; i < 5; ++i)
      r.publish(core, events(1));
    CHECK(r.all[1].seqs == numbers(1, 2));
    core.credit(1, r);
    CHECK(r.all[1].seqs == numbers(1, 5)); // what waited comes as one chunk
    CHECK(r.all[1].chunks == 3);
    core.credit(9, r); // nobody
  }

  TEST_CASE("a long history comes in chunks of bounded size") {
    events_core core;
    reader r;
    std::vector<job_event> many;
    for (int i = 0; i < 2000; ++i)
      many.push_back(event(1, event_kind::memo, 5, "{\"x\":\"" + std::string(1000, 'y') + "\"}"));
    r.publish(core, many);
    core.subscribe(1, 0, false, false, {}, r);
    CHECK(r.all[1].chunks == 2);
    CHECK(r.all[1].seqs.size() < 1000);
    for (int i = 0; i < 20 && !r.all[1].end; ++i)
      core.credit(1, r);
    CHECK(r.all[1].end);
    CHECK(r.all[1].seqs == numbers(1, 2000));
    CHECK(core.subscribers() == 0);
  }

  TEST_CASE("without follow the stream ends after what exists, also when nothing does") {
    events_core core;
    reader r;
    core.subscribe(1, 0, false, false, {}, r);
    CHECK(r.all[1].end);
    r.publish(core, events(3));
    core.subscribe(2, 0, false, false, {}, r);
    CHECK(r.all[2].end);
    CHECK(r.all[2].seqs == numbers(1, 3));
    CHECK(r.all[2].next == 4);
    CHECK(core.subscribers() == 0);
  }

  TEST_CASE("who falls out of the ring is served from disk, then from the ring again") {
    events_core core;
    reader r;
    core.subscribe(1, 0, false, true, {}, r);
    r.publish(core, events(10));
    r.publish(core, events(10));
    auto bulk = 4 * limits::event_ring_events_max;
    for (uint32_t sent = 0; sent < bulk + 5000; sent += 5000)
      r.publish(core, events(5000));
    CHECK(r.all[1].seqs == numbers(1, 20));
    for (int i = 0; i < 1000 && r.all[1].seqs.size() < r.disk.size(); ++i) {
      core.credit(1, r);
      while (!r.wanted.empty())
        r.serve(core, 700);
    }
    CHECK(r.all[1].seqs == numbers(1, r.disk.size()));
  }

  TEST_CASE("the ring is longer for who is a little behind, and short when he has caught up") {
    events_core core;
    reader r;
    core.subscribe(1, 0, false, true, {}, r);
    r.publish(core, events(10));
    r.publish(core, events(10));
    auto bulk = limits::event_ring_events_max;
    for (uint32_t sent = 0; sent < 2 * bulk; sent += 5000)
      r.publish(core, events(5000));
    for (int i = 0; i < 1000 && r.all[1].seqs.size() < r.disk.size(); ++i)
      core.credit(1, r);
    CHECK(r.all[1].seqs == numbers(1, r.disk.size()));
    CHECK(r.wanted.empty());
    core.subscribe(2, 1, false, true, {}, r); // the old ones are on disk only
    CHECK(r.wanted.size() == 1);
  }

  TEST_CASE("the ring is short when who was a little behind has gone") {
    events_core core;
    reader r;
    core.subscribe(1, 0, false, true, {}, r);
    auto all = 2 * limits::event_ring_events_max;
    for (uint32_t sent = 0; sent < all; sent += 5000)
      r.publish(core, events(5000));
    core.subscribe(2, 20'000, false, true, {}, r);
    CHECK(r.wanted.empty()); // they are in memory
    core.unsubscribe(2);
    core.unsubscribe(1);
    core.subscribe(3, 20'000, false, true, {}, r);
    CHECK(r.wanted.size() == 1);
  }

  TEST_CASE("events after which a job is in another state are left out when states are named") {
    events_core core;
    reader r;
    event_filter filter;
    filter.states = static_cast<uint32_t>(job_state::run);
    core.subscribe(1, 0, false, true, filter, r);
    auto some = events(3);
    some[0].after = job_state::sched;
    some[1].after = job_state::run;
    some[2].after = job_state::inactive;
    r.publish(core, some);
    CHECK(r.all[1].seqs == std::vector<uint64_t>{2});
  }

  TEST_CASE("while older events are fetched, newer ones wait") {
    events_core core{101};
    reader r;
    r.disk = events(100);
    core.subscribe(1, 0, false, true, {}, r);
    REQUIRE(r.wanted.size() == 1);
    r.publish(core, events(5));
    CHECK(r.all[1].chunks == 0);
    CHECK(r.wanted.size() == 1);
    r.serve(core, 60);
    r.serve(core, 60);
    core.credit(1, r);
    core.credit(1, r);
    CHECK(r.all[1].seqs == numbers(1, 105));
  }

  TEST_CASE("events that were trimmed away are passed over") {
    events_core core{101};
    reader r;
    r.disk = events(100);
    r.oldest = 1000; // nothing is left
    core.subscribe(1, 0, false, false, {}, r);
    r.serve(core);
    CHECK(r.all[1].end);
    CHECK(r.all[1].seqs.empty());
    r.oldest = 90;
    core.subscribe(2, 5, false, false, {}, r);
    r.serve(core);
    CHECK(r.all[2].seqs == numbers(90, 100));
    CHECK(r.all[2].end);
  }

  TEST_CASE("who has left gets nothing more, also not what was fetched for him") {
    events_core core{11};
    reader r;
    r.disk = events(10);
    core.subscribe(1, 0, false, true, {}, r);
    core.unsubscribe(1);
    core.unsubscribe(1);
    r.serve(core);
    r.publish(core, events(3));
    CHECK(r.all.empty());
    CHECK(core.subscribers() == 0);
  }

  TEST_CASE("random readers, credits and fetches: everyone sees each event of his filter once") {
    random_source rnd{99};
    for (int round = 0; round < 30; ++round) {
      auto kept = below(rnd, 50);
      events_core core{kept + 1};
      reader r;
      std::vector<event_filter> filters(4);
      filters[1].ids = {job_id{1}};
      filters[2].kinds = uint64_t{1} << static_cast<unsigned>(event_kind::start);
      auto some = [&](size_t n) {
        std::vector<job_event> list;
        for (; n > 0; --n)
          list.push_back(event(1 + below(rnd, 2),
                               below(rnd, 2) == 0 ? event_kind::start : event_kind::alloc));
        return list;
      };
      r.disk = some(kept);
      for (uint64_t key = 0; key < 4; ++key)
        core.subscribe(key, 0, false, true, filters[key], r);
      auto step = [&](int what) {
        if (what == 0)
          r.publish(core, some(1 + below(rnd, 4)));
        else if (what == 1)
          core.credit(below(rnd, 4), r);
        else if (!r.wanted.empty())
          r.serve(core, 1 + below(rnd, 20));
      };
      for (int i = 0; i < 200; ++i)
        step(static_cast<int>(below(rnd, 3)));
      for (int i = 0; i < 400; ++i) {
        core.credit(below(rnd, 4), r);
        step(2);
      }
      for (uint64_t key = 0; key < 4; ++key) {
        std::vector<uint64_t> expected;
        for (uint64_t n = 1; n <= r.disk.size(); ++n)
          if (filters[key].passes(r.disk[n - 1]))
            expected.push_back(n);
        CHECK(r.all[key].seqs == expected);
      }
    }
  }
}
