// The journal when things go wrong: killed writers, damaged files, full disks, second owners.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <functional>
#include <thread>

#include <lmdb.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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

caf::error why_not(const journal_options& o) {
  auto j = journal::open(o, nullptr);
  REQUIRE(!j);
  return j.error();
}

bool mentions(const caf::error& e, const std::string& text) {
  return context_of(e).find(text) != std::string::npos;
}

/// Runs `f` in a child process that ends without destructors; returns its wait status.
int in_child(const std::function<int()>& f) {
  const auto pid = fork();
  REQUIRE(pid >= 0);
  if (pid == 0)
    _exit(f());
  int status = 0;
  REQUIRE(waitpid(pid, &status, 0) == pid);
  return status;
}

/// Changes stored bytes through LMDB itself, as a disk would.
void edit(const std::string& directory, const char* table_name,
          const std::function<void(MDB_txn*, MDB_dbi)>& f) {
  MDB_env* env = nullptr;
  MDB_txn* txn = nullptr;
  MDB_dbi dbi = 0;
  REQUIRE(mdb_env_create(&env) == 0);
  mdb_env_set_maxdbs(env, 16);
  REQUIRE(mdb_env_open(env, directory.c_str(), MDB_NOTLS, 0600) == 0);
  REQUIRE(mdb_txn_begin(env, nullptr, 0, &txn) == 0);
  REQUIRE(mdb_dbi_open(txn, table_name, MDB_CREATE, &dbi) == 0);
  f(txn, dbi);
  REQUIRE(mdb_txn_commit(txn) == 0);
  mdb_env_close(env);
}

void put_bytes(MDB_txn* txn, MDB_dbi dbi, std::string_view key, std::string_view value) {
  MDB_val k{key.size(), const_cast<char*>(key.data())};
  MDB_val v{value.size(), const_cast<char*>(value.data())};
  REQUIRE(mdb_put(txn, dbi, &k, &v, 0) == 0);
}

std::string key_of(uint64_t n) { return {reinterpret_cast<const char*>(&n), sizeof n}; }

uint64_t count_events(const journal& j, uint64_t since, journal_findings* found) {
  uint64_t count = 0;
  CHECK(!j.read_log(
      since, [&](uint64_t, const job_event&) { return ++count > 0; }, found));
  return count;
}

// The child of the kill test: job n has three events and a record; ends it two rounds later.
journal_batch round_batch(uint64_t n) {
  journal_batch b;
  b.events = {event(n, event_kind::submit), event(n, event_kind::validate),
              event(n, event_kind::depend)};
  b.jobs = {live(n, hash_of_spec("spec"))};
  b.specs = {{hash_of_spec("spec"), "spec"}};
  if (n > 2)
    b.jobs.push_back(ended(n - 2, static_cast<int64_t>(n), hash_of_spec("spec")));
  b.meta = {{"round", std::to_string(n)}};
  return b;
}

[[noreturn]] void commit_for_ever(const std::string& directory, int out) {
  auto j = journal::open(options_in(directory), nullptr);
  if (!j)
    _exit(1);
  for (uint64_t n = (*j)->next_sequence() / 3 + 1;; ++n) {
    auto seq = (*j)->commit(round_batch(n));
    if (!seq || *seq != 3 * n - 2 || write(out, &n, sizeof n) != sizeof n)
      _exit(2);
    if (n % 16 == 0 && !(*j)->trim_log(n))
      _exit(3);
  }
}

/// What only removes is possible when nothing else is, though it first needs pages, too.
void check_removing(const std::string& root) {
  std::filesystem::remove_all(root + "/state");
  auto j = open(options_in(root + "/state"));
  journal_batch kept, removed;
  for (int i = 0; i < 200; ++i) {
    auto number = std::to_string(i);
    auto digest = std::string(33 - number.size(), '0') + number;
    kept.blobs.push_back({digest, std::string(1000, 'b'), 1});
    if (i % 2 == 0)
      removed.blobs.push_back({digest, "", 0});
  }
  removed.meta = {{"name", ""}};
  REQUIRE(j->commit(kept));
  while (j->commit(batch_of(events(700)))) {
  }
  while (j->commit(batch_of(events(1)))) {
  }
  auto freed = j->commit(removed);
  CHECK_MESSAGE(freed, render(freed.error()));
}

