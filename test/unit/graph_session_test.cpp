// tools/graph_session: every command of a session with a small cluster, its words and the stream
// that they go to.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/graph_session.hpp"

#include <fstream>

#include <doctest/doctest.h>

#include "graph/graph_writer.hpp"
#include "small_cluster.hpp"
#include "temp_dir.hpp"

using namespace hactor;
using namespace hactor::tools;
using hactor::test::make_cluster;
using hactor::test::temp_dir;

namespace {

constexpr const char* rule = "INFO: =============================\n";

/// What is said of job `id` that begins at `at`.
std::string job(int id, int at = 0) {
  return std::string{rule} + "INFO: JOBID=" + std::to_string(id)
         + "\nINFO: RESOURCES=" + (at == 0 ? "ALLOCATED" : "RESERVED")
         + "\nINFO: SCHEDULED AT=" + (at == 0 ? "Now" : std::to_string(at)) + "\n" + rule;
}

std::string none(int id, bool never = false) {
  return std::string{rule} + "INFO: No matching resources found\n"
         + (never ? "INFO: Unsatisfiable request\n" : "") + "INFO: JOBID=" + std::to_string(id)
         + "\n" + rule;
}

std::string core(int node, int id) {
  return "      ---------core" + std::to_string(id) + "[1:x]\n      ------node"
         + std::to_string(node) + "[1:s]\n      ---cluster0[1:s]\n";
}

/// cluster0 -> node0, node1 -> 2 cores each; lowest ids first.
struct stage {
  temp_dir dir;
  std::string result, screen, error;
  std::unique_ptr<graph_session> session;
  double seconds = 0;

  explicit stage(query_settings settings = low(), int64_t graph_seconds = 0) {
    auto made = graph_session::make(
        make_cluster({{"node", 2}, {"core", 2}}), settings,
        [this](query_stream to, std::string_view text) {
          (to == query_stream::result   ? result
           : to == query_stream::screen ? screen
                                        : error) += text;
        },
        [this] { return seconds += 0.25; }, graph_seconds);
    REQUIRE(made);
    session = std::move(*made);
    write("core", jobspec("[{type: slot, count: 1, label: a, with: [{type: core, count: 1}]}]"));
    write("nodes", jobspec("[{type: node, count: 2, with: [{type: slot, count: 2, label: a, "
                           "with: [{type: core, count: 1}]}]}]"));
    write("many", jobspec("[{type: slot, count: 9, label: a, with: [{type: core, count: 1}]}]"));
  }

  static query_settings low() {
    query_settings s;
    s.policy = "low";
    return s;
  }

  static std::string jobspec(const std::string& resources) {
    return "version: 1\nresources: " + resources
           + "\ntasks: [{command: app, slot: a, count: {per_slot: 1}}]\n"
             "attributes: {system: {duration: 60}}\n";
  }

  void write(const std::string& name, const std::string& text) {
    std::ofstream{dir / name} << text;
  }

  /// Obeys lines, in which @ is the folder; returns what went to the results.
  std::string run(std::string_view lines) {
    result.clear();
    screen.clear();
    error.clear();
    while (!lines.empty()) {
      auto end = std::min(lines.find('\n'), lines.size());
      std::string line{lines.substr(0, end)};
      for (size_t at; (at = line.find('@')) != line.npos;)
        line.replace(at, 1, dir.path() + "/");
      CHECK(session->run(line));
      lines.remove_prefix(std::min(end + 1, lines.size()));
    }
    CHECK(!session->held().audit());
    return result;
  }
};

} // namespace

TEST_CASE("jobs are allocated while there is room, then refused or reserved") {
  stage s;
  CHECK(s.run("match allocate @core") == core(0, 0) + job(1));
  CHECK(s.run("m allocate @core") == core(1, 0) + job(2));
  CHECK(s.run("multi-match allocate @core @core @core @core")
        == core(0, 1) + job(3) + core(1, 1) + job(4) + none(5));
  CHECK(s.run("match allocate_orelse_reserve @core") == core(0, 0) + job(6, 60));
  CHECK(s.run("match allocate_with_satisfiability @core") == none(7));
  CHECK(s.run("match allocate_with_satisfiability @many") == none(8, true));
  CHECK(s.run("match satisfiability @core")
        == std::string{rule} + "INFO: Satisfiable request\n" + rule);
  CHECK(s.run("match satisfiability @many")
        == std::string{rule} + "INFO: Unsatisfiable request\n" + rule);
  CHECK(s.run("match allocate @core") == none(9));
  CHECK(s.error.empty());
  CHECK(s.screen.empty());
}

