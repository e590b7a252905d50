// Who waits for which commit, fences and watches of the key-value store.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include <map>
#include <optional>

#include "actors/kvs_core.hpp"
#include "blob_table.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

/// Remembers what the core wants; commits are made when the test says so.
struct fixture : kvs_out {
  std::shared_ptr<blob_table> table = std::make_shared<blob_table>();
  kvs_core core{table, 1000};
  std::map<uint64_t, kvs_root> roots;
  std::map<uint64_t, kvs_spaces> spaces;
  std::map<uint64_t, ec> refusals;
  std::map<uint64_t, std::vector<std::string>> told; // "!code" at the end of a watch
  std::vector<uint64_t> ended;
  std::optional<kvs_change> under_way;
  uint64_t last = 0;
  bool reads = true; // each thing told is credited at once
  std::vector<uint64_t> uncredited;

  void answer_commit(uint64_t request, const kvs_root& root) override { roots[request] = root; }
  void answer_space(uint64_t request, const kvs_spaces& s) override { spaces[request] = s; }
  void refuse(uint64_t request, const caf::error& e) override { refusals[request] = code_of(e); }
  void commit(kvs_change change) override {
    REQUIRE(!under_way);
    under_way = std::move(change);
  }
  void tell(uint64_t watch, const kvs_changed& what) override {
    told[watch].push_back(what.code == 0 ? what.value
                                         : "!" + to_string(static_cast<ec>(what.code)));
    uncredited.push_back(watch);
  }
  void end_watch(uint64_t watch) override { ended.push_back(watch); }

  uint64_t ask(std::vector<kvs_op> ops, const std::string& fence = {}, uint32_t parties = 0,
               const std::string& space = kvs_primary) {
    kvs_commit_request r{space, 1000, std::move(ops), fence, parties};
    core.on_commit_request(++last, r, *this);
    return last;
  }
  uint64_t put(const std::string& key, const std::string& value) {
    return ask({{kvs_verb::put, key, value}});
  }
  uint64_t space(kvs_space_verb verb, const std::string& name = {}) {
    core.on_space_request(++last, {verb, name, 1000, 1000, {}}, *this);
    return last;
  }
  void begin() {
    core.flush(*this);
    REQUIRE(under_way);
  }
  void finish() {
    table->make(*under_way);
    under_way.reset();
    core.on_committed(*this);
    if (reads)
      credit_all();
  }
  void commit_all() {
    while (core.wants_flush()) {
      begin();
      finish();
    }
  }
  void credit_all() {
    while (!uncredited.empty()) {
      auto watch = uncredited.back();
      uncredited.pop_back();
      core.credit(watch, *this);
    }
  }
  uint64_t watch(const std::string& key, kvs_follow follow = kvs_follow::value,
                 bool wait_create = false, const std::string& space = kvs_primary,
                 uint64_t sequence = 0) {
    kvs_watch_request r{space, 1000, key, follow, wait_create, sequence, 0, {}};
    core.watch(++last, r, *this);
    if (reads)
      credit_all();
    return last;
  }
  std::string get(const std::string& key) {
    auto found = core.lookup({kvs_primary, 1000, key, {}, kvs_want::value, {}});
    return found ? found->value : "!" + to_string(code_of(found.error()));
  }
};

