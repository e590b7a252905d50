// tools/jobspec_build: combinations of options to jobspecs, each read by the instance's parser.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <cmath>
#include <fstream>

#include "graph/request.hpp"
#include "temp_dir.hpp"
#include "tools/commands.hpp"
#include "tools/submit_options.hpp"

#include <doctest/doctest.h>

using namespace hactor;
using namespace hactor::tools;

namespace {

const tools::environment_map own{{"HOME", "/h"}, {"PMI_FD", "1"}};

caf::expected<json> build(std::vector<const char*> words, const command& of = submit_command) {
  words.push_back("cmd");
  auto options = parse_options(of, words);
  if (!options)
    return options.error();
  return build_submit(*options, own, "/work");
}

json jobspec_of(const std::vector<const char*>& words, const command& of = submit_command) {
  auto params = build(words, of);
  if (!params)
    FAIL(render(params.error()));
  auto spec = (*params)["jobspec"];
  auto parsed = parse_jobspec(dump(spec));
  if (!parsed)
    FAIL(render(parsed.error()));
  return spec;
}

json system_of(const std::vector<const char*>& words, const command& of = submit_command) {
  return jobspec_of(words, of)["attributes"]["system"];
}

std::string refusal(const std::vector<const char*>& words) {
  auto params = build(words);
  if (params)
    return "accepted";
  CHECK(code_of(params.error()) == ec::bad_argument);
  return render(params.error());
}

std::string resources(const std::vector<const char*>& words) {
  return dump(jobspec_of(words)["resources"][0]);
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("sizes become the shapes of formats 3.2, for every combination") {
    for (uint32_t nodes : {0u, 1u, 3u})
      for (uint32_t tasks : {0u, 1u, 3u, 7u})
        for (uint32_t cores : {0u, 2u})
          for (uint32_t gpus : {0u, 1u})
            for (bool exclusive : {false, true}) {
              std::vector<std::string> text;
              for (auto [name, n] : {std::pair{"-N", nodes}, std::pair{"-n", tasks},
                                     std::pair{"-c", cores}, std::pair{"-g", gpus}})
                if (n > 0)
                  text.push_back(name + std::to_string(n));
              if (exclusive)
                text.push_back("-x");
              std::vector<const char*> words;
              for (auto& t : text)
                words.push_back(t.c_str());
              INFO(nodes, " nodes ", tasks, " tasks ", exclusive);
              if ((exclusive && nodes == 0) || (tasks != 0 && nodes > tasks)) {
                REQUIRE(refusal(words) != "accepted");
                continue;
              }
              auto spec = parse_jobspec(dump(jobspec_of(words)));
              auto r = compile_request(*spec);
              REQUIRE(r);
              auto wanted = tasks != 0 ? tasks : std::max(nodes, 1u);
              REQUIRE(r->nnodes == nodes);
              REQUIRE(r->cores_per_slot == std::max(cores, 1u));
              REQUIRE(r->gpus_per_slot == gpus);
              REQUIRE(r->exclusive == (exclusive || (nodes != 0 && tasks == 0)));
              REQUIRE(r->slots == (nodes == 0 ? wanted : nodes * ((wanted + nodes - 1) / nodes)));
              bool even = nodes == 0 || wanted % nodes == 0;
              REQUIRE(r->tasks[0].spread == (even ? task_spread::per_slot : task_spread::total));
              REQUIRE(r->tasks[0].count == (even ? 1 : wanted));
            }
  }

  TEST_CASE("tasks per node fix nodes or tasks, or start several on whole nodes") {
    CHECK(resources({"-n6", "--tasks-per-node=2"}) == resources({"-N3", "-n6"}));
    CHECK(resources({"-N3", "-n6", "--tasks-per-node=2"}) == resources({"-N3", "-n6"}));
    CHECK(resources({"-N3", "-c2", "--tasks-per-node=2"}) == resources({"-N3", "-n6", "-c2"}));
    auto spec = jobspec_of({"-N3", "--tasks-per-node=2"});
    CHECK(dump(spec["resources"][0]) == resources({"-N3"}));
    CHECK(dump(spec["attributes"]["system"]["shell"]["options"]["per-resource"])
          == R"({"count":2,"type":"node"})");
  }

  TEST_CASE("a job may be asked for by its resources in place of its tasks") {
    CHECK(resources({"--cores=4"}) == resources({"-n4"}));
    CHECK(resources({"-N2", "--cores=8"})
          == R"({"count":2,"type":"node","with":[{"count":1,"label":"task","type":"slot",)"
             R"("with":[{"count":4,"type":"core"}]}]})");
    CHECK(resources({"-N2", "-x", "--cores=2"}) == resources({"-N2"}));
    CHECK(resources({"-N2", "--gpus-per-node=3"}) == resources({"-N2", "-n2", "-g3", "-x"}));
    auto on_each = [](const std::vector<const char*>& words) {
      return dump(jobspec_of(words)["attributes"]["system"]["shell"]["options"]["per-resource"]);
    };
    CHECK(on_each({"--cores=4", "--tasks-per-core=2"}) == R"({"count":2,"type":"core"})");
    CHECK(on_each({"-N2", "--tasks-per-core=1"}) == R"({"count":1,"type":"core"})");
    CHECK(on_each({"-N2", "--cores=4", "--tasks-per-node=3"}) == R"({"count":3,"type":"node"})");
    struct {
      std::vector<const char*> words;
      const char* says;
    } refused[] = {
        {{"--cores=4", "-n2"}, "--cores and --ntasks exclude each other"},
        {{"-N2", "--gpus-per-node=1", "-g1"}, "--gpus-per-node and --gpus-per-task exclude"},
        {{"-N2", "--tasks-per-core=1", "-c2"}, "--tasks-per-core and --cores-per-task exclude"},
        {{"--tasks-per-core=1"}, "--tasks-per-core needs --nodes or --cores"},
        {{"--gpus-per-node=1"}, "--gpus-per-node needs --nodes"},
        {{"--cores=4", "--gpus-per-node=1"}, "they need --nodes"},
        {{"--cores=4", "--tasks-per-node=1"}, "they need --nodes"},
        {{"--cores=4", "--mem=1G"}, "they need --nodes"},
        {{"-N2", "--tasks-per-core=1", "--tasks-per-node=1"}, "exclude each other"},
        {{"-N2", "--cores=5"}, "cannot be spread evenly over 2 nodes; 6 could"},
        {{"-N2-4", "--cores=4"}, "with a range of --nodes"},
        {{"--shape=slot=1/core", "--cores=4"}, "--shape and --cores exclude each other"},
    };
    for (auto& r : refused)
      CHECK(refusal(r.words).find(r.says) != std::string::npos);
  }

  TEST_CASE("sizes that contradict each other are refused with what would be right") {
    CHECK(refusal({"-x"}).starts_with("--exclusive needs --nodes"));
    CHECK(refusal({"-N4", "-n2"}).find("at most 2 nodes or at least 4 tasks") != std::string::npos);
    CHECK(refusal({"--tasks-per-node=2"}).find("needs --nodes or --ntasks") != std::string::npos);
    CHECK(refusal({"-n5", "--tasks-per-node=2"}).find("4 or 6 would") != std::string::npos);
    CHECK(refusal({"-N2", "-n5", "--tasks-per-node=2"}).find("makes 4 tasks, not --ntasks=5")
          != std::string::npos);
    for (auto word : {"-n0", "-N0", "-c0", "-nx", "-g-1", "--tasks-per-node=0", "-n2147483648"})
      CHECK(refusal({word}).starts_with("--"));
  }

  TEST_CASE("memory is asked of each node, in its slots, by whole gigabytes") {
    auto memory = [](const std::vector<const char*>& words) {
      auto at = jobspec_of(words)["resources"][0];
      while (at["type"] != "slot") {
        auto inner = at["with"][0];
        at = std::move(inner);
      }
      return dump(at["with"].back());
    };
    auto gb = [](const char* n) {
      return R"({"count":)" + std::string{n} + R"(,"type":"memory","unit":"GB"})";
    };
    CHECK(memory({"--mem=4G"}) == gb("4"));
    CHECK(memory({"--mem=1"}) == gb("1"));
    CHECK(memory({"--mem=1025m"}) == gb("2"));
    CHECK(memory({"--mem=2TB", "-g1"}) == gb("2048"));
    CHECK(memory({"--mem=8G", "-N2", "-n6"}) == gb("3"));
    CHECK(memory({"--mem=8G", "-N2"}) == gb("8"));
    auto says = [](const char* word, std::string_view part) {
      return refusal({word, "-n2"}).find(part) != std::string::npos;
    };
    CHECK(says("--mem=8G", "--mem is the memory of each node"));
    for (auto word : {"--mem=", "--mem=G", "--mem=-1", "--mem=4GiB", "--mem=9999999999G"})
      CHECK(says(word, "--mem: "));
    CHECK(memory({"--mem=4K"}) == gb("1"));
    CHECK(memory({"--mem=0"}).find("memory") == std::string::npos); // as for Slurm: no limit

    CHECK(memory({"--mem-per-cpu=1G"}) == gb("1"));
    CHECK(memory({"--mem-per-cpu=1G", "-n8"}) == gb("1"));
    CHECK(memory({"--mem-per-cpu=700", "-n8", "-c3"}) == gb("3")); // 2100 MB
    CHECK(memory({"--mem-per-core=2G", "-N2", "-n8", "-c4"}) == gb("8"));
    auto limits = system_of({"--mem-per-cpu=700"})["shell"]["options"];
    CHECK(limits["memory-limit-per-core"] == "700M");
    CHECK_FALSE(limits.contains("memory-limit"));
    CHECK(refusal({"--mem=1G", "--mem-per-cpu=1G"}).find("exclude each other")
          != std::string::npos);
    CHECK(says("--mem-per-cpu=x", "--mem-per-cpu: "));
  }

  TEST_CASE("input is a file's, or goes to the tasks that are named") {
    auto input = [](std::vector<const char*> words, const command& of) {
      auto system = system_of(words, of);
      return system.contains("shell") ? dump(system["shell"]["options"]["input"]["stdin"])
                                      : std::string{};
    };
    CHECK(input({"--input=f"}, submit_command) == R"({"path":"f","type":"file"})");
    CHECK(input({"--input=./0"}, run_command) == R"({"path":"./0","type":"file"})");
    CHECK(input({"--input=0,2-3"}, run_command) == R"({"ranks":"0,2-3","type":"service"})");
    CHECK(input({"--input=all"}, submit_command) == R"({"ranks":"all","type":"service"})");
    CHECK(input({"-n1"}, run_command) == R"({"type":"service"})");
    CHECK(dump(system_of({"--pty"}, run_command)["shell"]["options"]["pty"]) == "true");
    for (auto other : {"--input=f", "--output=f", "--error=f", "-l"}) {
      auto both = build({"--pty", other}, run_command);
      REQUIRE_FALSE(both);
      CHECK(render(both.error()).find("--pty and --") != std::string::npos);
    }
  }

  TEST_CASE("an amount for each task binds each to its own, unless told otherwise") {
    auto options = [](const std::vector<const char*>& words) {
      auto system = system_of(words);
      return system.contains("shell") ? dump(system["shell"]["options"]) : std::string{};
    };
    CHECK(options({"-n4"}) == "");
    CHECK(options({"-c2"}) == R"({"cpu-affinity":"per-task"})");
    CHECK(options({"-g1"}) == R"({"gpu-affinity":"per-task"})");
    CHECK(options({"-c2", "--cpu-affinity=off"}) == R"({"cpu-affinity":"off"})");
    CHECK(options({"--cpu-affinity=map:0;2"}) == R"({"cpu-affinity":"map:0;2"})");
    CHECK(options({"-vv"}) == R"({"verbose":2})");
    auto says = [](const char* word, std::string_view part) {
      return refusal({word}).find(part) != std::string::npos;
    };
    CHECK(says("--cpu-affinity=near", "--cpu-affinity: \"near\" is not on"));
    CHECK(says("--gpu-affinity=map:", "--gpu-affinity: "));
  }

  TEST_CASE("time limits are minutes or what their unit says") {
    struct row {
      const char* word;
      double seconds;
    };
    for (const auto& [word, seconds] :
         {row{"-t10", 600}, row{"-t90s", 90}, row{"-t1.5h", 5400}, row{"-t1:30", 90},
          row{"-t1:00:00", 3600}, row{"-t0", 0}, row{"-t0.5", 30}, row{"-t1d", 86400}})
      CHECK(system_of({word})["duration"].get<double>() == seconds);
    CHECK(system_of({"-tunlimited"})["duration"] == 0);
    CHECK_FALSE(system_of({}).contains("duration"));
    CHECK(dump(system_of({"-t10"})["duration"]) == "600");
    CHECK(refusal({"-tx"}).starts_with("--time-limit: "));
    CHECK(refusal({"-t-1"}).starts_with("--time-limit: "));
  }

  TEST_CASE("names, places and streams go to their attributes") {
    auto s = system_of({"-Jn", "-qbatch", "-Bbank", "-oout.{{id}}", "-eerr", "--input=in", "-l"});
    CHECK(s["job"]["name"] == "n");
    CHECK(s["queue"] == "batch");
    CHECK(s["bank"] == "bank");
    auto& options = s["shell"]["options"];
    CHECK(dump(options["output"]["stdout"])
          == R"({"label":true,"path":"out.{{id}}","type":"file"})");
    CHECK(options["output"]["stderr"]["path"] == "err");
    CHECK(dump(options["input"]["stdin"]) == R"({"path":"in","type":"file"})");
    CHECK(system_of({})["cwd"] == "/work");
    CHECK(system_of({"--cwd=/x"})["cwd"] == "/x");
    CHECK(system_of({"--cwd=x"})["cwd"] == "/work/x");
    CHECK_FALSE(system_of({}).contains("shell"));
    CHECK(system_of({"-u"})["shell"]["options"]["output"]["stderr"]["buffer"]["type"] == "none");
    CHECK(system_of({}, run_command)["shell"]["options"]["input"]["stdin"]["type"] == "service");
    CHECK(system_of({"--input=in"}, run_command)["shell"]["options"]["input"]["stdin"]["type"]
          == "file");
  }

  TEST_CASE("the environment is ours less what launchers set, by the rules in their order") {
    CHECK(dump(system_of({})["environment"]) == R"({"HOME":"/h"})");
    CHECK(dump(system_of({"--env=-*", "--env=A=1", "--env-remove=A", "--env=B=2"})["environment"])
          == R"({"B":"2"})");
    CHECK(dump(system_of({"--env=-*"})["environment"]) == "{}");
    CHECK(refusal({"--env=="}).starts_with("--env: "));
  }

  TEST_CASE("constraints are joined") {
    CHECK(dump(system_of({"--requires=gpu"})["constraints"]) == R"({"properties":["gpu"]})");
    CHECK(dump(system_of({"--requires=gpu", "-wn[1-3]"})["constraints"])
          == R"({"and":[{"properties":["gpu"]},{"hostlist":["n[1-3]"]}]})");
    CHECK(dump(system_of({"--exclude=n[1-3]"})["constraints"])
          == R"({"not":[{"hostlist":["n[1-3]"]}]})");
    CHECK(refusal({"--requires=("}).starts_with("--requires: "));
  }

  TEST_CASE("dependencies are read in every form") {
    auto list = [](const std::vector<const char*>& words) {
      return dump(system_of(words)["dependencies"]);
    };
    CHECK(list({"--dependency=afterok:12"}) == R"([{"scheme":"afterok","value":"12"}])");
    CHECK(list({"--dependency=afterok:1:2"})
          == R"([{"scheme":"afterok","value":"1"},{"scheme":"afterok","value":"2"}])");
    CHECK(list({"--dependency=afterok:a[1,3]:b,afterany:c[2,4-5]"})
          == R"([{"scheme":"afterok","value":"a[1,3]"},{"scheme":"afterok","value":"b"},)"
             R"({"scheme":"afterany","value":"c[2,4-5]"}])");
    CHECK(list({"--same-node-as=1", "--not-same-node-as=x"})
          == R"([{"scheme":"same-node","value":"1"},{"scheme":"not-same-node","value":"x"}])");
    CHECK(list({"--dependency=afterok:1,afterany:2", "--dependency=x:y:z"})
          == R"([{"scheme":"afterok","value":"1"},{"scheme":"afterany","value":"2"},)"
             R"({"scheme":"x","value":"y:z"}])");
    CHECK(list({"--dependency=string:a?scope=user&b=c"})
          == R"([{"b":"c","scheme":"string","scope":"user","value":"a"}])");
    CHECK(list({"--dependency=afterok:1?afterany:2:3", "-d", "afterok:4", "-dafterok:5?singleton",
                "-Jn"})
          == R"([{"any":"0","scheme":"afterok","value":"1"},)"
             R"({"any":"0","scheme":"afterany","value":"2"},)"
             R"({"any":"0","scheme":"afterany","value":"3"},{"scheme":"afterok","value":"4"},)"
             R"({"any":"4","scheme":"afterok","value":"5"},)"
             R"({"any":"4","scheme":"singleton","value":""}])");
    CHECK(list({"--dependency=begin-time:2026-12-24T18:00Z"})
          == R"([{"scheme":"begin-time","value":"1798135200"}])");
    CHECK(list({"--begin-time=1.5"}) == R"([{"scheme":"begin-time","value":"1.500"}])");
    CHECK(list({"--begin=7", "-dafterok:1"})
          == R"([{"scheme":"afterok","value":"1"},{"scheme":"begin-time","value":"7"}])");
    CHECK(refusal({"-dafterok:1,afterok:2?afterok:3"}).find("give the option once for each")
          != std::string::npos);
    CHECK(refusal({"--begin-time=soon"}).find("'soon' is not a time") != std::string::npos);
    CHECK(list({"--dependency=singleton", "-Jn"}) == R"([{"scheme":"singleton","value":""}])");
    for (auto word : {"--dependency=", "--dependency=afterok", "--dependency=afterok:",
                      "--dependency=:1", "--dependency=afterok:1,", "--dependency=afterok:1::2",
                      "--dependency=a:b?c", "--dependency=a:b?=c", "--dependency=a:?b=c",
                      "--dependency=singleton"})
      CHECK(refusal({word}).starts_with("--dependency"));
  }

  TEST_CASE("a warning before the time limit is a signal and a time") {
    auto warning = [](const char* word) {
      return dump(system_of({"-t10", word})["shell"]["options"]["signal"]);
    };
    CHECK(warning("--signal=TERM@2m") == R"({"signum":15,"timeleft":120.0})");
    CHECK(warning("--signal=B:SIGINT@90") == R"({"script":true,"signum":2,"timeleft":90.0})");
    CHECK(warning("--signal=@5s") == R"({"signum":10,"timeleft":5.0})");
    CHECK(warning("--signal=12") == R"({"signum":12,"timeleft":60.0})");
    for (auto word : {"--signal=", "--signal=NONE@1m", "--signal=USR1@", "--signal=USR1@0",
                      "--signal=USR1@x", "--signal=@infinity"})
      CHECK_MESSAGE(refusal({"-t10", word}).starts_with("--signal: "), word);
  }

  TEST_CASE("a moment is read in every spelling") {
    constexpr double now = 1'798'135'200; // 2026-12-24T18:00:00Z
    auto moment = [&](std::string_view text) {
      auto at = parse_moment(text, now);
      return at ? *at - now : -1;
    };
    CHECK(moment("now") == 0);
    CHECK(moment("+10m") == 600);
    CHECK(moment("now+1.5s") == 1.5);
    CHECK(moment("now+60") == 60); // as Slurm has them
    CHECK(moment("now+1hour") == 3600);
    CHECK(moment("now+2days") == 2 * 86400);
    CHECK(moment("now+1week") == 7 * 86400);
    CHECK(moment("now+3months") == -1);
    CHECK(moment("1798135201") == 1);
    CHECK(moment("2026-12-24T18:00:05Z") == 5);
    CHECK(moment("2026-12-24 18:01Z") == 60);
    CHECK(moment("2026-12-25Z") == 6 * 3600);
    CHECK(moment("18:30Z") == 1800);
    CHECK(moment("17:59:59Z") == 86399);
    CHECK(moment("18:00Z") == 86400);
    for (auto daily : {"tomorrow", "noon", "midnight", "3:15"}) {
      CHECK(moment(daily) > 0);
      CHECK(moment(daily) <= 86400);
    }
    ::setenv("TZ", "UTC", 1); // now is a Thursday
    ::tzset();
    constexpr double hour = 3600, day = 24 * hour;
    for (auto& [words, wait] : std::initializer_list<std::pair<const char*, double>>{
           {"in 2 hours", 2 * hour},
           {"1 day 30 minutes", day + 1800},
           {"tomorrow", 6 * hour},
           {"tomorrow at noon", 18 * hour},
           {"noon tomorrow", 18 * hour},
           {"Friday 6pm", day},
           {"next thursday at 18:00", 7 * day},
           {"sat 12:30am", 30.5 * hour},
           {"today 20:00:30", 2 * hour + 30},
           {"7:15PM", 1.25 * hour},
           {"12pm", 18 * hour},
           {"12am", 6 * hour}}) {
      INFO(words);
      CHECK(moment(words) == wait);
    }
    ::unsetenv("TZ");
    ::tzset();
    for (auto wrong : {"+", "+x", "+inf", "-1", "1e9", "25:00", "2026-13-01", "soon", "in", "at",
                       "2 fortnights", "in hours", "friday monday", "noon 18:00", "13pm", "0am",
                       "tomorrow 7"})
      CHECK_MESSAGE(!parse_moment(wrong, now), std::string{wrong});
  }

  TEST_CASE("urgency is a number or a word, and hold is one") {
    auto urgency = [](const std::vector<const char*>& words) {
      auto params = build(words);
      return params ? dump(params->value("urgency", json(nullptr))) : render(params.error());
    };
    CHECK(urgency({}) == "null");
    CHECK(urgency({"--urgency=20"}) == "20");
    CHECK(urgency({"--urgency=hold"}) == "0");
    CHECK(urgency({"--urgency=default"}) == "16");
    CHECK(urgency({"--urgency=expedite"}) == "31");
    CHECK(urgency({"--hold"}) == "0");
    CHECK(urgency({"--hold", "--urgency=0"}) == "0");
    CHECK(urgency({"--hold", "--urgency=5"}).find("contradict") != std::string::npos);
    CHECK(urgency({"--nice"}) == "15");
    CHECK(urgency({"--nice=5"}) == "11");
    CHECK(urgency({"--nice=-3"}) == "19");
    CHECK(urgency({"--nice=100"}) == "1"); // not held
    CHECK(urgency({"--nice=-2147483645"}) == "30");
    CHECK(urgency({"--nice=99999999999999999999"}) == "1");
    CHECK(urgency({"--nice", "--hold"}) == "0");
    CHECK(urgency({"--nice=5", "--urgency=5"}).find("exclude each other") != std::string::npos);
    for (auto word : {"--nice=", "--nice=x", "--nice=1.5"})
      CHECK(urgency({word}).find("is not a whole number") != std::string::npos);
    for (auto word : {"--urgency=32", "--urgency=-1", "--urgency=x", "--urgency=", "--urgency=1x"})
      CHECK(urgency({word}).find("is not 0 to 31") != std::string::npos);
  }

  TEST_CASE("attributes and shell options are set by key") {
    test::temp_dir dir;
    std::ofstream{dir / "f"} << R"({"a": [1]})";
    std::ofstream{dir / "bad"} << "{";
    auto file = "--setattr=^user.file=" + (dir / "f");
    auto spec = jobspec_of({"--setattr=system.a.b=1", "--setattr=c=text", "--setattr=user.d",
                            "--setattr=e={\"x\":null}", "-Overbose", "-Oa.b=true", file.c_str()});
    auto& system = spec["attributes"]["system"];
    CHECK(system["a"]["b"] == 1);
    CHECK(system["c"] == "text");
    CHECK(dump(system["e"]) == R"({"x":null})");
    CHECK(dump(spec["attributes"]["user"]) == R"({"d":1,"file":{"a":[1]}})");
    CHECK(dump(system["shell"]["options"]) == R"({"a":{"b":true},"verbose":1})");
    CHECK(system_of({"-t5", "--setattr=duration=7"})["duration"] == 7); // the person's word wins
    auto bad = "--setattr=^x=" + (dir / "bad");
    auto none = "--setattr=^x=" + (dir / "none");
    for (const char* word : {"--setattr=", "--setattr=a..b=1", "--setattr=.a", "--setattr=^x",
                             "--setattr=cwd.x=1", bad.c_str(), none.c_str(),
                             "--setattr=system."})
      CHECK(refusal({word}).starts_with("--setattr: "));
    CHECK(refusal({"-O=1"}).starts_with("--setopt: "));
  }

  TEST_CASE("counts may be ranges, and then the jobspec is canonical") {
    CHECK(jobspec_of({"-N", "2-4"})["version"] == 9999);
    CHECK(resources({"-N", "2-4"})
          == R"({"count":{"max":4,"min":2},"exclusive":true,"type":"node","with":[)"
             R"({"count":1,"label":"task","type":"slot","with":[{"count":1,"type":"core"}]}]})");
    CHECK(resources({"-N", "2+", "--tasks-per-node=3", "-c2"})
          == R"({"count":{"min":2},"type":"node","with":[)"
             R"({"count":3,"label":"task","type":"slot","with":[{"count":2,"type":"core"}]}]})");
    CHECK(resources({"-n", "2-8:2:*"})
          == R"({"count":{"max":8,"min":2,"operand":2,"operator":"*"},"label":"task",)"
             R"("type":"slot","with":[{"count":1,"type":"core"}]})");
    CHECK(jobspec_of({"-n", "3"})["version"] == 1);
    CHECK(refusal({"-N", "4-2"}).find("--nodes: '4-2' is neither a number nor a range")
          != std::string::npos);
    CHECK(refusal({"-N", "2-4", "-n", "4"}).find("say --tasks-per-node") != std::string::npos);
    CHECK(refusal({"-N", "2", "-n", "2-4"}).find("goes with neither") != std::string::npos);
  }

  TEST_CASE("shapes of RFC 46 become resources") {
    auto shape = [](const std::string& text) { return resources({"--shape", text.c_str()}); };
    CHECK(shape("slot=4/node")
          == R"({"count":4,"label":"task","type":"slot","with":[{"count":1,"type":"node"}]})");
    CHECK(shape("slot=4{nodelevel}/node{-x}/socket=2+/core=4+")
          == R"({"count":4,"label":"nodelevel","type":"slot","with":[{"count":1,"exclusive":false,)"
             R"("type":"node","with":[{"count":{"min":2},"type":"socket","with":[)"
             R"({"count":{"min":4},"type":"core"}]}]}]})");
    CHECK(shape("node{x}/[slot=10{read}/[core;memory=4{unit:GB}];storage=[2-8:2:*]]")
          == R"({"count":1,"exclusive":true,"type":"node","with":[{"count":10,"label":"read",)"
             R"("type":"slot","with":[{"count":1,"type":"core"},{"count":4,"type":"memory",)"
             R"("unit":"GB"}]},{"count":{"max":8,"min":2,"operand":2,"operator":"*"},)"
             R"("type":"storage"}]})");
    CHECK(jobspec_of({"--shape=slot=4{a}/core"})["tasks"][0]["slot"] == "a");
    for (auto [text, says] :
         {std::pair{"node/core", "has 0 slots"}, {"[slot{a}/core;slot{b}/core]", "has 2 slots"},
          {"slot=0/core", "at '0/core': is no count"}, {"slot/", "a type is expected"},
          {"slot/[core;gpu", "';' or ']' is expected"}, {"slot{a", "',' or '}' is expected"},
          {"slot/core]", "at ']'"}, {"slot/core{:1}", "a key is expected"}}) {
      CAPTURE(text);
      CHECK(refusal({"--shape", text}).find(says) != std::string::npos);
    }
    CHECK(refusal({"--shape=slot/core", "-n2"}) == "--shape and --ntasks exclude each other");
  }

} // TEST_SUITE
