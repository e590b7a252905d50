// tools: what the instances of a 'hactor tree' tell each other.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>

#include <doctest/doctest.h>

#include "tools/tree_part.hpp"
#include "tools/tree_run.hpp"

using namespace hactor;
using namespace hactor::tools;

namespace {

tree_report leaf(const std::string& id, uint64_t jobs, int code) {
  tree_report r;
  r.rows.push_back({id, 10.5, 12.25, 7, jobs, 1, 4, 0});
  r.ended = jobs;
  r.leaves = 1;
  if (code != 0) {
    r.failed = 1;
    r.worst = {code, id, 3, "fABC", "", "oops\n\xff"};
  }
  return r;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("what is kept of a job's output says what of it was lost") {
    std::string kept = "half a line";
    keep_end(kept, {frame_kind::item, 1, R"({"warning": "output of task 3 cannot be read"})"});
    keep_end(kept, {frame_kind::item, 1, R"({"backlog": "over"})"});
    CHECK(kept == "half a line\noutput of task 3 cannot be read\n");
  }

  TEST_CASE("a report comes out as it went in, in pieces of any size") {
    auto sent = leaf("tree.1", 5, 7);
    sent.worst.output = "oops\n";
    tree_word word;
    word.began = {3, 4};
    auto text = to_line(word) + "\n" + to_line(sent) + "\n";
    for (size_t step : {size_t{1}, size_t{7}, text.size()}) {
      tree_lines lines;
      std::vector<tree_word> words;
      for (size_t at = 0; at < text.size(); at += step) {
        CHECK_FALSE(lines.report());
        lines.add(std::string_view{text}.substr(at, step));
        for (auto& w : lines.take_words())
          words.push_back(w);
      }
      REQUIRE(lines.report());
      CHECK(*lines.report() == sent);
      REQUIRE(words.size() == 1);
      CHECK(words[0].began.to_string() == "3-6");
    }
  }

  TEST_CASE("what is no report is passed over") {
    for (std::string text :
         {"", "\n", "not JSON\n", "[1]\n", "{\"report\":3}\n", "{\"word\":\"x\"}\n",
          "{\"word\":{\"want\":\"x\"}}\n", "{\"report\":{\"rows\":7,\"worst\":[]}}"}) {
      CAPTURE(text);
      tree_lines lines;
      lines.add(text);
      CHECK_FALSE(lines.report());
      CHECK(lines.take_words().empty());
    }
  }

  TEST_CASE("output that is no text does not break the line") {
    tree_lines lines;
    lines.add(to_line(leaf("tree.1", 1, 1)) + "\n");
    REQUIRE(lines.report());
    CHECK(lines.report()->worst.output.starts_with("oops\n"));
  }

  TEST_CASE("of several the worst is kept, and all is added up") {
    tree_report all;
    all.rows.push_back({"tree", 10, 13, 1, 15, 4, 4, 0});
    for (auto [id, code] : {std::pair{"tree.1", 3}, {"tree.2", 9}, {"tree.3", 9}})
      all.add(leaf(id, 5, code));
    CHECK(all.rows.size() == 4);
    CHECK(all.rows[2].id == "tree.2");
    CHECK(name_of(all.worst) == "tree.2@index[3]");
    CHECK(all.worst.code == 9);
    CHECK(all.leaves == 3);
    CHECK(summary(all, 15, 3) == "15 jobs in 3 leaves: 12 done, 3 failed, in 3s (5.0 jobs/s)");
    CHECK(summary(all, 20, 3)
          == "20 jobs in 3 leaves: 12 done, 3 failed, 5 not run, in 3s (5.0 jobs/s)");
    all.lost = 2;
    all.unknown = 1;
    CHECK(summary(all, 20, 3)
          == "20 jobs in 3 leaves: 12 done, 3 failed, 2 lost, 1 perhaps run, 2 not run, in 3s "
             "(5.0 jobs/s)");
    all.worst.index = 0;
    CHECK(name_of(all.worst) == "tree.2");
  }

  TEST_CASE("a perf record has the fields of flux-tree") {
    tree_row row{"tree.1", 10.5, 12.25, 7, 5, 2, 4, 1};
    for (auto [field, text] : {std::pair{"treeid", "tree.1"},
                               {"elapse", "1.750000"},
                               {"begin", "10.500000"},
                               {"end", "12.250000"},
                               {"match", "7.000000"},
                               {"njobs", "5"},
                               {"my_nodes", "2"},
                               {"cores", "4"},
                               {"my_gpus", "1"}})
      CHECK(perf_field(row, field) == text);
    CHECK(parse_format(perf_format, perf_fields()));
  }

  TEST_CASE("what a tree runs reaches its leaves as it was typed") {
    tree_task t;
    t.command = {"./x", "{seq}", "{{id}}", "a b"};
    t.output = "o.{{id}}";
    t.logs = "/l";
    t.compat = "flux";
    t.outside = true;
    t.jobspec = json{{"version", 1}};
    tree_task read;
    REQUIRE_FALSE(read_task(text_of(t), read));
    CHECK(read.command == t.command);
    CHECK(read.output == t.output);
    CHECK(read.logs == t.logs);
    CHECK(read.compat == t.compat);
    CHECK(read.jobspec == t.jobspec);
    CHECK(read.outside);
    CHECK(read_task("{", read));
    CHECK(read_task("{\"command\":1}", read));
  }

  TEST_CASE("children are started for those who have jobs") {
    tree_task t;
    t.share = {"tree", 4, 4, 0, 0, 3};
    t.levels = *read_levels("4x2", "fcfs:easy", "", "low:high");
    auto children = children_of(t);
    REQUIRE(children.size() == 3);
    auto& words = children[2].command;
    for (auto* word : {"--prefix=tree.3", "--nnodes=1", "--ncores-per-node=4", "--njobs=1",
                       "--first=2", "--topology=2", "--queue-policy=easy", "--match-policy=high"})
      CHECK_MESSAGE(std::find(words.begin(), words.end(), word) != words.end(), word);
    t.levels = *read_levels("1", "", "", "");
    children = children_of(t);
    auto& last = children.front().command;
    CHECK(std::find(last.begin(), last.end(), "--leaf") != last.end());
  }
}