using texts = std::vector<std::string>;

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("transactions that came together are one commit, and each has its own number") {
    fixture f;
    auto a = f.put("a", "1"), b = f.put("b", "2");
    CHECK(f.core.wants_flush());
    f.begin();
    auto c = f.put("c", "3");
    CHECK(!f.core.wants_flush()); // one is under way
    CHECK(f.roots.empty());
    CHECK(f.get("a") == "!unknown_key");
    f.finish();
    CHECK(f.roots.at(a).sequence == 1);
    CHECK(f.roots.at(b).sequence == 2);
    CHECK(f.roots.count(c) == 0);
    CHECK(f.get("b") == "2");
    CHECK(f.core.wants_flush());
    f.commit_all();
    CHECK(f.roots.at(c).sequence == 3);
    CHECK(f.core.commits() == 2);
  }

  TEST_CASE("a commit that fails refuses all that was applied, and the next begins anew") {
    fixture f;
    f.put("a", "1");
    f.commit_all();
    auto b = f.put("b", "2");
    f.begin();
    auto c = f.put("c", "3");
    f.under_way.reset();
    f.core.on_failed(make_error(ec::disk_full, "full"), f);
    CHECK(f.refusals == std::map<uint64_t, ec>{{b, ec::disk_full}, {c, ec::disk_full}});
    CHECK(!f.core.wants_flush());
    auto d = f.put("d", "4");
    f.commit_all();
    CHECK(f.roots.at(d).sequence == 2);
    CHECK(f.get("b") == "!unknown_key");
    CHECK(f.get("a") + f.get("d") == "14");
    f.table->check_whole();
  }

  TEST_CASE("a wrong transaction is refused at once, and others are not touched") {
    fixture f;
    auto good = f.put("a", "1");
    auto bad = f.put("a.b", "1");
    CHECK(f.refusals.at(bad) == ec::wrong_state);
    f.commit_all();
    CHECK(f.roots.at(good).sequence == 1);
  }

  TEST_CASE("too much that waits for the disk is refused") {
    fixture f;
    std::string large(limits::kvs_value_bytes_max, 'x');
    f.put("a", large);
    f.begin();
    for (int i = 0; i < 20 && f.refusals.empty(); ++i)
      f.put("b", large);
    REQUIRE(f.refusals.size() == 1);
    CHECK(f.refusals.begin()->second == ec::busy);
    f.finish();
    f.commit_all();
    f.refusals.clear();
    f.put("c", large);
    CHECK(f.refusals.empty());
  }

  TEST_CASE("a fence is one transaction of all parties") {
    fixture f;
    auto a = f.ask({{kvs_verb::put, "a", "1"}}, "f", 3);
    auto b = f.ask({{kvs_verb::put, "b", "2"}}, "f", 3);
    CHECK(!f.core.wants_flush());
    CHECK(f.core.fences() == 1);
    auto wrong = f.ask({}, "f", 2);
    CHECK(f.refusals.at(wrong) == ec::bad_argument);
    CHECK(f.refusals.at(f.ask({}, "g", 0)) == ec::bad_argument);
    CHECK(f.refusals.at(f.ask({}, "g", 1, "none")) == ec::unknown_key);
    auto c = f.ask({{kvs_verb::put, "c", "3"}}, "f", 3);
    CHECK(f.core.fences() == 0);
    f.commit_all();
    for (auto request : {a, b, c})
      CHECK(f.roots.at(request).sequence == 1);
    CHECK(f.get("a") + f.get("b") + f.get("c") == "123");
    // Also when it fails it does for all.
    f.ask({{kvs_verb::put, "x", "1"}}, "f", 2);
    f.ask({{kvs_verb::put, "a.y", "1"}}, "f", 2);
    CHECK(f.refusals.size() == 5);
    CHECK(f.get("x") == "!unknown_key");
  }

  TEST_CASE("fences that are never complete hold up nobody else, and end with their namespace") {
    fixture f;
    f.space(kvs_space_verb::create, "s");
    f.commit_all();
    std::string large(limits::kvs_value_bytes_max - 4096, 'x');
    for (auto* name : {"a", "b", "c", "d"})
      f.ask({{kvs_verb::put, "k", large}}, name, 2, "s");
    CHECK(f.refusals.empty());
    auto many = f.ask({{kvs_verb::put, "k", large}}, "e", 2, "s");
    CHECK(f.refusals.at(many) == ec::busy);
    auto small = f.put("k", large);
    f.commit_all();
    CHECK(f.roots.count(small) == 1);
    f.refusals.clear();
    f.space(kvs_space_verb::remove, "s");
    f.commit_all();
    CHECK(f.core.fences() == 0);
    CHECK(f.refusals.size() == 4);
    CHECK(f.refusals.begin()->second == ec::unknown_key);
    f.ask({{kvs_verb::put, "k", large}}, "e", 2);
    CHECK(f.core.fences() == 1);
  }

  TEST_CASE("parties of a fence that bring nothing are counted, too") {
    fixture f;
    for (int i = 0; i < 1'000'000 && f.refusals.empty(); ++i)
      f.ask({}, "f", 2'000'000);
    CHECK(f.refusals.size() == 1);
  }

  TEST_CASE("a watch is told of each value in order, and of the end") {
    fixture f;
    f.put("a", "0");
    f.commit_all();
    auto w = f.watch("a");
    auto absent = f.watch("none");
    auto waits = f.watch("later", kvs_follow::value, true);
    auto link = f.watch("l", kvs_follow::value, true);
    for (int i = 1; i <= 3; ++i) {
      f.put("a", std::to_string(i));
      f.commit_all();
    }
    f.put("a", "3"); // no change
    f.put("b", "x");
    f.commit_all();
    CHECK(f.told.at(w) == texts{"0", "1", "2", "3"});
    CHECK(f.told.at(absent) == texts{"!unknown_key"});
    CHECK(f.told.count(waits) == 0);
    f.put("later", "here");
    f.ask({{kvs_verb::link, "l", "a"}});
    f.commit_all();
    CHECK(f.told.at(waits) == texts{"here"});
    f.ask({{kvs_verb::unlink, "a"}, {kvs_verb::unlink, "later"}});
    f.commit_all();
    CHECK(f.told.at(w).back() == "!unknown_key");
    CHECK(f.told.at(link) == texts{"3", "!unknown_key"});
    CHECK(f.core.watches() == 0);
    CHECK(f.ended.size() == 4);
    f.ask({{kvs_verb::mkdir, "d"}});
    f.commit_all();
    CHECK(f.told.at(f.watch("d")) == texts{"!wrong_state"});
  }

  TEST_CASE("who reads slowly is told what is queued, and then of the newest") {
    fixture f;
    f.reads = false;
    f.put("a", "0");
    f.commit_all();
    auto w = f.watch("a");
    for (int i = 1; i <= 200; ++i) {
      f.put("a", std::to_string(i));
      f.commit_all();
    }
    CHECK(f.told.at(w) == texts{"0"});
    f.credit_all();
    auto& told = f.told.at(w);
    CHECK(told.back() == "200");
    CHECK(told.size() > 10);
    CHECK(told.size() < 100);
    CHECK(told[5] == "5");
    f.core.unwatch(w);
    f.put("a", "201");
    f.commit_all();
    CHECK(told.back() == "200");
  }

  TEST_CASE("who follows what is appended gets each byte once, however slow") {
    fixture f;
    f.reads = false;
    auto w = f.watch("log", kvs_follow::append, true);
    std::string expected;
    for (int i = 0; i < 500; ++i) {
      auto line = "line " + std::to_string(i) + "\n";
      expected += line;
      f.ask({{kvs_verb::append, "log", line}});
      f.commit_all();
      if (i % 7 == 0)
        f.credit_all();
    }
    f.credit_all();
    std::string all;
    for (auto& part : f.told.at(w))
      all += part;
    CHECK(all == expected);
    f.put("log", "something else");
    f.commit_all();
    CHECK(f.told.at(w).back() == "!wrong_state");
  }

  TEST_CASE("a version is waited for; a namespace that goes ends its watches") {
    fixture f;
    auto v = f.watch({}, kvs_follow::version, false, kvs_primary, 2);
    auto none = f.watch({}, kvs_follow::version, false, "s", 1);
    auto later = f.watch({}, kvs_follow::version, true, "s", 1);
    CHECK(f.told.at(none) == texts{"!unknown_key"});
    f.put("a", "1");
    f.commit_all();
    CHECK(f.told.count(v) == 0);
    f.put("a", "2");
    auto made = f.space(kvs_space_verb::create, "s");
    f.commit_all();
    CHECK(f.told.at(v) == texts{""});
    CHECK(f.spaces.at(made).roots.front().space == "s");
    f.ask({{kvs_verb::put, "k", "1"}}, {}, 0, "s");
    f.commit_all();
    CHECK(f.told.at(later) == texts{""});
    auto w = f.watch("k", kvs_follow::value, false, "s");
    CHECK(f.spaces.at(f.space(kvs_space_verb::list)).roots.size() == 2);
    auto gone = f.space(kvs_space_verb::remove, "s");
    CHECK(f.refusals.at(f.space(kvs_space_verb::create, "primary")) == ec::busy);
    f.commit_all();
    CHECK(f.spaces.count(gone) == 1);
    CHECK(f.told.at(w) == texts{"1", "!unknown_key"});
    // A transaction and its namespace's end in one commit.
    f.space(kvs_space_verb::create, "t");
    f.commit_all();
    auto late = f.ask({{kvs_verb::put, "k", "1"}}, {}, 0, "t");
    f.space(kvs_space_verb::remove, "t");
    f.commit_all();
    CHECK(f.refusals.at(late) == ec::unknown_key);
    f.table->check_whole();
  }

  TEST_CASE("a directory that a person wrote out is shown as it stands") {
    fixture f;
    std::string inner = R"({"data":{},"type":"dir","ver":1})";
    auto outer = R"({"data":{"a":)" + inner + R"(},"type":"dir","ver":1})";
    auto show = [&f, &outer](const std::string& key) {
      auto found = f.core.lookup({kvs_primary, 1000, key, outer, kvs_want::treeobj, {}});
      return found ? found->value : render(found.error());
    };
    CHECK(show(".") == outer);
    CHECK(show("a") == inner);
  }

  TEST_CASE("lookups say what they find, and what is wrong") {
    fixture f;
    f.ask({{kvs_verb::put, "d.x", "1"}, {kvs_verb::link, "l", "d"}});
    f.commit_all();
    auto look = [&](const std::string& key, kvs_want want) {
      return f.core.lookup({kvs_primary, 1000, key, {}, want, {}});
    };
    CHECK(look("l", kvs_want::link)->value == "d");
    CHECK(look("l", kvs_want::listing)->entries.size() == 1);
    CHECK(look("l.x", kvs_want::value)->value == "1");
    CHECK(look("d.x", kvs_want::treeobj)->value == R"({"data":"MQ==","type":"val","ver":1})");
    CHECK(code_of(look("d", kvs_want::value).error()) == ec::wrong_state);
    CHECK(code_of(look("d", kvs_want::link).error()) == ec::wrong_state);
    CHECK(code_of(look("d.x", kvs_want::listing).error()) == ec::wrong_state);
    CHECK(code_of(look("d.x.y", kvs_want::value).error()) == ec::wrong_state);
    CHECK(code_of(look("none", kvs_want::value).error()) == ec::unknown_key);
  }
}