TEST_CASE("what is only looked at holds nothing and takes no number") {
  stage s;
  CHECK(s.run("match without_allocating @core")
        == core(0, 0) + rule + "INFO: JOBID=-1\nINFO: RESOURCES=MATCHED\nINFO: SCHEDULED AT=Now\n"
               + rule);
  CHECK(s.session->held().holdings().empty());
  s.run("match allocate @nodes");
  CHECK(s.run("match without_allocating_future @core")
        == core(0, 0) + rule + "INFO: JOBID=-1\nINFO: RESOURCES=MATCHED\nINFO: SCHEDULED AT=60\n"
               + rule);
  CHECK(s.run("match allocate @core") == none(2));
}

TEST_CASE("a job that would begin later than within is not found") {
  stage s;
  s.run("match allocate @nodes 0");
  auto matched =
      core(0, 0) + rule + "INFO: JOBID=-1\nINFO: RESOURCES=MATCHED\nINFO: SCHEDULED AT=60\n" + rule;
  CHECK(s.run("match allocate_orelse_reserve @core 59") == none(2));
  CHECK(s.run("match without_allocating_future @core 0.9m") == none(-1));
  CHECK(s.run("match without_allocating_future @core 1m") == matched);
  CHECK(s.run("match without_allocating_future @core -1") == matched);
  auto text = stage::jobspec("[{type: slot, count: 1, label: a, with: [{type: core, count: 1}]}]");
  text.insert(text.find("system:"), "user: {match-within: 59}, ");
  s.write("soon", text);
  CHECK(s.run("match without_allocating_future @soon") == none(-1));
  CHECK(s.run("match without_allocating_future @soon 60") == matched);
  text.replace(text.find("59"), 2, "-1");
  s.write("any", text);
  CHECK(s.run("match allocate_orelse_reserve @any") == core(0, 0) + job(3, 60));
  text.replace(text.find("-1"), 2, "soon");
  s.write("bad", text);
  s.run("match allocate_orelse_reserve @bad");
  CHECK(s.error.find("attributes.user.match-within") != std::string::npos);
  for (std::string wrong : {"1x", "-5", "-1d"}) {
    s.run("match allocate @core " + wrong);
    CHECK(s.error == "ERROR: invalid time " + wrong + "\n");
  }
}

TEST_CASE("jobs are released, and listed with what became of them") {
  stage s;
  s.run("match allocate @nodes\nmatch allocate_orelse_reserve @core");
  CHECK(s.run("cancel 1 stats")
        == std::string{rule} + "INFO: CANCEL PREORDER COUNT=\"7\"\n"
               + "INFO: CANCEL POSTORDER COUNT=\"7\"\n" + rule);
  s.run("cancel 9");
  CHECK(s.error == "cancel: ERROR: nonexistent job 9\n");
  CHECK(s.run("list").empty());
  CHECK(s.screen
        == "INFO: 1, CANCELED, 0, " + s.dir.path() + "/nodes, 0.25\n" + "INFO: 2, RESERVED, 60, "
               + s.dir.path() + "/core, 0.25\n");
  s.run("info 2");
  CHECK(s.screen == "INFO: 2, RESERVED, 60, " + s.dir.path() + "/core, 0.25\n");
  s.run("info 3");
  CHECK(s.screen == "ERROR: jobid doesn't exist: 3\n");
  s.run("stat");
  CHECK(s.screen
        == "INFO: Num. of Jobs Matched: 2\nINFO: Min. Match Time: 0.25\n"
           "INFO: Max. Match Time: 0.25\nINFO: Avg. Match Time: 0.25\n");
}

TEST_CASE("what a job has can be taken over from the text of another session") {
  auto settings = stage::low();
  settings.match_format = "rv1";
  stage s{settings};
  auto first = s.run("match allocate @nodes");
  s.write("R", first.substr(0, first.find('\n') + 1));
  stage t{settings};
  t.write("R", first.substr(0, first.find('\n') + 1));
  CHECK(t.run("update allocate jgf @R 1 0 60") == first);
  CHECK(t.run("match allocate @core") == none(2));
  t.run("update allocate jgf @R 1 0 60");
  CHECK(t.error == "ERROR: existing Jobid \n");
  CHECK(t.run("update allocate rv1exec @R 5 0 60") == none(5));
  CHECK(t.error.starts_with("ERROR: traverser run () returned error \nERROR: "));
  auto later = t.run("update reserve rv1exec @R 7 60 60");
  CHECK(later.ends_with(job(7, 60)));
  t.run("update allocate jgf @R 8 0 0");
  CHECK(t.error == "ERROR: invalid time (0, 0)\n");
  t.run("update allocate jgf @none 8 0 1");
  CHECK(t.error == "ERROR: can't open " + t.dir.path() + "/none\n");
  t.run("update allocate yaml @R 8 0 1\nupdate take jgf @R 8 0 1\nupdate allocate");
  CHECK(t.error
        == "ERROR: unsupported reader yaml\nERROR: unknown subcmd take\n"
           "ERROR: malformed command\n");
}

