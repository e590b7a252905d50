// Reading jobspecs one after the other says of each what reading it alone says.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "actors/spec_reader.hpp"
#include "spec_texts.hpp"
#include "text_mutation.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

/// The reader beside one that has read nothing yet.
struct readers {
  caf::expected<job_spec_ptr> read(std::string_view text) { return reader.read(text); }

  void check(std::string_view text) {
    CAPTURE(text);
    auto a = reader.read(text);
    spec_reader fresh{std::make_shared<spec_cache>()};
    auto b = fresh.read(text);
    REQUIRE(static_cast<bool>(a) == static_cast<bool>(b));
    if (!a) {
      CHECK(render(a.error()) == render(b.error()));
      return;
    }
    auto &x = **a, &y = **b;
    CHECK(x.text == y.text);
    CHECK(x.environment_text() == y.environment_text());
    CHECK(x.hash == y.hash);
    CHECK(x.name == y.name);
    CHECK(x.queue == y.queue);
    CHECK(x.cwd == y.cwd);
    CHECK(x.ntasks == y.ntasks);
    CHECK(x.ncores == y.ncores);
    CHECK(x.nnodes == y.nnodes);
    CHECK(x.duration_s == y.duration_s);
    CHECK((x.dependencies == nullptr) == (y.dependencies == nullptr));
    CHECK(describe(*x.request) == describe(*y.request));
  }

  std::shared_ptr<spec_cache> specs = std::make_shared<spec_cache>();
  spec_reader reader{specs};
};

spec_text ensemble(std::vector<std::string> command) {
  spec_text s;
  s.command = std::move(command);
  s.cwd = "/tmp";
  s.environment = {{"A", "1"}, {"B", "two"}};
  return s;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("a jobspec without a time limit gets the instance's, one with any keeps its own") {
    auto specs = std::make_shared<spec_cache>();
    spec_reader with{specs, 90}, fraction{specs, 0.5};
    auto silent = ensemble({"a"});
    auto object = parse_json(silent.text());
    REQUIRE(object);
    auto& system = (*object)["attributes"]["system"];
    system.erase("duration");
    auto set = with.read(dump(*object));
    REQUIRE(set);
    CHECK((*set)->duration_s == 90);
    CHECK((*set)->request->duration_s == 90);
    CHECK((*set)->text.find("\"duration\":90") != std::string::npos);
    CHECK((*fraction.read(dump(*object)))->duration_s == 0.5);
    CHECK((*spec_reader{specs}.read(dump(*object)))->duration_s == 0);
    (*object)["tasks"][0]["command"] = {"b"};
    CHECK((*with.read(dump(*object)))->text.find("\"duration\":90") != std::string::npos);
    for (auto own : {0, 5}) {
      system["duration"] = own;
      CHECK((*with.read(dump(*object)))->duration_s == own);
    }
  }

  TEST_CASE("jobspecs that differ in their command share all else") {
    readers r;
    auto a = r.read(ensemble({"/usr/bin/run", "1"}).text());
    auto b = r.read(ensemble({"/opt/other", "--case", "2"}).text());
    auto c = r.read(ensemble({"/usr/bin/run", "1"}).text());
    REQUIRE(a);
    REQUIRE(b);
    REQUIRE(c);
    CHECK(*a == *c);
    CHECK(*a != *b);
    CHECK((*a)->request == (*b)->request); // so it was not compiled again
    CHECK((*a)->environment == (*b)->environment);
    CHECK((*a)->name == "run");
    CHECK((*b)->name == "other");
    auto text = ensemble({"/opt/other", "--case", "2"}).text();
    CHECK((*b)->text == separate_environment(text)->text);
  }

  TEST_CASE("a named job keeps its name whatever it runs") {
    readers r;
    auto s = ensemble({"a"});
    s.name = "mine";
    CHECK((*r.read(s.text()))->name == "mine");
    s.command = {"b"};
    CHECK((*r.read(s.text()))->name == "mine");
  }

  TEST_CASE("every kind of command is read as it is read alone") {
    readers r;
    r.check(ensemble({"true"}).text());
    for (auto& command : std::vector<std::vector<std::string>>{{"a"},
                                                               {"a", ""},
                                                               {""},
                                                               {},
                                                               {"a b", "{cc}"},
                                                               {"\"quoted\""},
                                                               {"back\\slash"},
                                                               {"new\nline"},
                                                               {"\xC3\xA9"},
                                                               {"\x7F"},
                                                               {std::string{"n\0ul", 4}},
                                                               {"/"},
                                                               {"/x/y/"},
                                                               {"],\"count\":{\"per_slot\":9}"}})
      r.check(ensemble(command).text());
    auto text = ensemble({"WORDS"}).text();
    auto at = text.find("[\"WORDS\"]");
    for (auto* list :
         {"[ \"a\" , \"b\" ]", "[\"a\",1]", "[\"a\"", "\"a\"", "[\"a\"],\"slot\":\"x\"",
          "[[\"a\"]]", "[\"a\"] []", "null", "[\"\\u0061\"]"})
      r.check(std::string{text}.replace(at, 9, list));
  }

  TEST_CASE("texts of all shapes in a row are each read as alone") {
    readers r;
    std::vector<std::string> texts;
    for (uint32_t i = 0; i < 40; ++i) { // more than are remembered
      auto s = ensemble({"run", std::to_string(i)});
      s.slots = 1 + i % 7;
      s.cores = 1 + i % 3;
      s.duration_s = i;
      texts.push_back(s.text());
    }
    texts.push_back("version: 1\nresources: [{type: slot, count: 2, label: x, with: [{type: core, "
                    "count: 1}]}]\ntasks: [{command: [a], slot: x, count: {per_slot: 1}}]\n"
                    "attributes: {}\n");
    auto two = json::parse(texts[0]);
    two["tasks"].push_back(two["tasks"][0]);
    texts.push_back(dump(two));
    texts.push_back(dump_pretty(json::parse(texts[1])));
    for (int round = 0; round < 2; ++round)
      for (auto& text : texts)
        r.check(text);
  }

  TEST_CASE("whatever is submitted, what was read before changes nothing of it") {
    std::mt19937 random{815};
    readers r;
    auto text = ensemble({"/bin/run", "--case", "17"}).text();
    auto at = text.find("[\"/bin/run\"");
    auto end = text.find(']', at) + 1;
    r.check(text);
    for (int i = 0; i < 6000; ++i) {
      // Half of them change within the command, where the short way is.
      auto words = text.substr(at, end - at);
      r.check(i % 2 == 0 ? mutate(text, random)
                         : text.substr(0, at) + mutate(words, random) + text.substr(end));
    }
  }
}
