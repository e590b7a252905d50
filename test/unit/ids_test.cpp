// runtime/ids: the spellings of RFC 19 and the generator.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/ids.hpp"

#include <algorithm>
#include <unordered_set>
#include <vector>

#include <doctest/doctest.h>

using namespace hactor;

TEST_SUITE("unit") {

  TEST_CASE("a job id is written in every form") {
    job_id id{6731191091817518};
    CHECK(to_string(id) == "fuZZybuNNy");
    CHECK(format_job_id(id, id_form::f58) == "ƒuZZybuNNy");
    CHECK(format_job_id(id, id_form::f58_plain) == "fuZZybuNNy");
    CHECK(format_job_id(id, id_form::dec) == "6731191091817518");
    CHECK(format_job_id(id, id_form::hex) == "0x17e9fb8df16c2e");
    CHECK(format_job_id(id, id_form::dothex) == "0017.e9fb.8df1.6c2e");
    CHECK(format_job_id(id, id_form::kvs) == "job.0017.e9fb.8df1.6c2e");
    CHECK(format_job_id(id, id_form::words) == "babil-volur-mulud-kubov");
    CHECK(format_job_id(id, id_form::emoji) == "👩💅📓😸👑🚓");
    CHECK(format_job_id(job_id{0}, id_form::words) == "babab-babab-babab-babab");
    CHECK(format_job_id(job_id{0}, id_form::emoji) == "😃");
    CHECK(format_job_id(job_id{UINT64_MAX}, id_form::words) == "zuzuz-zuzuz-zuzuz-zuzuz");
    CHECK(format_job_id(job_id{UINT64_MAX}, id_form::emoji) == "🚹💗💧👗😷📷📚");
    CHECK(to_string(job_id{0}) == "f1");
    CHECK(to_string(job_id{UINT64_MAX}) == "fjpXCZedGfVQ");
  }

  TEST_CASE("a job id is read in every spelling") {
    for (auto text : {"fuZZybuNNy", "ƒuZZybuNNy", "6731191091817518", "0x17e9fb8df16c2e",
                      "0X17E9FB8DF16C2E", "0017.e9fb.8df1.6c2e", "17.e9fb.8df1.6c2e",
                      "job.0017.e9fb.8df1.6c2e", "babil-volur-mulud-kubov",
                      "BABIL-VOLUR-MULUD-KUBOV", "👩💅📓😸👑🚓", "😃👩💅📓😸👑🚓",
                      "  fuZZybuNNy\n", "\t6731191091817518 "}) {
      INFO(std::string{text});
      auto id = parse_job_id(text);
      REQUIRE(id);
      CHECK(id->value == 6731191091817518);
    }
    CHECK(parse_job_id("ƒ1")->value == 0);
    CHECK(parse_job_id("0")->value == 0);
  }

  TEST_CASE("every form of every id reads back") {
    uint64_t value = 1;
    for (int i = 0; i < 200; ++i) {
      for (auto form : {id_form::f58, id_form::f58_plain, id_form::dec, id_form::hex,
                        id_form::dothex, id_form::kvs, id_form::words, id_form::emoji})
        CHECK(parse_job_id(format_job_id(job_id{value}, form))->value == value);
      value = value * 6364136223846793005u + 1442695040888963407u;
    }
    for (auto form : {id_form::f58, id_form::dec, id_form::hex, id_form::dothex, id_form::words,
                      id_form::emoji})
      CHECK(parse_job_id(format_job_id(job_id{UINT64_MAX}, form))->value == UINT64_MAX);
  }

  TEST_CASE("text that is no job id is refused by name") {
    for (auto text : {"",
                      " ",
                      "f",
                      "ƒ",
                      "abc",
                      "12x",
                      "+1",
                      "-1",
                      "1 2",
                      "0x",
                      "0x1g",
                      "fO0Il",
                      "f12 34",
                      "18446744073709551616",
                      "0x10000000000000000",
                      "fjpXCZedGfVR",
                      "fzzzzzzzzzzz",
                      "f111111111111",
                      "1.2.3",
                      "1.2.3.4.5",
                      "00017.0.0.0",
                      "1..2.3",
                      "1.2.3.",
                      ".1.2.3",
                      "job.",
                      "job.1",
                      "job.fuZZybuNNy",
                      "1.2.3.g",
                      "babab-babab-babab",
                      "babab-babab-babab-babab-babab",
                      "babab-babab-babab-babax",
                      "babab-babab-babab-bbbab",
                      "babab_babab_babab-babab",
                      "babab-babab--babab-baba",
                      "😃x",
                      "😃\xF0\x9F\x98",
                      "😃 😃",
                      "\xF0\x9F\x98\x80",          // grinning face, which is younger
                      "🚹💗💧👗😷📷📜",      // 2^64
                      "😃😃😃😃😃😃😃😃"}) { // eight digits
      INFO(std::string{text});
      auto id = parse_job_id(text);
      REQUIRE_FALSE(id);
      CHECK(code_of(id.error()) == ec::bad_id);
    }
    CHECK(render(parse_job_id("abc").error()).find("'abc'") != std::string::npos);
  }

  TEST_CASE("emoji are those of RFC 19: its examples have neither a generator nor a sequence") {
    for (auto text : {"🚹💂🙌😳💱🏃", "😄😹🎇📥🏧🙉🔞", "🚹💂🈳💰🎩🏃"}) {
      INFO(std::string{text});
      auto id = parse_job_id(text);
      REQUIRE(id);
      CHECK((id->value & 0xffffff) == 0);
      CHECK(format_job_id(*id, id_form::emoji) == text);
    }
  }

  TEST_CASE("the words of Flux are refused by name") {
    auto found = parse_job_id("reform-remote-galileo--heart-package-academy");
    REQUIRE_FALSE(found);
    CHECK(render(found.error()).find("words of Flux are not read") != std::string::npos);
  }

  TEST_CASE("id forms have names") {
    CHECK(*parse_id_form("f58") == id_form::f58);
    CHECK(*parse_id_form("f58plain") == id_form::f58_plain);
    CHECK(*parse_id_form("dec") == id_form::dec);
    CHECK(*parse_id_form("hex") == id_form::hex);
    CHECK(*parse_id_form("dothex") == id_form::dothex);
    CHECK(*parse_id_form("kvs") == id_form::kvs);
    CHECK(*parse_id_form("words") == id_form::words);
    CHECK(*parse_id_form("emoji") == id_form::emoji);
    CHECK(code_of(parse_id_form("F58").error()) == ec::bad_argument);
  }

  TEST_CASE("ids of one generator strictly increase, whatever the clock does") {
    fluid_generator generator{5};
    job_id last{0};
    // Also before the epoch, and more than 34 years after it.
    uint64_t clock[] = {0,    0,    100,  100,          99,           3, 101,
                        2000, 1999, 2000, uint64_t{0} - 5, uint64_t{1} << 40, 5, 3000};
    for (auto now : clock)
      for (int i = 0; i < 700; ++i) {
        auto id = generator.next(now);
        REQUIRE(id > last);
        last = id;
      }
    CHECK(fluid_ms(last) == 3000);
  }

  TEST_CASE("an id tells its millisecond and holds its generator") {
    fluid_generator generator{16383};
    auto id = generator.next(123456);
    CHECK(fluid_ms(id) == 123456);
    CHECK(((id.value >> 10) & 16383) == 16383);
    CHECK((id.value & 1023) == 0);
    CHECK(generator.next(123456).value == id.value + 1);
  }

  TEST_CASE("more than 1024 ids in a millisecond run ahead of the clock") {
    fluid_generator generator{0};
    for (int i = 0; i < 1024; ++i)
      CHECK(fluid_ms(generator.next(10)) == 10);
    CHECK(fluid_ms(generator.next(10)) == 11);
    CHECK(fluid_ms(generator.next(11)) == 11);
    CHECK(fluid_ms(generator.next(12)) == 12);
  }

  TEST_CASE("after a restart ids lie behind the last one used, and none is 0") {
    fluid_generator restarted{0, 500};
    CHECK(fluid_ms(restarted.next(400)) == 501);
    fluid_generator first{0};
    CHECK(first.next(0));
  }

  TEST_CASE("ids that one generator makes in a row are known from each other") {
    fluid_generator generator{7, 99};
    std::vector<job_id> ids;
    for (int i = 0; i < 3000; ++i)
      ids.push_back(generator.next(100));
    for (size_t i : {0u, 1u, 1023u, 1024u, 2047u, 2048u, 2999u}) {
      CHECK(neighbour_of(ids[0], static_cast<int64_t>(i)) == ids[i]);
      CHECK(neighbour_of(ids[i], -static_cast<int64_t>(i)) == ids[0]);
    }
    CHECK_FALSE(neighbour_of(job_id{5}, -6));
    CHECK_FALSE(neighbour_of(job_id{UINT64_MAX}, 1));
    CHECK_FALSE(neighbour_of(job_id{5}, INT64_MAX));
    CHECK_FALSE(neighbour_of(ids[0], INT64_MIN));
  }

  TEST_CASE("a million ids of many generators at the same time are all different") {
    std::vector<job_id> ids;
    std::vector<fluid_generator> generators;
    for (uint32_t i = 0; i < 1000; ++i)
      generators.emplace_back(i * 16);
    for (uint64_t ms = 1; ids.size() < 1'000'000; ms += 1)
      for (auto& g : generators)
        for (int i = 0; i < 10; ++i)
          ids.push_back(g.next(ms / 3)); // the clock stands, and goes on
    auto of_time = [](job_id id) { return fluid_ms(id); };
    CHECK(std::is_sorted(ids.begin(), ids.end(),
                         [&](job_id a, job_id b) { return of_time(a) < of_time(b); }));
    std::sort(ids.begin(), ids.end());
    CHECK(std::adjacent_find(ids.begin(), ids.end()) == ids.end());
  }

  TEST_CASE("job ids hash and compare") {
    std::unordered_set<job_id> ids{{1}, {2}, {1}};
    CHECK(ids.size() == 2);
    CHECK(job_id{1} < job_id{2});
    CHECK_FALSE(job_id{0});
  }

} // TEST_SUITE