TEST_CASE("a part of a job is released by ranks or by vertices; all of it ends the job") {
  auto settings = stage::low();
  settings.match_format = "rv1";
  for (std::string reader : {"rv1exec", "jgf"}) {
    stage s{settings};
    for (int rank : {0, 1}) {
      s.write("spec", stage::jobspec("[{type: node, count: 1, with: [{type: slot, count: 2, "
                                     "label: a, with: [{type: core, count: 1}]}]}]"));
      auto text = s.run("match allocate @spec");
      s.write("part" + std::to_string(rank), text.substr(0, text.find('\n') + 1));
    }
    s.run("cancel 1\ncancel 2\nmatch allocate @nodes");
    s.run("partial-cancel 3 " + reader + " @part0");
    CHECK(s.error.empty());
    CHECK(s.run("match allocate @core").find("node0") != std::string::npos);
    s.run("list");
    CHECK(s.screen.find("INFO: 3, ALLOCATED") != std::string::npos);
    s.run("partial-cancel 3 " + reader + " @part1");
    s.run("list");
    CHECK(s.screen.find("INFO: 3, CANCELED") != std::string::npos);
  }
  stage s;
  s.run("match allocate @nodes\nmatch allocate_orelse_reserve @core");
  s.run("partial-cancel 1 foo @core\npartial-cancel 1 jgf @none\npartial-cancel 7 jgf @core\n"
        "partial-cancel 2 jgf @core\npartial-cancel 1 jgf @core\npartial-cancel 1");
  CHECK(s.error
        == "ERROR: unsupported reader foo\nERROR: can't open " + s.dir.path()
               + "/none\nERROR: nonexistent job 7\n"
                 "ERROR: reservations not currently supported by partial cancel\n"
                 "ERROR: error encountered while removing job 1\n"
                 "ERROR: malformed command\n");
}

TEST_CASE("a text in shorthand brings what is below it, save ranks that were released") {
  auto settings = stage::low();
  settings.match_format = "jgf_shorthand";
  stage s{settings};
  s.write("whole", stage::jobspec("[{type: node, count: 2, exclusive: true}]"));
  auto text = s.run("match allocate @whole");
  text = text.substr(0, text.find('\n'));
  CHECK(text.find("core") == text.npos);
  stage t;
  t.write("all", text);
  t.write("half", text.substr(0, text.size() - 1) + R"(, "free_ranks": "0"})");
  t.run("update allocate jgf_shorthand @half 0 0 60");
  CHECK(t.run("find jobid-alloc=0")
            .starts_with("      ---------core0[1:x]\n      ---------core1"
                         "[1:x]\n      ------node1[1:x]\n"));
  CHECK(t.run("match allocate @core") == core(0, 0) + job(1));
  t.run("cancel 0\ncancel 1\nupdate allocate jgf_shorthand @all 5 0 60");
  CHECK(t.run("match allocate @core") == none(6));
}

TEST_CASE("a part on a rank that the job does not have is refused, and nothing is released") {
  stage s;
  s.run("match allocate @core");
  auto part = [](int rank) {
    return R"({"version": 1, "execution": {"R_lite": [{"rank": ")" + std::to_string(rank)
           + R"(", "children": {"core": "0"}}], "starttime": 0, "expiration": 0}})";
  };
  s.write("other", part(1));
  s.write("none", part(7));
  for (auto file : {"@other", "@none"}) {
    s.run(std::string{"partial-cancel 1 rv1exec "} + file);
    CHECK(s.error == "ERROR: error encountered while removing job 1\n");
    CHECK(s.session->held().find(1) != nullptr);
  }
  s.write("mine", part(0));
  CHECK(s.run("partial-cancel 1 rv1exec @mine stats")
        == std::string{rule} + "INFO: PARTIAL CANCEL PREORDER COUNT=\"0\"\n"
               + "INFO: PARTIAL CANCEL POSTORDER COUNT=\"0\"\n" + rule);
  CHECK(s.session->held().find(1) == nullptr);
}

