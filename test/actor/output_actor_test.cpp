// OUTPUT: appends, reads, seals, and readers that wait.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include <sys/mount.h>

#include "actors/output.hpp"
#include "fake_services.hpp"
#include "runtime/log.hpp"
#include "temp_dir.hpp"

using namespace hactor;
using namespace hactor::test;
using namespace std::chrono_literals;

namespace {

constexpr job_id job{1};

struct bench : actor_fixture {
  explicit bench(const std::string& directory, size_t buffer = 256u << 10) {
    log_level_max(log_level::emerg);
    auto opened = spool::open({directory, 64u << 20, buffer}, nullptr);
    REQUIRE(opened);
    reader = caf::actor_cast<caf::actor>(spawn(fake_connector, world));
    output = spawn(output_service, rank_t{2}, std::shared_ptr<spool>{std::move(*opened)}, gate);
  }
  void write(const std::string& bytes, uint32_t task = 0, uint8_t stream = 1) {
    gate->add(static_cast<int64_t>(bytes.size()));
    tell(output, output_append{job, task, stream, bytes});
  }
  auto seal() { return ask<output_sealed>(output, output_seal{job}); }
  output_reply read(uint64_t cursor, bool wait = true, uint64_t address = 0, uint64_t max = 1000) {
    auto a = ask<output_reply>(
      output, output_request{job, cursor, max, address, wait ? reader : caf::actor{}, 9});
    REQUIRE(a->value);
    return *a->value;
  }
  world_ptr world = std::make_shared<fake_world>();
  std::shared_ptr<output_gate> gate = std::make_shared<output_gate>();
  caf::actor reader;
  output_actor output;
};

std::string text_of(const output_reply& r) {
  std::string text;
  for (auto& c : r.chunks)
    text += std::to_string(c.task) + (c.stream == 2 ? "!" : ":") + c.bytes;
  return text;
}

void tell_give_up(bench& b) { b.tell(b.output, output_give_up{job}); }

} // namespace