/// On a full disk jobs that were there can end, and then be erased; none can begin.
void check_ending(const std::string& root) {
  std::filesystem::remove_all(root + "/state");
  auto j = open(options_in(root + "/state"));
  std::vector<job_record> jobs;
  for (uint64_t n = 1; n <= 40; ++n)
    jobs.push_back(live(n));
  REQUIRE(j->commit(batch_of(jobs)));
  while (j->commit(batch_of(events(700)))) {
  }
  while (j->commit(batch_of(events(1)))) {
  }
  journal_batch ends, more;
  std::vector<job_id> ids;
  for (uint64_t n = 1; n <= 40; ++n) {
    ends.jobs.push_back(ended(n));
    ends.jobs.back().rset = std::string(4000, 'r'); // more than pages that happen to be free
    ids.push_back({n});
    more.jobs.push_back(ended(100 + n));
    more.jobs.back().rset = ends.jobs.back().rset;
    more.events.push_back(event(100 + n, event_kind::submit));
  }
  auto refused = j->commit(more);
  REQUIRE(!refused);
  CHECK(code_of(refused.error()) == ec::disk_full);
  auto done = j->commit(ends);
  REQUIRE_MESSAGE(done, render(done.error()));
  CHECK(j->live_count() == 0);
  CHECK(std::filesystem::file_size(root + "/state/reserve") == 512u << 10);
  auto erased = j->erase_jobs(ids);
  REQUIRE_MESSAGE(erased, render(erased.error()));
  CHECK(*erased == 40);
  CHECK(j->commit(batch_of(events(10)))); // in their place
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("whatever a killed process had acknowledged is there") {
    temp_dir d;
    random_source r{9};
    uint64_t acknowledged = 0;
    for (int round = 0; round < 25; ++round) {
      int ends[2];
      REQUIRE(pipe(ends) == 0);
      const auto pid = fork();
      REQUIRE(pid >= 0);
      if (pid == 0) {
        close(ends[0]);
        commit_for_ever(d / "state", ends[1]);
      }
      close(ends[1]);
      const auto enough = acknowledged + 1 + below(r, 40);
      uint64_t n = 0;
      while (acknowledged < enough && read(ends[0], &n, sizeof n) == sizeof n)
        acknowledged = n;
      // Somewhere within the commits that follow.
      random_source spin{acknowledged};
      for (auto rounds = below(r, 300'000); rounds > 0; --rounds)
        spin();
      CHECK(spin() != 0); // keeps the loop
      kill(pid, SIGKILL);
      int status = 0;
      REQUIRE(waitpid(pid, &status, 0) == pid);
      REQUIRE(WIFSIGNALED(status));
      while (read(ends[0], &n, sizeof n) == sizeof n)
        acknowledged = n;
      close(ends[0]);

      journal_findings found;
      auto j = open(d, &found);
      CHECK(found.existed);
      CHECK(found.events_dropped == 0);
      REQUIRE(!found.notes.empty());
      CHECK(found.notes[0].find("process " + std::to_string(pid)) != std::string::npos);
      const auto last = (j->next_sequence() - 1) / 3;
      CHECK(j->next_sequence() == 3 * last + 1); // whole batches
      REQUIRE(last >= acknowledged);
      CHECK(last <= acknowledged + 1);
      CHECK(*j->meta("round") == std::to_string(last));
      CHECK(count_events(*j, 1, &found) == j->next_sequence() - j->first_sequence());
      CHECK(found.events_dropped == 0);
      uint64_t id = 0;
      CHECK(!j->each_job(true, [&](const job_record& x) {
        CHECK(x.id.value == ++id);
        CHECK(x.ended == (id + 2 <= last));
        CHECK(x.first_sequence == 3 * id - 2);
        return true;
      }));
      CHECK(id == last);
      acknowledged = last;
    }
    CHECK(acknowledged > 100);
  }

  TEST_CASE("a damaged chunk is left out, counted and named; the others are read") {
    temp_dir d;
    {
      auto j = open(d);
      for (int i = 0; i < 5; ++i)
        REQUIRE(j->commit(batch_of(events(10))));
    }
    const auto spoil = [&](uint64_t chunk, std::string_view bytes) {
      edit(d / "state", "log",
           [&](MDB_txn* txn, MDB_dbi dbi) { put_bytes(txn, dbi, key_of(chunk), bytes); });
    };
    spoil(11, std::string(200, '\0'));
    {
      journal_findings found;
      auto j = open(d, &found);
      CHECK(found.events_dropped == 10);
      REQUIRE(found.notes.size() == 1);
      CHECK(found.notes[0] == "log: events 11 to 20 are damaged and left out");
      CHECK(count_events(*j, 1, nullptr) == 40);
      CHECK(count_events(*j, 15, nullptr) == 30);
    }
    spoil(41, "torn"); // at the tail: its numbers are not given again
    journal_findings found;
    auto j = open(d, &found);
    CHECK(found.events_dropped == 20);
    CHECK(j->next_sequence() == 51);
    CHECK(*j->commit(batch_of(events(1))) == 51);
  }

  TEST_CASE("zero pages in the file are stepped over") {
    temp_dir d;
    {
      auto j = open(d);
      for (int i = 0; i < 200; ++i)
        REQUIRE(j->commit(batch_of(events(150))));
    }
    // Pages that hold chunks: those in which the leaf flag is set and no other table lies.
    const auto path = d / "state/data.mdb";
    std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
    std::string content{std::istreambuf_iterator<char>{file}, {}};
    int zeroed = 0;
    for (size_t page = content.size() / 4096; page > 2 && zeroed < 3; --page) {
      const auto at = content.substr((page - 1) * 4096, 4096);
      // Chunks are full of the text "{}" of the events; two of them fill a leaf.
      size_t texts = 0;
      for (auto p = at.find("{}"); p != std::string::npos; p = at.find("{}", p + 1))
        ++texts;
      if (texts < 200 || page % 5 != 0)
        continue;
      file.clear();
      file.seekp(static_cast<std::streamoff>((page - 1) * 4096));
      file << std::string(4096, '\0');
      ++zeroed;
    }
    file.close();
    REQUIRE(zeroed == 3);
    journal_findings found;
    auto j = open(d, &found);
    CHECK(found.events_dropped > 0);
    CHECK(found.notes.size() >= 1);
    const auto good = count_events(*j, 1, nullptr);
    CHECK(good + found.events_dropped == 30'000);
    CHECK(good > 28'000);
    CHECK(j->commit(batch_of(events(10))));
  }

  TEST_CASE("a damaged record is left out and counted; its job can be written again") {
    temp_dir d;
    {
      auto j = open(d);
      REQUIRE(j->commit(batch_of(std::vector{live(1), live(2), ended(3), ended(4)})));
    }
    for (const auto& [table, id] : {std::pair{"live", 1}, std::pair{"job", 3}})
      edit(d / "state", table, [&](MDB_txn* txn, MDB_dbi dbi) {
        put_bytes(txn, dbi, key_of(static_cast<uint64_t>(id)), "noise");
      });
    auto j = open(d);
    journal_findings found;
    std::vector<uint64_t> ids;
    const auto take = [&](const job_record& r) {
      ids.push_back(r.id.value);
      return true;
    };
    CHECK(!j->each_job(true, take, &found));
    CHECK(ids == std::vector<uint64_t>{2, 4});
    CHECK(found.records_dropped == 2);
    CHECK(found.notes.size() == 2);
    CHECK(!j->each_live(take, &found));
    CHECK(!j->each_ended(take, &found));
    CHECK(found.records_dropped == 4);
    CHECK(code_of(j->job({1}).error()) == ec::store_corrupt);
    CHECK(*j->restart_sequence() == 1);
    CHECK(j->commit(batch_of(std::vector{ended(1), ended(3)})));
    CHECK(j->job({1})->ended);
    CHECK(*j->erase_jobs({{3}}) == 1);
  }

  TEST_CASE("a file that lost its end does not crash the reader") {
    temp_dir d;
    {
      auto j = open(d);
      for (int i = 0; i < 100; ++i)
        REQUIRE(j->commit(batch_of(events(150))));
    }
    const auto path = d / "state/data.mdb";
    const auto size = std::filesystem::file_size(path);
    std::filesystem::resize_file(path, size / 2);
    auto o = options_in(d / "state");
    o.read_only = true;
    CHECK(code_of(why_not(o)) == ec::store_corrupt);
    journal_findings found;
    auto j = journal::open(options_in(d / "state"), &found);
    // Whether tables or only chunks lay in the lost half, it is said and nothing crashes.
    if (j)
      CHECK(found.events_dropped > 0);
    else
      CHECK(code_of(j.error()) == ec::store_corrupt);
    CHECK(!found.notes.empty());
  }

  TEST_CASE("a second owner is told who the first one is; a dead owner's lock is taken over") {
    temp_dir d;
    auto o = options_in(d / "state");
    o.owner = "local:///tmp/first";
    auto j = open(o);
    auto err = why_not(o);
    CHECK(code_of(err) == ec::busy);
    CHECK(mentions(err, "process " + std::to_string(getpid()) + " on "));
    CHECK(mentions(err, "(local:///tmp/first)"));
    CHECK(WEXITSTATUS(in_child([&] {
            auto k = journal::open(o, nullptr);
            return !k && code_of(k.error()) == ec::busy ? 7 : 1;
          }))
          == 7);
    j.reset();
    journal_findings found;
    j = open(o, &found);
    CHECK(found.notes.empty()); // an orderly end leaves nothing to say
    j.reset();
    in_child([&] { // ends without closing
      auto k = journal::open(o, nullptr);
      k->release();
      return 0;
    });
    j = open(o, &found);
    REQUIRE(found.notes.size() == 1);
    CHECK(found.notes[0].find("was not closed by process ") != std::string::npos);
  }

  TEST_CASE("an owner that was killed and has not ended yet is waited for") {
    temp_dir d;
    const auto o = options_in(d / "state");
    int ready[2];
    REQUIRE(pipe(ready) == 0);
    const auto owner = fork();
    REQUIRE(owner >= 0);
    if (owner == 0) {
      auto j = journal::open(o, nullptr);
      if (!j || write(ready[1], "x", 1) != 1)
        _exit(1);
      poll(nullptr, 0, 100); // as long as the kernel may take with a large process
      _exit(0);
    }
    close(ready[1]);
    char byte = 0;
    const bool owned = read(ready[0], &byte, 1) == 1;
    close(ready[0]);
    auto j = journal::open(o, nullptr);
    int status = 0;
    REQUIRE(waitpid(owner, &status, 0) == owner);
    CHECK(owned);
    CHECK_MESSAGE(j, render(j.error()));
  }

  TEST_CASE("what is no journal is refused with its path and a reason") {
    temp_dir d;
    const auto in = [&](const char* name) { return options_in(d / name); };
    std::ofstream{d / "file"} << "x";
    CHECK(code_of(why_not(in("file"))) == ec::store_failed);
    CHECK(mentions(why_not(in("file")), d / "file: Not a directory"));
    CHECK(mentions(why_not(in("file/below")), "Not a directory"));

    std::filesystem::create_directory(d / "foreign");
    std::ofstream{d / "foreign/data.mdb"} << std::string(100'000, 'x');
    CHECK(code_of(why_not(in("foreign"))) == ec::store_corrupt);
    CHECK(mentions(why_not(in("foreign")), "foreign/data.mdb"));

    std::filesystem::create_directory(d / "other");
    edit(d / "other", "somebody", [](MDB_txn* txn, MDB_dbi dbi) { put_bytes(txn, dbi, "k", "v"); });
    CHECK(code_of(why_not(in("other"))) == ec::store_corrupt);
    CHECK(mentions(why_not(in("other")), "hactor did not write"));

    open(in("newer")).reset();
    edit(d / "newer", "meta",
         [](MDB_txn* txn, MDB_dbi dbi) { put_bytes(txn, dbi, ".format", "4"); });
    CHECK(code_of(why_not(in("newer"))) == ec::store_corrupt);
    CHECK(mentions(why_not(in("newer")), "journal of format 4; this hactor reads format 3"));

    auto o = in("absent");
    o.read_only = true;
    CHECK(code_of(why_not(o)) == ec::store_failed);
    CHECK(!std::filesystem::exists(d / "absent"));
  }

  TEST_CASE("a journal of format 1 is read as it is, and becomes a newer one when it is written") {
    temp_dir d;
    {
      auto j = open(d);
      REQUIRE(j->commit(batch_of(events(3))));
    }
    edit(d / "state", "label", [](MDB_txn* txn, MDB_dbi dbi) { mdb_drop(txn, dbi, 1); });
    edit(d / "state", "meta",
         [](MDB_txn* txn, MDB_dbi dbi) { put_bytes(txn, dbi, ".format", "1"); });
    auto o = options_in(d / "state");
    o.read_only = true;
    for (int i = 0; i < 2; ++i) { // looking changes nothing
      auto look = open(o);
      CHECK(look->next_sequence() == 4);
      CHECK(look->labelled(7, {}, 10)->empty());
      CHECK_FALSE(look->last_labelled(7)->has_value());
    }
    {
      auto j = open(d);
      job_record r;
      r.id = {5};
      r.ended = true;
      r.label = 7;
      r.events = {event(5, event_kind::submit)};
      journal_batch b;
      b.jobs = {r};
      REQUIRE(j->commit(b));
      CHECK(j->labelled(7, {}, 10)->size() == 1);
    }
    edit(d / "state", "meta", [](MDB_txn* txn, MDB_dbi dbi) {
      std::string name = ".format";
      MDB_val key{name.size(), name.data()}, value{};
      REQUIRE(mdb_get(txn, dbi, &key, &value) == 0);
      CHECK(std::string{static_cast<char*>(value.mv_data), value.mv_size} == "3");
    });
  }

  TEST_CASE("a journal in which links were not counted keeps what is linked to, and no more") {
    temp_dir d;
    const auto twice = hash_of_spec("twice"), once = hash_of_spec("once");
    const auto left = hash_of_spec("left"), plain = hash_of_spec("plain");
    {
      auto j = open(d);
      journal_batch b;
      b.specs = {{twice, "twice"}, {once, "once"}, {left, "left"}, {plain, "plain"}};
      for (auto [name, link] : {std::pair{"a", twice}, {"b", twice}, {"c", once}}) {
        const auto text = name + link_to_spec(link);
        b.specs.emplace_back(hash_of_spec(text), text);
        b.jobs.emplace_back().spec = hash_of_spec(text);
      }
      b.jobs.emplace_back().spec = plain;
      for (size_t i = 0; i < b.jobs.size(); ++i)
        b.jobs[i].id = {i + 1};
      REQUIRE(j->commit(b));
    }
    edit(d / "state", "meta", [](MDB_txn* txn, MDB_dbi dbi) {
      put_bytes(txn, dbi, ".format", "2");
      std::string name = ".links";
      MDB_val key{name.size(), name.data()};
      REQUIRE(mdb_del(txn, dbi, &key, nullptr) == 0);
    });
    edit(d / "state", "refs", [&](MDB_txn* txn, MDB_dbi dbi) {
      for (const auto& h : {twice, once, left}) // which no record names
        put_bytes(txn, dbi, key_of(h.high) + key_of(h.low), key_of(0));
    });
    auto j = open(d);
    CHECK(j->has_spec(twice));
    CHECK(j->has_spec(once));
    CHECK(!j->has_spec(left));
    CHECK(*j->erase_jobs({{3}, {4}}) == 2);
    CHECK(!j->has_spec(once));
    CHECK(!j->has_spec(plain));
    CHECK(*j->erase_jobs({{1}}) == 1);
    j.reset();
    j = open(d); // they are counted once
    CHECK(j->has_spec(twice));
    CHECK(*j->erase_jobs({{2}}) == 1);
    CHECK(!j->has_spec(twice));
  }

  TEST_CASE("a journal without the tables of blobs is read on, and gets them when it is written") {
    temp_dir d;
    {
      auto j = open(d);
      REQUIRE(j->commit(batch_of(events(3))));
    }
    for (auto* name : {"blob", "named"})
      edit(d / "state", name, [](MDB_txn* txn, MDB_dbi dbi) { mdb_drop(txn, dbi, 1); });
    const std::string address(33, 'a');
    auto o = options_in(d / "state");
    o.read_only = true;
    {
      auto look = open(o);
      CHECK(look->next_sequence() == 4);
      CHECK(code_of(look->blob(address).error()) == ec::unknown_key);
      CHECK(*look->blob_references(address) == 0);
    }
    auto j = open(d);
    journal_batch b;
    b.blobs = {{address, "bytes", 2}};
    REQUIRE(j->commit(b));
    CHECK(*j->blob(address) == "bytes");
    CHECK(*j->blob_references(address) == 2);
  }

  TEST_CASE("missing parents are made, and the directory is private") {
    temp_dir d;
    open(options_in(d / "a/b/state")).reset();
    struct stat info {};
    REQUIRE(stat((d / "a/b/state").c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0700);
  }

  TEST_CASE("without permission to write: opening fails, looking works") {
    constexpr int nobody_allowed = 77;
    temp_dir d;
    {
      auto j = open(d);
      REQUIRE(j->commit(batch_of(events(3))));
    }
    if (geteuid() == 0) {
      chmod(d.path().c_str(), 0755);
      for (const char* name : {"state/data.mdb", "state/lock.mdb", "state/owner"})
        chmod((d / name).c_str(), 0444);
    }
    chmod((d / "state").c_str(), 0555);
    const auto status = in_child([&] {
      if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
        return 9;
      if (access("/", X_OK) != 0)
        return nobody_allowed;
      auto refused = journal::open(options_in(d / "state"), nullptr);
      if (refused || code_of(refused.error()) != ec::store_failed
          || !mentions(refused.error(), "Permission denied"))
        return 1;
      auto below = journal::open(options_in(d / "state/new"), nullptr);
      if (below || !mentions(below.error(), "Permission denied"))
        return 2;
      auto o = options_in(d / "state");
      o.read_only = true;
      auto look = journal::open(o, nullptr);
      if (!look)
        return 3;
      uint64_t count = 0;
      const auto err =
          (*look)->read_log(1, [&](uint64_t, const job_event&) { return ++count > 0; });
      if (err || count != 3)
        return 4;
      auto changed = (*look)->commit(batch_of(events(1)));
      return !changed && code_of(changed.error()) == ec::store_failed ? 0 : 5;
    });
    chmod((d / "state").c_str(), 0700);
    CHECK(WIFEXITED(status));
    if (WEXITSTATUS(status) == nobody_allowed) {
      MESSAGE("skipped: on this machine only root may enter the root folder");
      return;
    }
    CHECK(WEXITSTATUS(status) == 0);
  }

  TEST_CASE("a full disk is an error; with room again the journal goes on") {
    temp_dir d;
    const auto root = d / "small";
    std::filesystem::create_directory(root);
    if (mount("tmpfs", root.c_str(), "tmpfs", 0, "size=5m") != 0) {
      std::printf("skipped: a full disk (mounting a tmpfs is not permitted here)\n");
      return;
    }
    uint64_t committed = 0;
    {
      for (const bool sync : {true, false}) {
        CAPTURE(sync);
        const std::string ballast = root + "/ballast";
        std::ofstream{ballast} << std::string(400'000, 'b');
        auto o = options_in(root + "/state");
        o.sync = sync;
        auto j = open(o);
        committed = j->next_sequence() - 1;
        for (int round = 0; round < 3; ++round) {
          caf::error why;
          while (!why) {
            auto seq = j->commit(batch_of(events(700)));
            if (seq)
              committed += 700;
            else
              why = seq.error();
          }
          CHECK(code_of(why) == ec::disk_full);
          CHECK(mentions(why, root));
          CHECK(j->next_sequence() == committed + 1);
          CHECK(count_events(*j, 1, nullptr) == j->next_sequence() - j->first_sequence());
          CHECK(code_of(j->commit(batch_of(events(700))).error()) == ec::disk_full); // still
          caf::expected<uint64_t> freed{uint64_t{0}};
          if (round == 0)
            std::filesystem::remove(ballast); // room from outside
          else
            freed = j->trim_log(committed - 3000); // room from within
          REQUIRE_MESSAGE(freed, render(freed.error()));
          CHECK((round == 0 || *freed > 0));
        }
        CHECK(j->commit(batch_of(events(700))));
        committed += 700;
        REQUIRE(j->trim_log(committed));
        j.reset();
        journal_findings found;
        j = open(o, &found);
        CHECK(found.events_dropped == 0);
      }
      check_removing(root);
      check_ending(root);
    }
    std::ofstream{root + "/ballast"} << std::string(5u << 20, 'b'); // all there is
    auto full = journal::open(options_in(root + "/another"), nullptr);
    REQUIRE(!full);
    CHECK(code_of(full.error()) == ec::disk_full);
    CHECK(umount(root.c_str()) == 0);
  }

  TEST_CASE("little address space is enough") {
    temp_dir d;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    std::printf("skipped: little address space (sanitizers need all of it)\n");
#else
    CHECK(WEXITSTATUS(in_child([&] {
            const rlimit limit{512u << 20, 512u << 20};
            setrlimit(RLIMIT_AS, &limit);
            auto j = journal::open(options_in(d / "state"), nullptr);
            if (!j)
              return 1;
            // More than the first map of an eighth: it grows.
            for (int i = 0; i < 10; ++i) {
              const std::string spec(10u << 20, static_cast<char>('a' + i));
              journal_batch b;
              b.specs = {{hash_of_spec(spec), spec}};
              if (!(*j)->commit(b))
                return 2;
            }
            // Far more than the limit: an error, and the journal stays usable.
            for (int i = 0; i < 50; ++i) {
              const std::string spec(10u << 20, static_cast<char>(' ' + i));
              journal_batch b;
              b.specs = {{hash_of_spec(spec), spec}};
              auto seq = (*j)->commit(b);
              if (!seq)
                return code_of(seq.error()) == ec::disk_full
                               && (*j)->has_spec(hash_of_spec(std::string(10u << 20, 'a')))
                           ? 0
                           : 3;
            }
            return 4;
          }))
          == 0);
#endif
  }

  TEST_CASE("readers in other threads see whole commits while one writes and the map grows") {
    temp_dir d;
    auto o = options_in(d / "state");
    auto j = open(o);
    std::atomic<bool> stop{false};
    std::atomic<uint64_t> faults{0}, reads{0};
    const auto reader = [&](uint64_t seed) {
      random_source r{seed};
      while (!stop) {
        const auto end = j->next_sequence();
        const auto since = 1 + below(r, end);
        uint64_t expected = std::max(since, j->first_sequence());
        const auto err = j->read_log(since, [&](uint64_t seq, const job_event& e) {
          // Trimming may overtake a reader; numbers never go back.
          faults += seq < expected || (e.kind == event_kind::submit && !j->has_spec({1, 1}));
          expected = seq + 1;
          return true;
        });
        faults += err || (expected < end && j->first_sequence() < expected);
        uint64_t last = 0;
        const auto failed = j->each_job(true, [&](const job_record& x) {
          faults += x.id.value <= last;
          last = x.id.value;
          return true;
        });
        faults += static_cast<bool>(failed);
        ++reads;
      }
    };
    std::vector<std::thread> threads;
    for (uint64_t i = 0; i < 3; ++i)
      threads.emplace_back(reader, i);
    for (uint64_t n = 1; n <= 400 || reads < 10; ++n) {
      auto b = round_batch(n);
      b.specs.emplace_back(spec_hash{1, 1}, "one");
      if (!j->commit(b))
        ++faults;
      if (n % 50 == 0 && !j->trim_log(n))
        ++faults;
    }
    stop = true;
    for (auto& t : threads)
      t.join();
    CHECK(faults == 0);
  }

} // TEST_SUITE