TEST_CASE("labels of a jobspec are shown with what was matched for them, save those of slots") {
  auto settings = stage::low();
  settings.match_format = "jgf";
  for (std::string traverser : {"simple", "flexible"}) {
    settings.traverser = traverser;
    stage s{settings};
    s.write("labels", stage::jobspec("[{type: node, count: 1, label: one, with: [{type: slot, "
                                     "count: 1, label: a, with: [{type: core, count: 1, label: "
                                     "two}]}]}]"));
    auto text = s.run("match allocate @labels");
    CHECK(text.find(R"(node0/core0"}, "ephemeral": {"label": "two"}}})") != text.npos);
    CHECK(text.find(R"(/node0"}, "ephemeral": {"label": "one"}}})") != text.npos);
    CHECK(text.find(R"(/cluster0"}}})") != text.npos);
  }
}

TEST_CASE("no job is longer than the graph is there") {
  stage shorter{stage::low(), 59}, longer{stage::low(), 60};
  CHECK(shorter.run("match allocate @core") == none(1));
  CHECK(shorter.error == "ERROR: the job is longer than the graph is there\n");
  CHECK(longer.run("match allocate @core") == core(0, 0) + job(1));
}

TEST_CASE("find prints what is found, then the expression") {
  stage s;
  s.run("match allocate @core");
  CHECK(s.run("find sched-now=allocated")
        == "      ---------core0[1:x]\n      ------node0[1:x]\n      ---cluster0[1:x]\n"
               + std::string{rule} + "INFO: EXPRESSION=\"sched-now=allocated\"\n" + rule);
  CHECK(s.run("f   status=down  or names=none")
        == std::string{rule} + "INFO: EXPRESSION=\"status=down or names=none\"\n" + rule);
  CHECK(s.run("find status=sideways").empty());
  CHECK(s.error == "findfind: invalid criteria: status=sideways.\n");
  s.run("find");
  CHECK(s.error == "ERROR: malformed command: \n");
}

TEST_CASE("properties and status are set and shown, and decide what is matched") {
  stage s;
  CHECK(s.run("set-property /cluster0/node0 class=1\nget-property /cluster0/node0") == "class=1\n");
  s.run("remove-property /cluster0/node0 class");
  CHECK(s.run("get-property /cluster0/node0")
            .starts_with("No properties were found for /cluster0/node0 (vtx's uniq_id="));
  CHECK(s.run("set-property /nowhere a=b") == "Couldn't find path /nowhere in resource graph.\n");
  CHECK(s.run("get-property /nowhere") == "Could not find path /nowhere in resource graph.\n");
  for (auto wrong : {"a", "a=", "=a", "="})
    CHECK(s.run(std::string{"set-property /cluster0/node0 "} + wrong)
          == "Incorrect input format. \nPlease use `set-property <resource> PROPERTY=VALUE`.\n");
  CHECK(s.run("set-status /cluster0/node0 down\nget-status /cluster0/node0\n"
              "get-status /cluster0/node1\nget-status /x")
        == "/cluster0/node0 is down\n/cluster0/node1 is up\n"
           "Could not find path /x in resource graph.\n");
  CHECK(s.run("match allocate @core") == core(1, 0) + job(1));
  s.run("set-status /cluster0/node0 sideways");
  CHECK(s.error == "ERROR: unrecognized status\n");
}

TEST_CASE("vertices are taken out and come back; jobs lose what they had there") {
  stage s;
  s.write("graph", to_jgf(s.session->graph()));
  s.run("match allocate @nodes");
  s.run("remove /cluster0/node0 true");
  CHECK(s.session->graph().size() == 4);
  s.run("remove 1 false");
  CHECK(s.session->graph().size() == 1);
  s.run("list");
  CHECK(s.screen.starts_with("INFO: 1, CANCELED"));
  s.run("attach @graph");
  CHECK(s.error.empty());
  CHECK(s.session->graph().size() == 7);
  CHECK(s.run("match allocate @core").ends_with(job(2)));
  s.run("detach /cluster0/node1");
  CHECK(s.session->graph().size() == 4);
  s.run("remove /cluster0 true\nremove /x true\nremove 9 false\nremove 2-1 false\n"
        "remove /cluster0 maybe\nremove\nattach @none\nattach @core\nattach");
  CHECK(s.error
        == "ERROR: can't remove subgraph \nERROR: /cluster0 is the root of the graph\n"
           "ERROR: can't remove subgraph \nERROR: there is no /x\n"
           "ERROR: can't remove subgraph \nERROR: no vertex below the root has rank 9\n"
           "ERROR: failed to decode ranks.\nERROR: invalid path boolean input \n"
           "ERROR: malformed command\nERROR: can't open "
               + s.dir.path() + "/none\n" + s.error.substr(s.error.find("ERROR: can't attach")));
  CHECK(s.error.find("ERROR: can't attach JGF subgraph \nERROR: jgf") != std::string::npos);
  s.write("other", R"({"graph": {"nodes": [{"id": "0", "metadata": {"type": "cluster", "id": 9, )"
                   R"("paths": {"containment": "/cluster9"}}}], "edges": []}})");
  s.run("attach @other");
  CHECK(s.error.find("\nERROR: add_graph_metadata: failed to add root metadata for containment "
                     "subsystem. Possible duplicate root.\n")
        != std::string::npos);
}