TEST_SUITE("actor") {

  TEST_CASE("what tasks write is read in order, and read on from where one stopped") {
    temp_dir d;
    bench b{d / "spool"};
    b.write("a");
    b.write("b");
    b.write("err", 1, 2);
    auto first = b.read(0);
    CHECK(text_of(first) == "0:ab1!err");
    CHECK(first.end == first.cursor);
    auto part = b.read(0, true, 0, 1);
    CHECK(text_of(part) == "0:ab");
    CHECK(part.cursor < part.end);
    CHECK(part.end == first.end);
    CHECK_FALSE(first.sealed);
    b.write("more", 1, 2);
    auto second = b.read(first.cursor);
    CHECK(text_of(second) == "1!more");
    CHECK(text_of(b.read(second.cursor)) == "");
  }

  TEST_CASE("a job that never wrote leaves nothing when its last reader has gone") {
    temp_dir d;
    bench b{d / "spool"};
    b.read(0);
    auto live = [&] { return b.ask<stats_reply>(b.output, stats_atom_v)->value->values[0].second; };
    CHECK(live() == 1);
    CHECK(b.read(0, false).sealed);
    CHECK(live() == 0);
    CHECK(b.world->ready.size() == 1); // another who waited asks again
  }

  TEST_CASE("a reader who finds nothing is told once when there is something") {
    temp_dir d;
    bench b{d / "spool"};
    CHECK(b.read(0).chunks.empty());
    CHECK(b.world->ready.empty());
    b.write("x");
    b.write("y");
    REQUIRE(b.world->ready.size() == 1);
    CHECK(b.world->ready[0].tag == 9);
    CHECK(b.world->ready[0].rank == 2);
    CHECK(text_of(b.read(0)) == "0:xy");
  }

  TEST_CASE("a sealed job is read by its address to its end, and waiting readers hear of it") {
    temp_dir d;
    bench b{d / "spool"};
    b.write("abc");
    b.write("def", 1);
    auto live = b.read(0);
    CHECK(b.read(live.cursor).chunks.empty());
    auto sealed = b.seal();
    REQUIRE(sealed->value);
    auto address = sealed->value->address;
    CHECK(address != 0);
    CHECK(b.world->ready.size() == 1);
    auto rest = b.read(live.cursor, false, address);
    CHECK(rest.sealed);
    CHECK(rest.chunks.empty());
    auto again = b.read(0, false, address, 1);
    CHECK(text_of(again) == "0:abc");
    CHECK_FALSE(again.sealed);
    auto last = b.read(again.cursor, false, address);
    CHECK(text_of(last) == "1:def");
    CHECK(last.sealed);
  }

  TEST_CASE("a job that wrote nothing has no address and nothing to read") {
    temp_dir d;
    bench b{d / "spool"};
    CHECK(b.seal()->value->address == 0);
    auto r = b.read(0, false);
    CHECK(r.sealed);
    CHECK(r.chunks.empty());
    (void)b.read(0, true);
    CHECK(b.seal()->value->address == 0); // only a reader's name was kept
    CHECK(b.world->ready.size() == 1);
  }

  TEST_CASE("bytes that are spooled open the gate") {
    temp_dir d;
    bench b{d / "spool"};
    b.write("abc");
    b.gate->add(output_gate::bytes_max);
    CHECK_FALSE(b.gate->closed());
    b.gate->add(1);
    CHECK(b.gate->closed());
  }

  TEST_CASE("output that finds the disk full waits in order and loses nothing") {
    temp_dir d;
    auto root = d / "small";
    std::filesystem::create_directory(root);
    if (mount("tmpfs", root.c_str(), "tmpfs", 0, "size=256k") != 0) {
      std::printf("skipped: a full disk (mounting a tmpfs is not permitted here)\n");
      return;
    }
    {
      std::ofstream{root + "/ballast"} << std::string(200'000, 'b');
      bench b{root + "/spool", 512};
      std::string all;
      for (int i = 0; i < 200; ++i) {
        auto text = std::to_string(i) + std::string(1000, 'x');
        b.write(text);
        all += text;
      }
      auto sealed = b.seal();
      CHECK(sealed->pending());
      b.pass(3000ms);
      CHECK(sealed->pending());
      std::filesystem::remove(root + "/ballast");
      b.pass(3000ms);
      REQUIRE(sealed->value);
      std::string got;
      for (output_reply r; !r.sealed;) {
        r = b.read(r.cursor, false, sealed->value->address, 50'000);
        for (auto& c : r.chunks)
          got += c.bytes;
      }
      CHECK(got == all);
    }
    umount(root.c_str());
  }

  TEST_CASE("what is forgotten goes; who is reading it reads to its end") {
    temp_dir d;
    bench b{d / "spool"};
    b.write(std::string(50'000, 'a'), 0);
    b.write(std::string(50'000, 'b'), 1);
    auto address = b.seal()->value->address;
    auto first = b.read(0, false, address, 1);
    CHECK_FALSE(first.sealed);
    b.tell(b.output, output_forget{{{job, address}}});
    auto second = b.read(first.cursor, false, address, 1);
    CHECK(second.sealed);
    CHECK(text_of(second) == "1:" + std::string(50'000, 'b'));
    b.run();
    auto gone = b.ask<output_reply>(b.output, output_request{job, 0, 1000, address, {}, 9});
    CHECK(code_of(gone->error) == ec::unknown_key);
    // Of another one nobody reads.
    b.write(std::string(50'000, 'c'));
    address = b.seal()->value->address;
    CHECK(b.read(0, false, address).sealed);
    b.tell(b.output, output_forget{{{job, address}}});
    gone = b.ask<output_reply>(b.output, output_request{job, 0, 1000, address, {}, 9});
    CHECK(code_of(gone->error) == ec::unknown_key);
  }

  TEST_CASE("what an attempt before wrote is given up with the last one's index") {
    temp_dir d;
    bench b{d / "spool"};
    b.write(std::string(40'000, 'a'));
    auto before = b.seal()->value->address;
    b.tell(b.output, output_reopen{job, before});
    b.write("again");
    auto address = b.seal()->value->address;
    b.tell(b.output, output_forget{{{job, address}}});
    auto gone = b.ask<output_reply>(b.output, output_request{job, 0, 1000, before, {}, 9});
    CHECK(code_of(gone->error) == ec::unknown_key); // the whole segment
  }

  TEST_CASE("what waits for a full disk can be given up, and what was lost is said") {
    for (bool index_too : {false, true}) {
      temp_dir d;
      auto root = d / "small";
      std::filesystem::create_directory(root);
      if (mount("tmpfs", root.c_str(), "tmpfs", 0, "size=256k") != 0) {
        std::printf("skipped: a full disk (mounting a tmpfs is not permitted here)\n");
        return;
      }
      {
        std::ofstream{root + "/ballast"} << std::string(200'000, 'b');
        bench b{root + "/spool", 512};
        tell_give_up(b); // nothing waits
        int64_t bytes = 0;
        for (int i = 0; i < 200; ++i, bytes += 1000)
          b.write(std::string(1000, 'x'));
        auto sealed = b.seal();
        b.pass(3000ms);
        CHECK(sealed->pending());
        b.tell(b.output, output_append{job_id{2}, 0, 1, "another's"});
        if (!index_too)
          std::filesystem::resize_file(root + "/ballast", 190'000); // a page or two
        tell_give_up(b);
        REQUIRE(sealed->value);
        CHECK(sealed->value->lost.find("the disk is full") == 0);
        CHECK((sealed->value->address == 0) == index_too);
        CHECK((sealed->value->lost.find("bytes") == std::string::npos) == index_too);
        CHECK_FALSE(b.gate->closed());
        std::filesystem::remove(root + "/ballast");
        b.pass(3000ms);
        auto other = b.ask<output_sealed>(b.output, output_seal{job_id{2}});
        REQUIRE(other->value);
        CHECK(other->value->address != 0);
        CHECK(other->value->lost == "");
      }
      umount(root.c_str());
    }
  }
}
