// KVS: answers when the journal has committed, goes on after it has not, and is there again after a
// restart.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "actors/journal.hpp"
#include "actors/kvs.hpp"
#include "fake_services.hpp"
#include "runtime/log.hpp"
#include "store/kvs_key.hpp"
#include "temp_dir.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

constexpr uint32_t owner = 1000;

std::shared_ptr<journal> open_journal(const temp_dir& d) {
  journal_options o;
  o.directory = d / "state";
  o.sync = false;
  auto opened = journal::open(o, nullptr);
  REQUIRE_MESSAGE(opened, render(opened.error()));
  return std::shared_ptr<journal>{std::move(*opened)};
}

/// The service over a journal on disk; with `real` through the actor that commits to it.
struct bench : actor_fixture {
  explicit bench(const temp_dir& d, bool real = true) : store{open_journal(d)} {
    log_level_max(log_level::emerg);
    writer = real ? spawn(journal_service, store, events_actor{}, broker_actor{}, retention{},
                          "journal")
                  : spawn(fake_journal, world);
    kvs = spawn(kvs_service, kvs_setup{store, writer, owner, "kvs"});
    reader = caf::actor_cast<caf::actor>(spawn(fake_connector, world));
  }
  auto put(const std::string& key, const std::string& value,
           const std::string& space = kvs_primary) {
    return ask<kvs_root>(kvs,
                         kvs_commit_request{space, owner, {{kvs_verb::put, key, value}}, {}, 0});
  }
  std::string get(const std::string& key, const std::string& space = kvs_primary) {
    auto a =
        ask<kvs_lookup_reply>(kvs, kvs_lookup_request{space, owner, key, {}, kvs_want::value, {}});
    return a->value ? a->value->value : "!" + to_string(code_of(a->error));
  }
  auto make(const std::string& space) {
    return ask<kvs_spaces>(kvs, kvs_space_request{kvs_space_verb::create, space, owner, owner, {}});
  }
  void watch(const std::string& key, uint64_t tag) {
    tell(kvs, kvs_watch_request{kvs_primary, owner, key, kvs_follow::value, true, 0, tag, reader});
  }
  int64_t stat(const std::string& name) {
    auto answered = ask<stats_reply>(kvs, stats_atom_v);
    for (auto& [key, value] : answered->value->values)
      if (key == name)
        return value;
    return -1;
  }

  world_ptr world = std::make_shared<fake_world>();
  std::shared_ptr<journal> store;
  journal_actor writer;
  kvs_actor kvs;
  caf::actor reader;
};

} // namespace