TEST_CASE("a jobspec that is none is told on the error stream and takes no number") {
  stage s;
  s.write("bad", "version: 1\n");
  s.write("zone", stage::jobspec("[{type: slot, count: 1, label: a, with: [{type: zone}]}]"));
  s.write("zone", stage::jobspec("[{type: slot, count: 1, label: a, "
                                 "with: [{type: zone, count: 1}]}]"));
  CHECK(s.run("match allocate @bad") == none(1));
  CHECK(s.error.starts_with("match_allocate: ERROR: Jobspec error for 1: resources"));
  s.run("match allocate @zone");
  CHECK(s.error
        == "match_allocate: ERROR: Jobspec error for 1: Value of \"type\" must be a "
           "resource type known to fluxion\n");
  CHECK(s.run("match allocate @none").empty());
  CHECK(s.error == "ERROR: can't open " + s.dir.path() + "/none\n");
  s.run(
      "match allocate\nmatch take @core\nmulti-match allocate @core\nmulti-match take @core @core");
  CHECK(s.error
        == "ERROR: malformed command\nERROR: unknown subcmd take\n"
           "ERROR: malformed command\nERROR: unknown subcmd take\n");
  CHECK(s.run("match allocate @core") == core(0, 0) + job(1));
}

TEST_CASE("tasks are taken as they are: a slot that is not there, or no slot at all") {
  stage s;
  s.write("word", "version: 9999\nresources: [{type: slot, count: 1, label: b, with: [{type: core, "
                  "count: 1}]}]\ntasks: [{command: app, slot: a, count: {per_slot: 1}}]\n"
                  "attributes: {system: {duration: 60}}\n");
  CHECK(s.run("match allocate @word") == core(0, 0) + job(1));
  s.write("slotless", stage::jobspec("[{type: node, count: 1, exclusive: true}]"));
  CHECK(s.run("match allocate @slotless")
        == "      ---------core0[1:x]\n      ---------core1[1:x]\n      ------node1[1:x]\n"
           "      ---cluster0[1:s]\n"
               + job(2));
}

TEST_CASE("effort is told when it is wanted") {
  auto settings = stage::low();
  settings.elapse_time = true;
  stage s{settings};
  s.run("match allocate @core");
  CHECK(s.screen.starts_with("INFO: ELAPSE=0.25"));
  CHECK(s.screen.find("INFO: PREORDER VISIT COUNT=") != std::string::npos);
  CHECK(s.screen.find("INFO: POSTORDER VISIT COUNT=") != std::string::npos);
  CHECK(s.result == core(0, 0) + job(1));
}

TEST_CASE("empty lines and unknown words are passed over; help explains; quit ends") {
  stage s;
  CHECK(s.run("\n   \n# a comment\n! match allocate @core\nmatchallocate").empty());
  CHECK(s.error.empty());
  s.run("help");
  CHECK(std::count(s.screen.begin(), s.screen.end(), '\n') == 20);
  s.run("help pc");
  CHECK(s.screen.starts_with("INFO: partial-cancel (pc) -- "));
  s.run("help me");
  CHECK(s.screen == "ERROR: unknown command: me\n");
  s.write("text", "one\ntwo");
  s.run("cat @text");
  CHECK(s.screen == "one\ntwo\nINFO: Jobspec in " + s.dir.path() + "/text\n");
  CHECK(!s.session->run("quit"));
  CHECK(!s.session->run("q"));
}

TEST_CASE("a session needs a policy, a format and a filter that there are") {
  auto refused = [](auto change) {
    auto settings = stage::low();
    change(settings);
    auto made = graph_session::make(make_cluster({{"node", 1}}), settings, {}, {});
    REQUIRE(!made);
    CHECK(code_of(made.error()) == ec::bad_argument);
  };
  refused([](auto& s) { s.policy = "best"; });
  refused([](auto& s) { s.match_format = "xml"; });
  refused([](auto& s) { s.prune_filters = "ALL"; });
}
