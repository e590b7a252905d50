// From a jobspec to what its tasks are started with.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "spec_texts.hpp"

using namespace hactor;
using namespace hactor::test;

TEST_SUITE("unit") {

  TEST_CASE("variables of launchers and of jobs do not reach a job, all others do") {
    for (auto name : {"PMI_RANK", "PMIX_ID", "OMPI_COMM_WORLD_RANK", "SLURM_JOB_ID", "HYDI_X",
                      "MPI_LOCALNRANKS", "HACTOR_URI", "HACTOR_RANK", "HACTOR_JOB_ID",
                      "HACTOR_TASK_RANK", "PALS_APID", "FLUX_JOB_ID", "OMPI_MCA_ess",
                      "OMPI_MCA_orte_hnp_uri", "MPIR_CVAR_CH3_INTERFACE_HOSTNAME"})
      CHECK(is_launcher_variable(name));
    for (auto name : {"PATH", "HOME", "MPI", "PM", "SLURM", "OMP_NUM_THREADS", "HACTOR", "",
                      "OMPI_MCA_btl", "OMPI_MCA_pmix_base_async_modex", "OMPI_ALLOW_RUN_AS_ROOT",
                      "MPIR_CVAR_DEBUG_SUMMARY"})
      CHECK_FALSE(is_launcher_variable(name));
  }

  TEST_CASE("a plan has command, directory, name and the variables that may pass") {
    spec_text s;
    s.command = {"/bin/echo", "hi"};
    s.cwd = "/tmp";
    s.environment = {{"PATH", "/opt/bin"}, {"PMI_RANK", "3"}, {"A", "b=c"}, {"GONE", nullptr}};
    auto plan = plan_of(s);
    REQUIRE(plan->commands.size() == 1);
    CHECK(plan->commands[0] == s.command);
    CHECK(plan->cwd == "/tmp");
    CHECK(plan->name == "echo");
    CHECK(plan->path == "/opt/bin");
    CHECK(plan->variables == std::string{"A=b=c\0PATH=/opt/bin\0", 20});
    CHECK(plan->simulated_s < 0);
    CHECK_FALSE(plan->has_cc);
    CHECK_FALSE(plan->label);
    CHECK_FALSE(plan->unbuffered);
    CHECK_FALSE(plan->input_attached);
    CHECK(plan->output + plan->error + plan->input == "");
  }

  TEST_CASE("variables of launchers reach a job that names them") {
    spec_text s;
    s.environment = {{"SLURM_X", "3"}, {"SLURM_Y", "4"}, {"PALS_Z", "5"}};
    CHECK(plan_of(s)->variables.empty());
    s.options = {{"env-allow", {"SLURM_X", "NONE"}}};
    CHECK(plan_of(s)->variables == std::string{"SLURM_X=3\0", 10});
    s.options = {{"env-allow", "SLURM_Y,PALS_Z"}};
    CHECK(plan_of(s)->variables == std::string{"PALS_Z=5\0SLURM_Y=4\0", 19});
    for (auto& wrong : {json(1), json::array(), json(""), json({"A", "A"}), json({1}),
                        json({"PMI_RANK"}), json("HACTOR_JOB_ID")}) {
      s.options = {{"env-allow", wrong}};
      auto refused = make_launch_plan(s.text(), dump(s.environment));
      REQUIRE_FALSE(refused);
      CHECK(code_of(refused.error()) == ec::bad_jobspec);
      CHECK(render(refused.error()).find("env-allow") != std::string::npos);
    }
    s.options = {{"env-allow", "SLURM_X"}, {"compat", "slurm"}};
    CHECK_FALSE(make_launch_plan(s.text(), dump(s.environment)));
  }

  TEST_CASE("what others have left has 30 s to end, or as long as exit-timeout says") {
    CHECK(plan_of({})->exit_timeout_s == 30);
    spec_text s;
    for (const auto& [value, seconds] :
         {std::pair{json("2m"), 120.0}, std::pair{json("none"), -1.0}, std::pair{json(7), 7.0}}) {
      s.options = {{"exit-timeout", value}};
      CHECK(plan_of(s)->exit_timeout_s == seconds);
    }
  }

  TEST_CASE("without PATH programs are searched in the usual places") {
    CHECK(plan_of({})->path == "/usr/local/bin:/usr/bin:/bin");
  }

  TEST_CASE("shell options say where the streams go") {
    spec_text s;
    s.options = {{"output",
                  {{"stdout", {{"type", "file"}, {"path", "o.%t"}, {"label", true},
                               {"buffer", {{"type", "none"}}}}},
                   {"stderr", {{"type", "file"}, {"path", "e"}}}}},
                 {"input", {{"stdin", {{"type", "file"}, {"path", "i"}}}}}};
    auto plan = plan_of(s);
    CHECK(plan->output == "o.%t");
    CHECK(plan->error == "e");
    CHECK(plan->input == "i");
    CHECK(plan->label);
    CHECK(plan->unbuffered);
    CHECK_FALSE(plan->input_attached);
    s.options = {{"input", {{"stdin", {{"type", "service"}}}}}};
    CHECK(plan_of(s)->input_attached);
    CHECK_FALSE(plan_of(s)->unbuffered);
  }

  TEST_CASE("a shell option of a wrong type is refused by its path; unknown ones may be there") {
    struct row {
      json options;
      const char* path;
    };
    const row rows[] = {
      {{{"output", 3}}, "output: "},
      {{{"output", {{"stdout", 1}}}}, "output.stdout: "},
      {{{"output", {{"stdout", {{"path", 7}}}}}}, "output.stdout.path: "},
      {{{"output", {{"stdout", {{"type", "file"}}}}}}, "output.stdout.path: missing"},
      {{{"output", {{"stdout", {{"label", "yes"}}}}}}, "output.stdout.label: "},
      {{{"output", {{"stderr", {{"path", json::array({"e"})}}}}}}, "output.stderr.path: "},
      {{{"output", {{"stdout", {{"buffer", 1}}}}}}, "output.stdout.buffer: "},
      {{{"output", {{"stdout", {{"buffer", {{"type", 1}}}}}}}}, "output.stdout.buffer.type: "},
      {{{"input", {{"stdin", "x"}}}}, "input.stdin: "},
      {{{"pmi", 1}}, "pmi: "},
      {{{"pmi", "fast"}}, "pmi: must be simple (pmi1, pmi2), pmix, simple,pmix or off, found fast"},
      {{{"output", {{"stdout", {{"buffer", {{"type", "full"}}}}}}}}, "output.stdout.buffer.type: "},
      {{{"output", {{"stdout", {{"type", "kvs"}}}}}}, "output.stdout.type: must be file, or left"},
      {{{"input", {{"stdin", {{"type", "kvs"}}}}}}, "input.stdin.type: must be file or service"},
      {{{"verbose", "x"}}, "verbose: must be a number, 0 for off, or true or false, found \"x\""},
      {{{"exit-on-error", "x"}}, "exit-on-error: must be a number"},
      {{{"pmi", "fast,faster"}}, "pmi: must be"},
      {{{"input", {{"stdin", {{"type", 5}}}}}}, "input.stdin.type: "},
    };
    spec_text s;
    for (auto& row : rows) {
      s.options = row.options;
      auto plan = make_launch_plan(s.text(), "");
      CAPTURE(row.path);
      REQUIRE_FALSE(plan);
      CHECK(code_of(plan.error()) == ec::bad_jobspec);
      auto expected = "attributes.system.shell.options." + std::string{row.path};
      CHECK(context_of(plan.error()).starts_with(expected));
    }
    s.options = {{"verbose", 2}, {"output", {{"mode", "truncate"}, {"stdout", {{"limit", "1M"}}}}}};
    CHECK(plan_of(s)->output.empty());
  }

  TEST_CASE("both kinds of PMI are offered where they can be, or those that were asked for") {
    struct {
      json options;
      bool simple, pmix, needs_pmix;
    } rows[] = {
        {json::object(), true, true, false},      {{{"pmi", "off"}}, false, false, false},
        {{{"pmi", "simple"}}, true, false, false}, {{{"pmi", "pmix"}}, false, true, true},
        {{{"pmi", "pmix,simple"}}, true, true, true},
        {{{"pmi", "pmi1"}}, true, false, false},  {{{"pmi", "pmi2,cray-pals"}}, true, false, false},
        {{{"mpi", "intel"}}, true, false, false}, {{{"mpi", "spectrum"}}, false, true, true},
    };
    spec_text s;
    for (auto& row : rows) {
      s.options = row.options;
      CAPTURE(dump(row.options));
      CHECK(plan_of(s)->pmi == row.simple);
      CHECK(plan_of(s)->pmix == row.pmix);
      CHECK(plan_of(s)->needs_pmix == row.needs_pmix);
    }
  }

  TEST_CASE("input may be of some tasks, and the first one may have a terminal") {
    spec_text s;
    s.options = {{"input", {{"stdin", {{"type", "service"}, {"ranks", "1-2"}}}}}};
    CHECK(plan_of(s)->input_tasks == *idset::parse("1-2"));
    s.options = {{"input", {{"stdin", {{"type", "service"}, {"ranks", "all"}}}}}};
    CHECK_FALSE(plan_of(s)->input_tasks);
    CHECK_FALSE(plan_of(s)->terminal);
    for (auto& on : {json(true), json(1), json::object()}) {
      s.options = {{"pty", on}};
      CHECK(plan_of(s)->terminal);
      CHECK(plan_of(s)->rows == 24);
    }
    for (auto& off : {json(false), json(0)}) {
      s.options = {{"pty", off}};
      CHECK_FALSE(plan_of(s)->terminal);
    }
    s.options = {{"pty", {{"rows", 50}, {"columns", 132}}}};
    CHECK(plan_of(s)->rows == 50);
    CHECK(plan_of(s)->columns == 132);
    CHECK(plan_of(s)->has_terminal(0));
    CHECK(plan_of(s)->has_terminal(1)); // as Flux has it: all, unless a person is to sit at one
    s.options = {{"pty", {{"interactive", 1}}}};
    CHECK(plan_of(s)->has_terminal(0));
    CHECK_FALSE(plan_of(s)->has_terminal(1));
    for (auto& [ranks, last] : {std::pair{json("all"), 9u}, {json("1-3"), 3u}, {json(2), 2u}}) {
      s.options = {{"pty", {{"ranks", ranks}, {"capture", true}}}};
      CHECK(plan_of(s)->has_terminal(last));
      CHECK(plan_of(s)->has_terminal(0) == (ranks == "all"));
    }
    const json bad[] = {{{"pty", {{"ranks", "first"}}}},
                        {{"pty", {{"ranks", ""}}}},
                        {{"pty", {{"rows", 0}}}},
                        {{"pty", "bogus"}},
                        {{"pty", {{"capture", "yes"}}}},
                        {{"pty", {{"columns", "80"}}}},
                        {{"input", {{"stdin", {{"type", "service"}, {"ranks", "first"}}}}}}};
    for (auto& options : bad) {
      s.options = options;
      auto plan = make_launch_plan(s.text(), "");
      REQUIRE_FALSE(plan);
      CHECK(code_of(plan.error()) == ec::bad_jobspec);
    }
  }

  TEST_CASE("what terminals showed is kept, unless somebody is to sit at one, or as is said") {
    struct {
      json pty;
      bool kept;
    } rows[] = {{true, true},
                {{{"interactive", true}}, false},
                {{{"interactive", false}}, true},
                {{{"interactive", 1}, {"capture", 1}}, true},
                {{{"capture", false}}, false}};
    for (auto& row : rows) {
      spec_text s;
      s.options = {{"pty", row.pty}};
      CHECK(plan_of(s)->keep_terminal == row.kept);
      CHECK(plan_of(s)->has_terminal(0));
    }
  }

  TEST_CASE("what runs beside tasks, and how long what they write and read may be or wait") {
    spec_text s;
    auto plain = plan_of(s);
    CHECK(plain->own_groups);
    CHECK(plain->input_limit < 0);
    CHECK(plain->batch_timeout_s == 0);
    CHECK(plain->sysmon_s == 0);
    CHECK(plain->coprocesses.empty());
    s.options = {
        {"nosetpgrp", 1},
        {"input", {{"limit", "2k"}}},
        {"output", {{"batch-timeout", "50ms"}}},
        {"sysmon", {{"period", 0.5}}},
        {"verbose", 2},
        {"coprocess-kill-timeout", "2s"},
        {"rexec-shutdown-timeout", 1},
        {"coprocess",
         {{"a", {{"command", {"top", "-b"}}, {"output", "o.{{node.id}}"}, {"ranks", "0,2"}}},
          {"b", {{"command", "date | cat"}}}}}};
    auto plan = plan_of(s);
    CHECK_FALSE(plan->own_groups);
    CHECK(plan->input_limit == 2048);
    CHECK(plan->batch_timeout_s == 0.05);
    CHECK(plan->sysmon_s == 0.5);
    CHECK(plan->sysmon_trace);
    CHECK(plan->coprocess_kill_s == 2);
    CHECK(plan->command_kill_s == 1);
    REQUIRE(plan->coprocesses.size() == 2);
    auto& a = plan->coprocesses[0];
    CHECK(a.name == "a");
    CHECK(a.command == std::vector<std::string>{"top", "-b"});
    CHECK(a.output == "o.{{node.id}}");
    CHECK(a.nodes->to_string() == "0,2");
    auto& b = plan->coprocesses[1];
    CHECK(b.command == std::vector<std::string>{"/bin/sh", "-c", "date | cat"});
    CHECK_FALSE(b.nodes);
    s.options = {{"sysmon", true}};
    CHECK(plan_of(s)->sysmon_s == 2);
    const json bad[] = {{{"input", {{"limit", "much"}}}},
                        {{"output", {{"batch-timeout", "soon"}}}},
                        {{"output", {{"batch-timeout", -1}}}},
                        {{"sysmon", {{"period", 0}}}},
                        {{"coprocess", "top"}},
                        {{"coprocess", {{"a", "top"}}}},
                        {{"coprocess", {{"a", {{"output", "o"}}}}}},
                        {{"coprocess", {{"a", {{"command", json::array({"a", 1})}}}}}},
                        {{"coprocess", {{"a", {{"command", "a"}, {"ranks", "x"}}}}}},
                        {{"coprocess", {{"a", {{"command", "a"}, {"output", 1}}}}}}};
    for (auto& options : bad) {
      s.options = options;
      CAPTURE(dump(options));
      auto plan = make_launch_plan(s.text(), {});
      REQUIRE_FALSE(plan);
      CHECK(code_of(plan.error()) == ec::bad_jobspec);
      CHECK(render(plan.error()).find("attributes.system.shell.options.") != std::string::npos);
    }
  }

  TEST_CASE("whom the kernel ends first may be said, and what hwloc is to see") {
    spec_text s;
    CHECK(plan_of(s)->oom_adjust == 0);
    s.options = {{"oom", {{"adjust", 1000}}}};
    CHECK(plan_of(s)->oom_adjust == 1000);
    for (auto& bad : {json(1001), json(-1001), json("much"), json(0.5), json(true)}) {
      s.options = {{"oom", {{"adjust", bad}}}};
      auto plan = make_launch_plan(s.text(), "");
      REQUIRE_FALSE(plan);
      CHECK(code_of(plan.error()) == ec::bad_jobspec);
    }
    s.environment = {{"HWLOC_COMPONENTS", "-x86"}, {"HWLOC_XMLFILE", "mine"}};
    s.options = {{"hwloc", {{"xmlfile", 0}}}};
    CHECK_FALSE(plan_of(s)->hwloc_file);
    CHECK(plan_of(s)->variables.find("HWLOC_XMLFILE=mine") != std::string::npos);
    s.options = {{"hwloc", {{"restrict", true}}}};
    CHECK(plan_of(s)->hwloc_file);
    CHECK(plan_of(s)->hwloc_restrict);
    CHECK(plan_of(s)->variables.find("HWLOC_") == std::string::npos);
  }

  TEST_CASE("a simulated duration is seconds or a duration text") {
    spec_text s;
    CHECK(plan_of(s)->simulated_s < 0);
    struct {
      json value;
      double seconds;
    } good[] = {{0, 0}, {2.5, 2.5}, {"0.5s", 0.5}, {"2m", 120}, {10, 10}};
    for (auto& g : good) {
      s.exec = {{"test", {{"run_duration", g.value}}}};
      CHECK(plan_of(s)->simulated_s == g.seconds);
    }
    for (auto& bad : {json(-1), json("soon"), json(true), json::array(), json()}) {
      s.exec = {{"test", {{"run_duration", bad}}}};
      auto plan = make_launch_plan(s.text(), "");
      REQUIRE_FALSE(plan);
      CHECK(code_of(plan.error()) == ec::bad_jobspec);
      CHECK(context_of(plan.error()).find("run_duration") != std::string::npos);
    }
    for (auto& other :
         {json{{"test", 1}}, json{{"test", {{"x", 1}}}}, json{{"bulk", {{"a", 1}}}}}) {
      s.exec = other;
      CHECK(plan_of(s)->simulated_s < 0);
    }
  }

  TEST_CASE("{cc} is looked for in the whole jobspec") {
    spec_text s;
    s.command = {"echo", "{cc}"};
    CHECK(plan_of(s)->has_cc);
    spec_text file;
    file.options = {{"output", {{"stdout", {{"type", "file"}, {"path", "o.{cc}"}}}}}};
    CHECK(plan_of(file)->has_cc);
  }

  TEST_CASE("what cannot be launched is refused") {
    auto text = spec_text{}.text();
    CHECK(code_of(make_launch_plan("{", "").error()) == ec::bad_json);
    CHECK(code_of(make_launch_plan("{}", "").error()) == ec::bad_jobspec);
    CHECK(code_of(make_launch_plan(text, "{").error()) == ec::bad_json);
  }

  TEST_CASE("the plan of a jobspec is made once, and again when its environment is another") {
    launch_plans plans;
    auto text = spec_text{}.text();
    auto a = plans.get(text, R"({"A":"1"})");
    REQUIRE(a);
    CHECK(*plans.get(text, R"({"A":"1"})") == *a);
    auto b = plans.get(text, R"({"A":"2"})");
    REQUIRE(b);
    CHECK(*b != *a);
    CHECK((*b)->variables == std::string{"A=2\0", 4});
    CHECK_FALSE(plans.get("{", ""));
    std::weak_ptr<const launch_plan> weak = *a;
    a = caf::expected<launch_plan_ptr>{launch_plan_ptr{}};
    for (int i = 1; i < 400; ++i) {
      spec_text s;
      s.duration_s = i;
      REQUIRE(plans.get(s.text(), ""));
    }
    CHECK(weak.expired()); // old plans do not gather
  }
}
