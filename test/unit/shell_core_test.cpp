// The tasks of one job on one node: environment, starts, ends.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include <cerrno>
#include <map>

#include "actors/kill_steps.hpp"
#include "actors/output_gate.hpp"
#include "actors/shell_core.hpp"
#include "actors/task_warning.hpp"
#include "graph/rset_extra.hpp"
#include "spec_texts.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

/// "K=V\0" texts as a map; the number of times a name occurs goes to `count`.
std::map<std::string, std::string> variables(const std::string& text,
                                             std::map<std::string, int>* count = nullptr) {
  std::map<std::string, std::string> result;
  std::string_view rest = text;
  while (!rest.empty()) {
    auto one = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(one.size() + 1);
    auto name = std::string{one.substr(0, one.find('='))};
    result[name] = one.substr(one.find('=') + 1);
    if (count != nullptr)
      ++(*count)[name];
  }
  return result;
}

shell_work planned(const spec_text& s, const launch_item& item,
                   const std::vector<uint32_t>& entries) {
  auto work = plan_shell(*plan_of(s), item, entries, {"local:///x", "/tmp/job", 1});
  REQUIRE_MESSAGE(work, render(work.error()));
  return *work;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("a gate that has closed stays so until half of its bytes are spooled") {
    output_gate gate;
    int opened = 0;
    gate.on_open([&opened] { ++opened; });
    gate.add(output_gate::bytes_max);
    CHECK_FALSE(gate.closed());
    gate.add(1);
    CHECK(gate.closed());
    gate.done(output_gate::bytes_max / 4);
    CHECK(gate.closed()); // nobody has been told to read on
    gate.done(output_gate::bytes_max / 4 + 1);
    CHECK_FALSE(gate.closed());
    CHECK(opened == 1);
    gate.add(output_gate::bytes_max / 4);
    CHECK_FALSE(gate.closed());
  }

  TEST_CASE("each node gets its own tasks, ranks in block order, local ids from 0") {
    spec_text s;
    s.nodes = 3;
    s.slots = 2;
    launch_item item{{77}, 1000, -1, true, whole_nodes(3, 2)};
    auto work = planned(s, item, {1});
    REQUIRE(work.tasks.size() == 2);
    CHECK(work.tasks[0].task_rank == 2);
    CHECK(work.tasks[0].local_id == 0);
    CHECK(work.tasks[1].task_rank == 3);
    CHECK(work.tasks[1].local_id == 1);
    CHECK(work.names.size == 6);
    CHECK(work.names.id == to_string(job_id{77}));
    CHECK(planned(s, item, {}).tasks.empty());
    auto two = planned(s, item, {0, 2});
    REQUIRE(two.tasks.size() == 4);
    CHECK(two.tasks[2].task_rank == 4);
    CHECK(two.tasks[2].local_id == 0);
  }

  TEST_CASE("each entry of tasks has its own command, on the slots of its label") {
    auto text = json::parse(spec_text{}.text());
    text["resources"].push_back(text["resources"][0]);
    text["resources"][1]["label"] = "b";
    text["resources"][1]["count"] = 3;
    text["tasks"].push_back(text["tasks"][0]);
    text["tasks"][1]["slot"] = "b";
    text["tasks"][1]["command"] = {"echo", "b"};
    auto plan = make_launch_plan(dump(text), "");
    REQUIRE_MESSAGE(plan, render(plan.error()));
    launch_item item{{77}, 1000, -1, true, whole_nodes(2, 2)};
    item.resources.scheduling =
        R"({"writer":"hactor","slots":[["0","task",1],["0","b",1],["1","b",2]]})";
    auto work = plan_shell(**plan, item, {0, 1}, {"local:///x", "/tmp/job", 1});
    REQUIRE_MESSAGE(work, render(work.error()));
    std::string all;
    for (auto& t : work->tasks)
      all += std::to_string(t.task_rank) + ":" + t.argv.back() + std::to_string(t.entry) + " ";
    CHECK(all == "0:true0 1:b1 2:b1 3:b1 ");
    CHECK(work->names.size == 4);
    item.resources.scheduling = R"({"writer":"hactor","slots":[["0","task",1]]})";
    CHECK(code_of(plan_shell(**plan, item, {0, 1}, {}).error()) == ec::bad_rset);
  }

  TEST_CASE("a task sees who it is, and nothing of its GPUs when it has none") {
    spec_text s;
    s.nodes = 2;
    s.environment = {{"A", "b"}};
    launch_item item{{77}, 1000, 9, true, whole_nodes(2, 1)};
    auto v = variables(planned(s, item, {1}).tasks.at(0).variables);
    auto expected = std::map<std::string, std::string>{
      {"A", "b"},
      {"HACTOR_URI", "local:///x"},
      {"HACTOR_JOB_ID", to_string(job_id{77})},
      {"HACTOR_JOB_ID_PATH", "/" + to_string(job_id{77})},
      {"HACTOR_KVS_NAMESPACE", "job-" + to_string(job_id{77})},
      {"HACTOR_JOB_SIZE", "2"},
      {"HACTOR_JOB_NNODES", "2"},
      {"HACTOR_JOB_TMPDIR", "/tmp/job"},
      {"HACTOR_LEVEL", "1"},
      {"HACTOR_JOB_CC", "9"},
      {"HACTOR_ARRAY_INDEX", "9"}, // whose array is not known here
      {"HACTOR_TASK_RANK", "1"},
      {"HACTOR_TASK_LOCAL_ID", "0"},
      {"CUDA_VISIBLE_DEVICES", "-1"},
      {"CUDA_DEVICE_ORDER", "PCI_BUS_ID"},
      {"PMI_FD", "3"},
      {"PMI_RANK", "1"},
      {"PMI_SIZE", "2"},
      {"PMI_SPAWNED", "0"},
      {"ROCR_VISIBLE_DEVICES", "-1"},
      {"HIP_VISIBLE_DEVICES", "-1"},
      {"ZE_AFFINITY_MASK", "65535"},
    };
    CHECK(v == expected);
  }

  TEST_CASE("tasks see the variables of another system, those of an instance its slots'") {
    spec_text s;
    s.nodes = 2;
    s.slots = 2;
    s.options = {{"compat", "slurm"}};
    launch_item item{{77}, 1000, -1, true, whole_nodes(2, 2)};
    auto seen = [&] { return variables(planned(s, item, {0}).tasks.at(0).variables); };
    CHECK(seen()["SLURM_NTASKS"] == "4");
    for (auto [told, ntasks, cores] :
         {std::tuple{0, "4", "1"}, std::tuple{3, "3", "1"}, std::tuple{2, "2", "2"}}) {
      s.options["compat-tasks"] = told;
      CHECK(seen()["SLURM_NTASKS"] == ntasks);
      CHECK(seen()["SLURM_NPROCS"] == ntasks);
      CHECK(seen()["SLURM_CPUS_PER_TASK"] == cores);
    }
    s.options = {{"compat", "flux"}};
    shell_place place{"local:///x", "/tmp/job", 2};
    place.instance = "f1/f2";
    auto work = plan_shell(*plan_of(s), item, {0}, place);
    REQUIRE(work);
    auto v = variables(work->tasks.at(0).variables);
    CHECK(v["FLUX_JOB_ID_PATH"] == "/f1/f2/" + to_string(job_id{77}));
    CHECK(v["FLUX_ENCLOSING_ID"] == "f2");
    CHECK_FALSE(seen().contains("FLUX_ENCLOSING_ID"));
  }

  TEST_CASE("tasks find each other by PMI when there are several, and it was not turned off") {
    spec_text s;
    s.nodes = 2;
    s.slots = 2;
    launch_item item{{77}, 1000, -1, true, whole_nodes(2, 2)};
    item.resources.nodelist = {"a", "b"};
    auto work = planned(s, item, {1});
    CHECK(work.size == 4);
    CHECK(work.places == std::vector<uint32_t>{0, 0, 1, 1});
    item.resources.nodelist = {"a", "a"}; // two brokers of one host
    CHECK(planned(s, item, {1}).places == std::vector<uint32_t>{0, 0, 0, 0});
    s.nodes = s.slots = 1;
    item.resources = whole_nodes(1, 1);
    auto one = planned(s, item, {0});
    CHECK(one.places.empty());
    auto v = variables(one.tasks.at(0).variables);
    CHECK(v.count("PMI_FD") == 0);
    CHECK(v.count("PMI_SPAWNED") == 0);
    CHECK(v["PMI_RANK"] == "0");
    CHECK(v["PMI_SIZE"] == "1");
    s.options = {{"pmi", "off"}};
    CHECK(variables(planned(s, item, {0}).tasks.at(0).variables).count("PMI_RANK") == 0);
  }

  TEST_CASE("where there is PMIx, tasks of several are told of it, and their job is described") {
    spec_text s;
    s.nodes = 3;
    s.slots = 2;
    launch_item item{{77}, 1000, -1, true, whole_nodes(3, 2)};
    shell_place place{"local:///x", "/tmp/job", 1};
    auto hosts = std::make_shared<const std::vector<std::string>>(
        std::vector<std::string>{"a", "b"}); // of two brokers, so that node 2 is broker 0's
    place.pmix = pmix_place{"hactor-0", hosts};
    place.brokers = 2;
    auto work = plan_shell(*plan_of(s), item, {0, 2}, place);
    REQUIRE(work);
    CHECK(work->brokers == std::vector<rank_t>{0, 0, 1, 1, 0, 0});
    REQUIRE(work->worlds.size() == 1);
    auto job = describe_pmix(*work, work->worlds[0], place, item.id);
    CHECK(job.space == "hactor-0-" + to_string(item.id));
    CHECK(job.hosts == *hosts);
    CHECK(job.places == std::vector<uint32_t>{0, 0, 1, 1, 0, 0});
    CHECK(job.ranks == std::vector<uint32_t>{0, 1, 4, 5});
    CHECK(job.folder == "/tmp/job/.mpi");
    set_pmix_server(*work, 4711);
    auto v = variables(work->tasks.at(2).variables);
    CHECK(v["PMIX_RANK"] == "4");
    CHECK(v["PMIX_NAMESPACE"] == job.space);
    CHECK(v["PMIX_HOSTNAME"] == "a");
    CHECK(v["PMIX_SERVER_URI41"] == "hactor-pmix.0;tcp4://127.0.0.1:4711");
    CHECK(v["FLUX_JOB_ID"] == to_string(item.id));
    s.options = {{"pmi", "simple"}};
    CHECK(plan_shell(*plan_of(s), item, {0}, place)->brokers.empty());
  }

  TEST_CASE("each program counts its ranks from 0 when it has a world of its own") {
    json options = {{"worlds", "each"}};
    auto text = [&] {
      auto slot = [](const char* label, int count) {
        return json{{"type", "slot"},
                    {"label", label},
                    {"count", count},
                    {"with", json::array({{{"type", "core"}, {"count", 1}}})}};
      };
      auto tasks = [](const char* label) {
        return json{{"command", {label}}, {"slot", label}, {"count", {{"per_slot", 1}}}};
      };
      return dump(json{{"version", 9999},
                       {"resources", {slot("sim", 3), slot("ana", 1)}},
                       {"tasks", {tasks("sim"), tasks("ana")}},
                       {"attributes",
                        {{"system", {{"duration", 60}, {"shell", {{"options", options}}}}}}}});
    };
    launch_item item{{77}, 1000, -1, true, whole_nodes(2, 2)};
    rset_extra extra;
    extra.slots = {{idset::single(0), "sim", 2},
                   {idset::single(1), "sim", 1},
                   {idset::single(1), "ana", 1}};
    item.resources.scheduling = to_json(extra);
    shell_place place{"local:///x", "/tmp/job", 1};
    place.brokers = 2;
    auto planned_here = [&] {
      auto plan = make_launch_plan(text(), "");
      REQUIRE_MESSAGE(plan, render(plan.error()));
      auto work = plan_shell(**plan, item, {1}, place);
      REQUIRE_MESSAGE(work, render(work.error()));
      return *work;
    };
    auto work = planned_here();
    REQUIRE(work.worlds.size() == 2);
    CHECK(work.brokers == std::vector<rank_t>{0, 0, 1, 1});
    REQUIRE(work.tasks.size() == 2);
    auto last_of_sim = variables(work.tasks[0].variables);
    auto ana = variables(work.tasks[1].variables);
    CHECK(last_of_sim["HACTOR_TASK_RANK"] == "2");
    CHECK(last_of_sim["PMI_RANK"] == "2");
    CHECK(last_of_sim["PMI_SIZE"] == "3");
    CHECK(ana["HACTOR_TASK_RANK"] == "3");
    CHECK(ana["HACTOR_JOB_SIZE"] == "4");
    CHECK(ana["PMI_RANK"] == "0");
    CHECK(ana["PMI_SIZE"] == "1");
    CHECK(ana["PMI_FD"] == "3");
    options = nullptr;
    work = planned_here();
    REQUIRE(work.worlds.size() == 1);
    CHECK(work.brokers.empty());
    CHECK(variables(work.tasks[1].variables)["PMI_RANK"] == "3");
  }

  TEST_CASE("PMIx that was asked for and is not there is an error that says what is missing") {
    spec_text s;
    s.options = {{"pmi", "pmix"}};
    launch_item item{{77}, 1000, -1, true, whole_nodes(1, 1)};
    auto work = plan_shell(*plan_of(s), item, {0}, {"local:///x", "/tmp/job", 1});
    REQUIRE_FALSE(work);
    CHECK(code_of(work.error()) == ec::exec_failed);
    CHECK(context_of(work.error()).find("libpmix") != std::string::npos);
  }

  TEST_CASE("the job's GPUs of the node are the visible ones") {
    spec_text s;
    s.nodes = 1;
    s.gpus = 3;
    launch_item item{{77}, 1000, -1, true, whole_nodes(1, 1)};
    item.resources.nodes[0].gpus = *idset::parse("1,4-5");
    auto v = variables(planned(s, item, {0}).tasks.at(0).variables);
    CHECK(v["CUDA_VISIBLE_DEVICES"] == "1,4,5");
    CHECK(v.count("HACTOR_JOB_CC") == 0);
  }

  TEST_CASE("tasks are bound as the job asks, and a line says where each runs") {
    spec_text s;
    s.nodes = 1;
    s.slots = 2;
    s.gpus = 1;
    s.environment = {{"CUDA_VISIBLE_DEVICES", "7"}};
    s.options = {{"cpu-affinity", "per-task"}, {"gpu-affinity", "per-task"}, {"verbose", 1}};
    launch_item item{{77}, 1000, -1, true, whole_nodes(1, 2)};
    item.resources.nodes[0].gpus = *idset::parse("0-1");
    shell_place place{"u", "/t", 1};
    place.machine = std::make_shared<machine_cpus>(
      machine_cpus{"n0", {idset::single(4), idset::single(9)}, false});
    auto work = plan_shell(*plan_of(s), item, {0}, place);
    REQUIRE(work);
    CHECK(work->tasks.at(0).cpus == idset::single(4));
    CHECK(work->tasks.at(1).cpus == idset::single(9));
    CHECK(variables(work->tasks[1].variables)["CUDA_VISIBLE_DEVICES"] == "1");
    CHECK(variables(work->tasks[1].variables)["HIP_VISIBLE_DEVICES"] == "0");
    CHECK(work->tasks[0].note == "hactor: task 0 on n0: CPUs 4, GPUs 0\n");
    CHECK(work->tasks[1].note == "hactor: task 1 on n0: CPUs 9, GPUs 1\n");
    s.options = {{"cpu-affinity", "map:5"}};
    auto refused = plan_shell(*plan_of(s), item, {0}, place);
    REQUIRE_FALSE(refused);
    CHECK(context_of(refused.error()).find("the job has 4,9 there") != std::string::npos);
    s.options = {{"gpu-affinity", "off"}};
    auto own = plan_shell(*plan_of(s), item, {0}, place);
    REQUIRE(own);
    CHECK(variables(own->tasks[0].variables)["CUDA_VISIBLE_DEVICES"] == "7");
    CHECK(own->tasks[0].note.empty());
    s.options = {{"gpu-affinity", "dry-run,per-task"}};
    auto tried = plan_shell(*plan_of(s), item, {0}, place);
    REQUIRE(tried);
    for (auto& task : tried->tasks) {
      auto v = variables(task.variables);
      CHECK(v["CUDA_VISIBLE_DEVICES"] == "7");
      CHECK(v.count("HIP_VISIBLE_DEVICES") == 0);
    }
    CHECK(tried->tasks[1].note.find("hactor: task 1 on n0: ") != std::string::npos);
    CHECK(tried->tasks[1].note.find(", GPUs 1") != std::string::npos);
  }

  TEST_CASE("what hactor sets is set once, whatever the user's environment had") {
    spec_text s;
    s.environment = {{"CUDA_VISIBLE_DEVICES", "0,1,2,3"},
                     {"CUDA_DEVICE_ORDER", "FASTEST_FIRST"},
                     {"HACTOR_LEVEL", "7"},
                     {"HACTOR_URI", "local:///outer"},
                     {"HACTOR_JOB_CC", "3"},
                     {"HACTOR_ARRAY_INDEX", "3"}};
    launch_item item{{77}, 1000, -1, true, whole_nodes(1, 1)};
    std::map<std::string, int> count;
    auto v = variables(planned(s, item, {0}).tasks.at(0).variables, &count);
    for (auto& [name, n] : count) {
      CAPTURE(name);
      CHECK(n == 1);
    }
    CHECK(v["CUDA_VISIBLE_DEVICES"] == "-1");
    CHECK(v["HACTOR_LEVEL"] == "1");
    CHECK(v.count("HACTOR_JOB_CC") == 0);
  }

  TEST_CASE("--bcc fills {cc} and sets no variable") {
    spec_text s;
    s.command = {"echo", "{cc}", "x{cc}"};
    s.cwd = "/tmp/{cc}";
    launch_item item{{77}, 1000, 4, false, whole_nodes(1, 1)};
    auto work = planned(s, item, {0});
    CHECK(work.tasks.at(0).argv == std::vector<std::string>{"echo", "4", "x4"});
    CHECK(work.cwd == "/tmp/4");
    CHECK(variables(work.tasks[0].variables).count("HACTOR_JOB_CC") == 0);
  }

  TEST_CASE("an R that cannot hold the slots is refused") {
    spec_text s;
    s.nodes = 2;
    s.cores = 4;
    launch_item item{{77}, 1000, -1, true, whole_nodes(1, 1)};
    auto work = plan_shell(*plan_of(s), item, {0}, {});
    REQUIRE_FALSE(work);
    CHECK(code_of(work.error()) == ec::bad_rset);
  }

  TEST_CASE("a node has started when each of its tasks has, and ended when each has") {
    shell_core c{{5}, 2};
    CHECK_FALSE(c.all_started());
    c.on_started();
    CHECK_FALSE(c.report(false).started);
    c.on_started();
    CHECK(c.all_started());
    CHECK(c.report(false).started);
    CHECK_FALSE(c.report(false).ended);
    CHECK_FALSE(c.report(false).task_ended);
    c.on_exited(0, {100, 5, 6});
    CHECK_FALSE(c.all_ended());
    CHECK(c.report(false).task_ended);
    CHECK_FALSE(c.report(false).tasks_ended);
    CHECK(c.report(false).used.user_us == 0); // all is summed at the end
    c.on_exited(3 << 8, {70, 10, 20});
    CHECK(c.all_ended());
    c.add_output(4, 99);
    auto r = c.report(true);
    CHECK(r.id == job_id{5});
    CHECK(r.started);
    CHECK(r.ended);
    CHECK(r.status == 3 << 8);
    CHECK(r.used.maxrss_kb == 100);
    CHECK(r.used.user_us == 15);
    CHECK(r.used.system_us == 26);
    CHECK(r.failure == "");
    REQUIRE(r.outputs.size() == 1);
    CHECK(r.outputs[0] == std::pair<uint32_t, uint64_t>{4, 99});
  }

  TEST_CASE("a process that never reports its end is left after so many SIGKILLs") {
    shell_core c{{5}, 2};
    c.on_started();
    c.on_started();
    c.on_exited(0, {100, 5, 6}); // the other one hangs in the kernel
    auto moments = [](int kills_max, double patience_s) { // seconds after SIGTERM
      std::vector<double> at{patience_s};
      while (auto wait = wait_for_kill(static_cast<int>(at.size()), kills_max, patience_s))
        at.push_back(at.back() + *wait);
      return at;
    };
    CHECK(moments(8, 5)
          == std::vector<double>{5, 10, 15, 20, 25, 30, 40, 60, 100, 180, 340, 640});
    CHECK(moments(2, 1) == std::vector<double>{1, 2, 3, 4, 5, 6});
    auto all = moments(1000, 5); // it does not double for ever
    CHECK(all.size() == 1004);
    CHECK(all.back() == 640 + 300.0 * 992);
    CHECK(moments(3, 400) == std::vector<double>{400, 800, 1200, 1600, 2000, 2400, 2800});
    CHECK_FALSE(c.all_ended());
    c.on_broken("host1", "unkillable user processes from job f5", 9);
    c.abandon();
    CHECK(c.all_ended());
    auto r = c.report(true);
    CHECK(r.status == 9);
    CHECK(r.failure == "host1: unkillable user processes from job f5");
  }

  TEST_CASE("how the first task ended is told on the way, and at the end if it was not to") {
    CHECK(task_warning(2, "n1", 11)
          == "task 2 (host n1): killed by signal 11 (Segmentation fault)");
    CHECK(task_warning(0, "n1", 3 << 8) == "task 0 (host n1): exited with 3");
    shell_core c{{5}, 3};
    c.note_end("task 4 (host n1): exited with 0", 0, false);
    CHECK(c.report(false).warning == "task 4 (host n1): exited with 0");
    CHECK(c.report(true).warning == "");
    c.note_end("task 6 (host n1): exited with 3", 3 << 8, true);
    c.note_end("task 7 (host n1): exited with 3", 3 << 8, true);
    CHECK(c.report(false).warning == "task 6 (host n1): exited with 3");
    CHECK(c.report(true).warning == "task 6 (host n1): exited with 3");
    c.note_end("task 5 (host n1): exited with 4", 4 << 8, true); // the job's status, and the cause
    auto both = "task 5 (host n1): exited with 4, after task 6 (host n1): exited with 3";
    CHECK(c.report(true).warning == both);
    CHECK(c.first_end() == "task 4 (host n1): exited with 0");
    c.on_lost("n1", "output");
    CHECK(c.report(true).warning == both + std::string{"; n1: output"});
    CHECK(split_warnings(c.report(true).warning).of_task == both);
    c.on_broken("n1", "why", 9);
    CHECK(c.report(true).warning == "n1: output"); // the cause is told
  }

  TEST_CASE("a job that is broken off has the status of its worst task, which is named") {
    struct {
      int of_tasks, given, status;
      const char* failure;
    } table[] = {
        {0, 1 << 8, 1 << 8, "n1: why"},
        {9 << 8, 1 << 8, 9 << 8, "n1: why; task 3 (host n1): exited with 9"},
        {1 << 8, 1 << 8, 1 << 8, "n1: why; task 3 (host n1): exited with 1"},
        {9 << 8, 9, 9, "n1: why"}, // 137
    };
    for (auto& t : table) {
      shell_core c{{5}, 2};
      c.note_end(task_warning(3, "n1", t.of_tasks), t.of_tasks, t.of_tasks != 0);
      c.on_exited(t.of_tasks, {});
      CHECK(c.status() == t.of_tasks);
      c.break_off("n1", "why", t.given);
      c.on_exited(15, {}); // ended by us
      CHECK(c.report(true).status == t.status);
      CHECK(c.report(true).failure == t.failure);
    }
    shell_core c{{5}, 2};
    c.note_end("task 3 (host n1): exited with 9", 9 << 8, true);
    c.on_exited(9 << 8, {});
    c.break_off("n1", "others ran after " + c.first_end(), 1 << 8);
    CHECK(c.report(true).failure == "n1: others ran after task 3 (host n1): exited with 9");
  }

  TEST_CASE("of the warnings about tasks the worst is kept, of others all") {
    std::string sum;
    for (auto* part : {"", "n1: lost", "task 2 (host n2): exited with 3; n2: lost", "n3: lost",
                       "task 1 (host n4): exited with 2"})
      add_warnings(sum, part, false);
    CHECK(sum == "task 2 (host n2): exited with 3; n1: lost; n2: lost; n3: lost");
    CHECK(split_warnings(sum).of_task == "task 2 (host n2): exited with 3");
    CHECK(split_warnings(sum).others == "n1: lost; n2: lost; n3: lost");
    add_warnings(sum, "n5: lost", true); // of its task nothing was said
    add_warnings(sum, "task 4 (host n6): exited with 5; n6: lost", true);
    CHECK(sum == "task 4 (host n6): exited with 5; n1: lost; n2: lost; n3: lost; n5: lost; "
                 "n6: lost");
    CHECK(split_warnings("n1: lost; task 3").of_task == "");
  }

  TEST_CASE("a task that cannot start ends with 127 or 126, and the first reason is told") {
    struct {
      const char* what;
      int error;
      bool of_command;
      int code;
      const char* part;
    } table[] = {
      {"frobnicate", ENOENT, true, 127, "command not found"},
      {"script", EACCES, true, 126, "Permission denied"},
      {"/no/dir", ENOENT, false, 126, "No such file"},
      {"cpu-affinity: no", 0, false, 126, "no"},
    };
    for (auto& t : table) {
      shell_core c{{5}, 2};
      c.on_failed("host1", t.what, t.error, t.of_command);
      c.on_failed("host1", "another", EIO, false);
      auto r = c.report(true);
      CHECK(c.all_started());
      CHECK(c.all_ended());
      CHECK_FALSE(r.started);
      CHECK(r.status == t.code << 8);
      CHECK(r.failure.find("host1: " + std::string{t.what}) == 0);
      CHECK(r.failure.find(t.part) != std::string::npos);
    }
    shell_core c{{5}, 1};
    c.on_failed("host1", "script", ENOENT, true, "its interpreter /x does not exist");
    CHECK(c.report(true).failure == "host1: script: its interpreter /x does not exist");
    CHECK(c.report(true).status == 127 << 8);
  }
}
