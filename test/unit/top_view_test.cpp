// tools: the picture of 'hactor top' and its keys.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "tools/top_view.hpp"

using namespace hactor;
using namespace hactor::tools;

namespace {

top_facts facts(size_t jobs) {
  top_facts f;
  f.state = "run";
  f.owner = "ann";
  f.started = 1000;
  f.level = 1;
  f.nodes_up = 4;
  f.cores = 16;
  f.cores_used = 5;
  f.waiting = 7;
  f.running = jobs;
  f.completed = 100;
  for (size_t i = 0; i < jobs; ++i)
    f.jobs.push_back({{{"id", "f" + std::to_string(i + 1)},
                       {"name", "job" + std::to_string(i + 1)},
                       {"state", "RUN"},
                       {"ntasks", 2},
                       {"nnodes", 1},
                       {"t_run", 1090.5},
                       {"nodelist", "n1"}},
                      "f" + std::to_string(i + 1),
                      i % 2,
                      i == 0});
  return f;
}

size_t count(const std::string& text, std::string_view part) {
  size_t n = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1))
    ++n;
  return n;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("the header says what the instance is and has") {
    auto f = facts(1);
    auto lines = top_header(f, 1100.7, 0);
    CHECK(lines
          == std::vector<std::string>{"the instance  run 0:01:40  level 1  owner ann",
                                      "nodes 4 up  cores [|||||||             ] 5/16",
                                      "jobs 7 waiting  1 running  100 completed  0 failed"});
    f.path = "f1/f2";
    f.nodes_down = 2;
    f.gpus = 8;
    f.gpus_used = 8;
    f.rate = 12.34;
    lines = top_header(f, 1100, 0);
    CHECK(lines[0].starts_with("instance f1/f2  "));
    CHECK(
        lines[1]
        == "nodes 4 up 2 down  cores [|||||||             ] 5/16  gpus [||||||||||||||||||||] 8/8");
    CHECK(lines[2].ends_with("  12.3 jobs/s"));
    for (auto& line : top_header(f, 1100, 20))
      CHECK(line.size() <= 20);
    f.queues = {{"batch", 5, 2, 1, 3, true, true}, {"debug", 0, 0, 0, 1, false, false}};
    lines = top_header(f, 1100, 0);
    REQUIRE(lines.size() == 5);
    CHECK(lines[3] == "queue batch  nodes 3  5 waiting (2 held)  1 running");
    CHECK(lines[4] == "queue debug  nodes 1  0 waiting  0 running  disabled  stopped");
    CHECK(top_rows_around(f) == top_rows_around(facts(1)) + 2);
    f.queue = "batch";
    CHECK(top_header(f, 1100, 0)[2] == "jobs 7 waiting  1 running");
  }

  TEST_CASE("the list has a line for each job, with its depth and what it holds") {
    auto lines = top_list(facts(3), 1100.7, 0, 10, 0);
    REQUIRE(lines.size() == 4);
    CHECK(lines[0] == "       JOBID NTASKS NNODES  RUNTIME T_REMAIN NAME   NODELIST");
    CHECK(lines[1] == "          f1      2      1      10s        - job1 + n1");
    CHECK(lines[2] == "          f2      2      1      10s        -   job2 n1");
    CHECK(top_list(facts(3), 1100, 2, 10, 0).size() == 2);
    CHECK(top_list(facts(3), 1100, 9, 10, 0).size() == 1);
    for (auto& line : top_list(facts(3), 1100, 0, 10, 30))
      CHECK(line.size() <= 30);
  }

  TEST_CASE("the chosen job is always seen") {
    top_place p;
    p.selected = 9;
    p.fit(20, 5);
    CHECK(p.first == 5);
    p.selected = 2;
    p.fit(20, 5);
    CHECK(p.first == 2);
    p.selected = 50;
    p.fit(20, 5);
    CHECK(p.selected == 19);
    CHECK(p.first == 15);
    p.fit(0, 5);
    CHECK(p.selected == 0);
    CHECK(p.first == 0);
  }

  TEST_CASE("a screen has no more rows than the terminal, and one of them is chosen") {
    auto f = facts(30);
    for (size_t rows : {3, 7, 10, 24, 60}) {
      CAPTURE(rows);
      top_place p;
      p.selected = 1;
      auto around = top_rows_around(f);
      auto seen = rows > around ? rows - around : 1;
      p.fit(f.jobs.size(), seen);
      auto text = top_screen(f, 1100, p, rows, 80, "said");
      if (rows > around)
        CHECK(count(text, "\r\n") < rows);
      CHECK(count(text, "\x1b[7m") == 1);
      CHECK(text.find("\x1b[7m          f2") != std::string::npos);
      CHECK(text.find("said") != std::string::npos);
    }
  }

  TEST_CASE("keys are read in pieces of any size, and others are passed over") {
    using k = top_key;
    std::string bytes = "x\x1b[A\x1b[Bjk\x1b[6~\x1b[Zq\r\x7f\x1bOCr\t";
    std::vector<k> expected{k::up,   k::down,  k::down,  k::up,    k::page_down,
                            k::quit, k::enter, k::leave, k::enter, k::recursive,
                            k::queue};
    for (size_t step : {size_t{1}, size_t{3}, bytes.size()}) {
      key_reader reader;
      std::vector<k> found;
      for (size_t at = 0; at < bytes.size(); at += step)
        for (auto key : reader.feed(std::string_view{bytes}.substr(at, step)))
          found.push_back(key);
      CHECK(found == expected);
    }
  }
}