TEST_SUITE("actor") {

  TEST_CASE("what was acknowledged is there after a restart, namespaces too") {
    temp_dir d;
    std::string large(3u << 20, 'x');
    {
      bench b{d};
      for (int i = 0; i < 200; ++i)
        REQUIRE(b.put("d.k" + std::to_string(i), std::to_string(i))->value);
      REQUIRE(b.put("large", large)->value);
      REQUIRE(b.make("other")->value);
      REQUIRE(b.put("k", "there", "other")->value);
      CHECK(b.put("d.k1.x", "1")->error);
    }
    bench b{d};
    CHECK(b.get("d.k17") == "17");
    CHECK((b.get("large") == large));
    CHECK(b.get("k", "other") == "there");
    CHECK(b.put("d.k17", "18")->value->sequence == 202);
    CHECK(b.get("d.k17") == "18");
  }

  TEST_CASE("what jobs have goes when they are purged, and is gone after a restart") {
    temp_dir d;
    constexpr uint64_t jobs = 1'000;
    purge_request all;
    {
      bench b{d};
      REQUIRE(b.put("k", "kept")->value);
      REQUIRE(b.make("job-of-mine")->value);
      auto before = b.stat("namespaces");
      journal_batch ended;
      for (uint64_t i = 1; i <= jobs; ++i) {
        job_record r;
        r.id = {i};
        r.ended = true;
        r.t_end_ns = static_cast<int64_t>(i);
        ended.jobs.push_back(r);
        all.ids.push_back(r.id);
        if (i % 10 == 0) // all of them: below
          continue;
        auto space = kvs_space_of(r.id);
        REQUIRE(b.make(space)->value);
        REQUIRE(b.put("result", std::to_string(i), space)->value);
      }
      REQUIRE(b.store->commit(ended));
      CHECK(b.stat("namespaces") == before + 900);
      purge_request oldest;
      oldest.keep = 400;
      auto purged = b.ask<count_reply>(b.writer, oldest);
      REQUIRE(purged->value);
      CHECK(purged->value->count == 600);
      CHECK(b.stat("namespaces") == before + 360);
      CHECK(b.get("result", kvs_space_of({599})) == "!unknown_key");
      CHECK(b.get("result", kvs_space_of({601})) == "601");
      REQUIRE(b.ask<count_reply>(b.writer, all)->value);
      CHECK(b.stat("namespaces") == before);
      auto records = b.store->meta_with(kvs_record_prefix);
      REQUIRE(records);
      CHECK(records->size() == static_cast<size_t>(before));
    }
    bench b{d};
    CHECK(b.stat("namespaces") == 2);
    CHECK(b.get("k") == "kept");
  }

  TEST_CASE("jobs whose keys cannot be removed are not forgotten") {
    temp_dir d;
    bench b{d, false};
    auto space = kvs_space_of({1});
    auto forget = [&b] {
      kvs_space_request r;
      r.verb = kvs_space_verb::forget;
      r.jobs = {{1}, {2}};
      return b.ask<kvs_spaces>(b.kvs, r);
    };
    CHECK(forget()->value); // there are none
    b.world->hold = true;
    auto made = b.make(space);
    CHECK(code_of(forget()->error) == ec::busy);
    b.tell(b.writer, caf::flush_atom_v);
    REQUIRE(made->value);
    b.world->hold = false;
    b.world->journal_error = make_error(ec::disk_full, "full");
    CHECK(code_of(forget()->error) == ec::disk_full);
    b.world->journal_error = caf::none;
    CHECK(b.stat("namespaces") == 2);
    CHECK(forget()->value);
    CHECK(b.stat("namespaces") == 1);
  }

  TEST_CASE(
      "nobody is answered before the journal has committed, and then all who came meanwhile") {
    temp_dir d;
    bench b{d, false};
    b.world->hold = true;
    auto first = b.put("a", "1");
    auto second = b.put("b", "2"), third = b.put("c", "3");
    CHECK(first->pending());
    CHECK(b.world->held.size() == 1);
    b.world->hold = false;
    REQUIRE(b.store->commit(b.world->held.front().second));
    b.tell(b.writer, caf::flush_atom_v);
    CHECK(first->value->sequence == 1);
    CHECK(second->value->sequence == 2);
    CHECK(third->value->sequence == 3);
    CHECK(b.stat("commits") == 2);
    CHECK(b.stat("transactions") == 3);
  }

  TEST_CASE("a full disk refuses transactions, and the next that finds room is made") {
    temp_dir d;
    bench b{d, false};
    b.world->journal_error = make_error(ec::disk_full, "full");
    CHECK(code_of(b.put("a", "1")->error) == ec::disk_full);
    CHECK(code_of(b.make("s")->error) == ec::disk_full);
    b.world->journal_error = caf::none;
    CHECK(b.put("b", "2")->value->sequence == 1);
    CHECK(b.get("a") == "!unknown_key");
  }

  TEST_CASE("watches are told one at a time, and end with who has gone") {
    temp_dir d;
    bench b{d};
    b.watch("a", 7);
    CHECK(b.stat("watches") == 1);
    b.put("a", "1");
    b.put("a", "2");
    REQUIRE(b.world->changed.size() == 1);
    CHECK(b.world->changed.back().tag == 7);
    b.tell(b.kvs, kvs_watch_credit{7, b.reader});
    REQUIRE(b.world->changed.size() == 2);
    CHECK(b.world->changed.back().value == "2");
    b.watch("a", 8);
    b.tell(b.kvs, kvs_unwatch{7, b.reader});
    CHECK(b.stat("watches") == 1);
    caf::anon_send_exit(b.reader, caf::exit_reason::user_shutdown);
    b.run();
    CHECK(b.stat("watches") == 0);
  }

  TEST_CASE("a store that cannot be read says so to all who ask") {
    temp_dir d;
    {
      auto j = open_journal(d);
      journal_batch batch;
      batch.meta.emplace_back("kvs/primary", "nonsense");
      REQUIRE(j->commit(batch));
    }
    bench b{d};
    CHECK(b.get("a") == "!store_corrupt");
    CHECK(code_of(b.put("a", "1")->error) == ec::store_corrupt);
    CHECK(code_of(b.make("s")->error) == ec::store_corrupt);
    b.watch("a", 7);
    REQUIRE(b.world->changed.size() == 1);
    CHECK(b.world->changed.back().tag == 7);
    CHECK(static_cast<ec>(b.world->changed.back().code) == ec::store_corrupt);
  }
}
