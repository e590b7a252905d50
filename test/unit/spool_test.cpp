// The spool of task output: append, read, restart, damage.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include <sys/mount.h>
#include <sys/stat.h>

#include "store/spool.hpp"
#include "store/spool_record.hpp"
#include "store_builders.hpp"
#include "temp_dir.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

std::unique_ptr<spool> open(const spool_options& o, spool_findings* found = nullptr) {
  auto s = spool::open(o, found);
  REQUIRE_MESSAGE(s, render(s.error()));
  return std::move(*s);
}

spool_extent append(spool& s, uint64_t id, uint32_t task, uint8_t stream, std::string_view bytes) {
  auto e = s.append({id}, task, stream, bytes);
  REQUIRE_MESSAGE(e, render(e.error()));
  return *e;
}

spool_options small_in(const temp_dir& d, uint64_t segment_bytes = 4096) {
  return {d / "spool", segment_bytes, 512};
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("nothing is made before the first byte") {
    temp_dir d;
    spool_findings found;
    auto s = open(small_in(d), &found);
    CHECK(found.segments == 0);
    CHECK(append(*s, 1, 0, 1, "") == spool_extent{});
    CHECK(!s->flush());
    CHECK(!s->sync());
    CHECK(!std::filesystem::exists(d / "spool"));
    CHECK(*s->read({}) == "");
    append(*s, 1, 0, 1, "x");
    CHECK(std::filesystem::exists(d / "spool"));
    CHECK(s->segments().size() == 1);
  }

  TEST_CASE("output is read back before and after it is flushed, and after opening again") {
    temp_dir d;
    random_source r{5};
    auto s = open(small_in(d));
    std::vector<std::pair<spool_extent, std::string>> kept;
    for (int i = 0; i < 500; ++i) {
      const auto text = any_text(r, 900);
      kept.emplace_back(append(*s, 1 + below(r, 9), 0, 1, text), text);
      const auto& [extent, expected] = kept[below(r, kept.size())];
      CHECK(*s->read(extent) == expected);
      if (below(r, 10) == 0)
        CHECK(!s->flush());
    }
    CHECK(s->segments().size() > 10);
    for (const auto& segment : s->segments())
      CHECK(segment.bytes <= 4096);
    for (int round = 0; round < 2; ++round) {
      for (const auto& [extent, expected] : kept)
        CHECK(*s->read(extent) == expected);
      s.reset();
      spool_findings found;
      s = open(small_in(d), &found);
      CHECK(found.torn_bytes == 0);
      CHECK(found.notes.empty());
      CHECK(found.segments == s->segments().size());
    }
    const auto before = s->segments();
    append(*s, 1, 0, 1, "y"); // goes on where it was
    CHECK(s->segments().size() == before.size());
  }

  TEST_CASE("parts behind one another become one part") {
    temp_dir d;
    auto s = open(small_in(d, 1u << 20));
    std::vector<spool_part> index;
    for (int i = 0; i < 100; ++i)
      add_part(index, {3, 1, append(*s, 1, 3, 1, "line " + std::to_string(i) + "\n")});
    REQUIRE(index.size() == 1);
    add_part(index, {3, 2, append(*s, 1, 3, 2, "error\n")});
    append(*s, 2, 0, 1, "another job");
    add_part(index, {3, 2, append(*s, 1, 3, 2, "error 2\n")});
    add_part(index, {3, 2, append(*s, 1, 3, 2, "error 3\n")});
    add_part(index, {3, 2, {}});
    REQUIRE(index.size() == 3);
    CHECK(s->read(index[0].extent)->starts_with("line 0\nline 1\n"));
    CHECK(*s->read(index[1].extent) == "error\n");
    CHECK(*s->read(index[2].extent) == "error 2\nerror 3\n");
  }

  TEST_CASE("an index is read back by its address") {
    temp_dir d;
    random_source r{6};
    auto s = open(small_in(d));
    std::map<uint64_t, std::vector<spool_part>> kept;
    for (int i = 0; i < 50; ++i) {
      std::vector<spool_part> index;
      for (auto n = below(r, 60); n > 0; --n)
        index.push_back(
            {static_cast<uint32_t>(r()),
             static_cast<uint8_t>(r()),
             {static_cast<uint32_t>(r()), r() >> below(r, 64), static_cast<uint32_t>(r())}});
      const auto extent = append(*s, 1, 0, 1, "filler");
      auto address = s->append_index({1}, index);
      REQUIRE(address);
      CHECK(*address != 0);
      CHECK(kept.emplace(*address, index).second);
      CHECK(code_of(s->read_index(uint64_t{extent.segment} << 32 | extent.offset).error())
            == ec::store_corrupt); // output is no index
    }
    CHECK(!s->flush());
    for (const auto& [address, index] : kept)
      CHECK(*s->read_index(address) == index);
    CHECK(code_of(s->read_index(0).error()) == ec::unknown_key);
    CHECK(code_of(s->read_index(kept.begin()->first + 1).error()) == ec::store_corrupt);
  }

  TEST_CASE("a torn tail is recognised; what lies before it is read, new output goes elsewhere") {
    temp_dir d;
    spool_extent first, second;
    {
      auto s = open(small_in(d));
      first = append(*s, 1, 0, 1, "whole");
      second = append(*s, 1, 0, 1, std::string(100, 't'));
    }
    const auto path = d / "spool/segment-00000001";
    const auto size = std::filesystem::file_size(path);
    for (const uint64_t cut : {1, 50, 110}) {
      std::filesystem::resize_file(path, size - cut);
      spool_findings found;
      auto s = open(small_in(d), &found);
      CHECK(found.torn_bytes == second.size - cut);
      REQUIRE(found.notes.size() == 1);
      CHECK(found.notes[0].find(path) != std::string::npos);
      CHECK(*s->read(first) == "whole");
      CHECK(code_of(s->read(second).error()) == ec::store_corrupt);
    }
    auto s = open(small_in(d));
    CHECK(append(*s, 1, 0, 1, "after").segment == 2);
    std::vector<std::string> texts;
    CHECK(!s->each_part(1, [&](job_id id, const spool_part& p) {
      CHECK(id.value == 1);
      texts.push_back(*s->read(p.extent));
      return true;
    }));
    CHECK(texts == std::vector<std::string>{"whole"});
  }

  TEST_CASE("damage inside a segment is noticed when it is read") {
    temp_dir d;
    auto s = open(small_in(d));
    const auto extent = append(*s, 1, 0, 1, "good text");
    CHECK(!s->flush());
    {
      std::fstream file{d / "spool/segment-00000001", std::ios::in | std::ios::out};
      file.seekp(static_cast<std::streamoff>(extent.offset + spool_head_bytes));
      file << 'b';
    }
    CHECK(code_of(s->read(extent).error()) == ec::store_corrupt);
    CHECK(code_of(s->read({1, extent.offset + 1, 10}).error()) == ec::store_corrupt);
    CHECK(code_of(s->read({1, 5000, 10}).error()) == ec::store_corrupt);
    CHECK(code_of(s->read({7, 0, 10}).error()) == ec::unknown_key);
  }

  TEST_CASE("records of any job can be found again without an index") {
    temp_dir d;
    auto s = open(small_in(d, 1u << 20));
    std::map<uint64_t, std::string> expected, got;
    random_source r{2};
    for (int i = 0; i < 200; ++i) {
      const auto id = 1 + below(r, 5);
      const auto text = any_text(r, 50) + 'x';
      append(*s, id, 1, 1, text);
      expected[id] += text;
      if (i % 50 == 0)
        CHECK(s->append_index({id}, {}));
    }
    std::map<uint64_t, std::vector<spool_part>> parts;
    CHECK(!s->each_part(1, [&](job_id id, const spool_part& p) {
      add_part(parts[id.value], p);
      return true;
    }));
    for (const auto& [id, list] : parts)
      for (const auto& p : list)
        got[id] += *s->read(p.extent);
    CHECK(got == expected);
    int calls = 0;
    CHECK(!s->each_part(1, [&](job_id, const spool_part&) { return ++calls < 3; }));
    CHECK(calls == 3);
    CHECK(code_of(s->each_part(9, [](job_id, const spool_part&) { return true; }))
          == ec::unknown_key);
  }

  TEST_CASE("an erased segment is gone, and its number is not given again") {
    temp_dir d;
    auto s = open(small_in(d));
    const auto extent = append(*s, 1, 0, 1, "x");
    CHECK(!s->erase_segment(extent.segment));
    CHECK(code_of(s->read(extent).error()) == ec::unknown_key);
    CHECK(code_of(s->erase_segment(extent.segment)) == ec::unknown_key);
    s.reset();
    s = open(small_in(d));
    const auto next = append(*s, 1, 0, 1, "y");
    CHECK(next.segment == 2);
    CHECK(*s->read(next) == "y");
  }

  TEST_CASE("a segment goes when all in it is given up, and not before; also over restarts") {
    temp_dir d;
    auto s = open(small_in(d));
    std::vector<std::pair<job_id, uint64_t>> jobs;
    std::vector<std::vector<spool_part>> parts(9);
    for (int round = 0; round < 20; ++round)
      for (uint64_t id = 1; id < 9; ++id)
        parts[id].push_back({0, 1, append(*s, id, 0, 1, std::string(100, 'a' + char(id)))});
    for (uint64_t id = 1; id < 9; ++id)
      jobs.emplace_back(job_id{id}, *s->append_index({id}, parts[id]));
    CHECK(!s->flush());
    const auto first = s->segments();
    REQUIRE(first.size() > 4);
    // All but one of the jobs: each segment has something of that one.
    CHECK(s->forget({jobs.begin(), jobs.begin() + 4}) == 4);
    s.reset();
    s = open(small_in(d));
    CHECK(s->forget({jobs.begin() + 4, jobs.end() - 1}) == 3);
    CHECK(s->segments().size() == first.size());
    for (auto& p : parts[8])
      CHECK(*s->read(p.extent) == std::string(100, 'a' + 8));
    s.reset();
    s = open(small_in(d));
    CHECK(s->forget({jobs.back()}) == 1);
    CHECK(s->segments().size() == 1); // the newest is small, and written to
    CHECK(code_of(s->read(parts[8].front().extent).error()) == ec::unknown_key);
    CHECK(s->segments().front().segment == first.back().segment);
    // It follows when it is not the newest any more.
    CHECK(append(*s, 9, 0, 1, std::string(4000, 'x')).segment == first.back().segment + 1);
    CHECK(s->segments().size() == 1);
  }

  TEST_CASE("what is given up without an index, or with a wrong job, takes nothing else along") {
    temp_dir d;
    auto s = open(small_in(d));
    const auto kept = append(*s, 1, 0, 1, std::string(3000, 'k'));
    const auto index = *s->append_index({1}, {{0, 1, kept}});
    const auto lost = append(*s, 2, 0, 1, std::string(3000, 'l'));
    append(*s, 3, 0, 1, std::string(3000, 'n'));
    CHECK(s->forget({{job_id{2}, index}}) == 0);
    CHECK(s->forget({{job_id{1}, index + 1}}) == 0);
    CHECK(s->forget({{job_id{1}, uint64_t{77} << 32}}) == 0);
    CHECK(s->segments().size() == 3);
    s->forget_parts({{0, 1, lost}});
    CHECK(s->segments().size() == 2);
    CHECK(*s->read(kept) == std::string(3000, 'k'));
    s->forget_index({1}, index); // a longer one has been written
    CHECK(*s->read(kept) == std::string(3000, 'k'));
    s->forget_parts({{0, 1, kept}});
    CHECK(s->segments().size() == 1);
  }

  TEST_CASE("much that is given up within a segment makes room on the disk at once") {
    temp_dir d;
    const spool_options o{d / "spool", 64u << 20, 32u << 10};
    auto s = open(o);
    const auto kept = append(*s, 1, 0, 1, "kept");
    std::vector<spool_part> big;
    for (int i = 0; i < 64; ++i)
      add_part(big, {0, 1, append(*s, 2, 0, 1, std::string(100'000, 'b'))});
    const auto index = *s->append_index({2}, big);
    CHECK(!s->flush());
    const auto blocks = [&] {
      struct stat info {};
      REQUIRE(::stat((d / "spool/segment-00000001").c_str(), &info) == 0);
      return info.st_blocks * 512;
    };
    CHECK(blocks() > 6'000'000);
    CHECK(s->forget({{job_id{2}, index}}) == 1);
    CHECK(blocks() < 100'000);
    CHECK(*s->read(kept) == "kept");
    const auto next = append(*s, 3, 0, 1, "next");
    CHECK(!s->flush());
    s.reset();
    s = open(o);
    CHECK(*s->read(kept) == "kept");
    CHECK(*s->read(next) == "next");
    CHECK(append(*s, 3, 0, 1, "on").segment == 2); // there is no telling where the first one ends
  }

  TEST_CASE("too much at once, impossible options and a file in the way are refused") {
    temp_dir d;
    auto s = open(small_in(d));
    CHECK(code_of(s->append({1}, 0, 1, std::string(5000, 'x')).error()) == ec::too_big);
    CHECK(append(*s, 1, 0, 1, std::string(4096 - spool_head_bytes, 'x')).size == 4096);
    CHECK(code_of(s->append_index({1}, std::vector<spool_part>(4000)).error()) == ec::too_big);
    CHECK(code_of(spool::open({d / "x", 10, 10}, nullptr).error()) == ec::bad_argument);
    std::ofstream{d / "file"} << "x";
    CHECK(code_of(spool::open({d / "file", 4096, 10}, nullptr).error()) == ec::store_failed);
  }

  TEST_CASE("two processes that share a directory keep to their own segments") {
    temp_dir d;
    auto a = open(small_in(d));
    const auto first = append(*a, 1, 0, 1, "a");
    CHECK(!a->flush());
    auto b = open(small_in(d)); // flock tells descriptors apart, not processes
    const auto second = append(*b, 2, 0, 1, "b");
    CHECK(second.segment == 2);
    CHECK(append(*a, 1, 0, 1, "a").segment == 1);
    CHECK(*b->read(first) == "a");
  }

  TEST_CASE("a full disk refuses output, loses none that was taken, and goes on later") {
    temp_dir d;
    const auto root = d / "small";
    std::filesystem::create_directory(root);
    if (mount("tmpfs", root.c_str(), "tmpfs", 0, "size=1m") != 0) {
      std::printf("skipped: a full disk (mounting a tmpfs is not permitted here)\n");
      return;
    }
    {
      std::ofstream{root + "/ballast"} << std::string(500'000, 'b');
      auto s = open({root + "/spool", 64u << 20, 32u << 10});
      std::vector<spool_extent> kept;
      caf::error why;
      const std::string text(1000, 't');
      while (!why) {
        auto e = s->append({1}, 0, 1, text);
        if (e)
          kept.push_back(*e);
        else
          why = e.error();
      }
      CHECK(code_of(why) == ec::disk_full);
      CHECK(context_of(why).find(root) != std::string::npos);
      CHECK(code_of(s->flush()) == ec::disk_full);
      for (const auto& e : kept)
        CHECK(*s->read(e) == text);
      std::filesystem::remove(root + "/ballast");
      kept.push_back(append(*s, 1, 0, 1, text));
      CHECK(!s->flush());
      s.reset();
      spool_findings found;
      s = open({root + "/spool", 64u << 20, 32u << 10}, &found);
      CHECK(found.torn_bytes == 0);
      for (const auto& e : kept)
        CHECK(*s->read(e) == text);
    }
    CHECK(umount(root.c_str()) == 0);
  }

  TEST_CASE("readers in other threads see whole records while one appends") {
    temp_dir d;
    auto s = open(small_in(d, 1u << 16));
    constexpr size_t count = 5000;
    std::vector<spool_extent> extents(count);
    std::atomic<size_t> ready{0};
    std::atomic<int> faults{0};
    const auto text_of = [](size_t i) { return std::string(1 + i % 90, static_cast<char>(i)); };
    std::vector<std::thread> threads;
    for (uint64_t t = 0; t < 2; ++t)
      threads.emplace_back([&, t] {
        random_source r{t};
        while (ready < count) {
          if (ready == 0)
            continue;
          const auto i = std::max<size_t>(ready, 20) - 1 - below(r, 20);
          if (i >= ready)
            continue;
          auto got = s->read(extents[i]);
          faults += !got || *got != text_of(i);
        }
      });
    for (size_t i = 0; i < count; ++i) {
      extents[i] = append(*s, 1, 0, 1, text_of(i));
      ready = i + 1;
    }
    for (auto& t : threads)
      t.join();
    CHECK(faults == 0);
  }

  TEST_CASE("random bytes never break the spool's decoders") {
    random_source r{11};
    std::string good;
    encode_spool_record(good, {{5}, 1, 2, spool_kind::output, "text"});
    for (size_t i = 0; i < good.size(); ++i) {
      auto bad = good;
      bad[i] = static_cast<char>(bad[i] ^ 8);
      std::string_view in{bad};
      spool_record got;
      CHECK(!take_spool_record(in, got));
    }
    for (int i = 0; i < 20'000; ++i) {
      const auto noise = any_text(r, 80);
      std::string_view in{noise};
      spool_record got;
      std::vector<spool_part> index;
      take_spool_record(in, got);
      decode_spool_index(noise, index);
    }
  }

} // TEST_SUITE
