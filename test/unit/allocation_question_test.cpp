// runtime/allocation_question: what batch systems are asked, and what they answer.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/allocation_question.hpp"

#include <cstdlib>
#include <ctime>
#include <map>

#include <fmt/ranges.h>

#include <doctest/doctest.h>

#include "variables.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

std::string asked(const variables& v) {
  auto q = find_allocation_question(env_of(v));
  return q ? fmt::format("{}: {}", q->variable, fmt::join(q->command, " ")) : "";
}

constexpr int64_t now_s = 1'795'726'525; // 2026-11-26T20:55:25Z

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("the allocation around us is asked about in its own words") {
    CHECK(asked({}).empty());
    CHECK(asked({{"SLURM_JOB_ID", "7"}}).empty());
    CHECK(asked({{"SLURM_JOB_ID", "7"}, {"SLURM_JOB_END_TIME", "99"}, {"PBS_JOBID", "12.srv"}})
          == "SLURM_JOB_ID=7: squeue -h -j 7 -o %e");
    CHECK(asked({{"SLURM_JOB_ID", "7"}, {"SLURM_JOB_END_TIME", "99"},
                 {"SLURM_ARRAY_JOB_ID", "7"}, {"SLURM_ARRAY_TASK_ID", "3"}})
          == "SLURM_JOB_ID=7_3: squeue -h -j 7_3 -o %e");
    CHECK(asked({{"PBS_JOBID", "12.srv"}}) == "PBS_JOBID=12.srv: qstat -f 12.srv");
    CHECK(asked({{"LSB_JOBID", "8"}, {"LSB_JOBINDEX", "0"}})
          == "LSB_JOBID=8: bjobs -noheader -o time_left 8");
    CHECK(asked({{"LSB_JOBID", "8"}, {"LSB_JOBINDEX", "3"}})
          == "LSB_JOBID=8[3]: bjobs -noheader -o time_left 8[3]");
    CHECK(asked({{"FLUX_JOB_ID", "f2"}}) == "FLUX_JOB_ID=f2: flux job timeleft f2");
    CHECK(asked({{"FLUX_ENCLOSING_ID", "f2"}}) == "FLUX_ENCLOSING_ID=f2: flux job timeleft");
    CHECK(asked({{"FLUX_JOB_ID", "1"}, {"HACTOR_JOB_ID", "fA"}}).empty()); // that is ours
  }

  TEST_CASE("answers are read, and what says nothing is no end") {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    const std::string listing = "Job Id: 12.srv\n"
                                "    Job_Name = x\n"
                                "    stime = Thu Nov 26 20:45:25 2026\n"
                                "    Resource_List.walltime = 01:00:00\n"
                                "    Variable_List = A=1,stime = 5,\n"
                                "\tB=2\n";
    CHECK(read_allocation_end(batch_kind::pbs, listing, now_s) == now_s + 3000);
    CHECK(read_allocation_end(batch_kind::pbs, listing + "    Walltime.Remaining = 77\n", now_s)
          == now_s + 77);
    CHECK(read_allocation_end(batch_kind::pbs,
                         "start_time = Thu Nov 26 20:55:25 2026\nResource_List.walltime = 90\n",
                         now_s)
          == now_s + 90);
    for (auto* text : {"", "qstat: Unknown Job Id", "Resource_List.walltime = 01:00:00",
                       "stime = soon\nResource_List.walltime = 01:00:00",
                       "stime = Thu Nov 26 20:45:25 2020\nResource_List.walltime = 01:00:00"})
      CHECK(read_allocation_end(batch_kind::pbs, text, now_s) == std::nullopt);
    CHECK(read_allocation_end(batch_kind::lsf, "1:30 L\n", now_s) == now_s + 5400);
    CHECK(read_allocation_end(batch_kind::lsf, "47:02", now_s) == now_s + 47 * 3600 + 120);
    CHECK(read_allocation_end(batch_kind::lsf, "-\n", now_s) == 0);
    for (auto* text : {"", "1:30 E", "0:00 L", "1:x L", "-1:30 L"})
      CHECK(read_allocation_end(batch_kind::lsf, text, now_s) == std::nullopt);
    CHECK(read_allocation_end(batch_kind::flux, "3599.7\n", now_s) == now_s + 3599);
    CHECK(read_allocation_end(batch_kind::flux, "infinity\n", now_s) == 0);
    for (auto* text : {"", "nan", "-5", "0", "5 s"})
      CHECK(read_allocation_end(batch_kind::flux, text, now_s) == std::nullopt);
  }

  TEST_CASE("what squeue says of an end is read in each form") {
    auto read = [](const char* text) {
      return read_allocation_end(batch_kind::slurm, text, now_s);
    };
    CHECK(read("1800000000\n") == 1800000000);
    CHECK(read("1800000009\nN/A\n1800000003\n1800000005\n") == 1800000003); // of several components
    CHECK(read("N/A\nN/A\n") == 0);
    CHECK(read("1800000009\nsquawk\n") == std::nullopt);
    for (auto* none : {"NONE\n", "N/A", "Unknown", "UNLIMITED"})
      CHECK(read(none) == 0);
    for (auto* wrong : {"", "\n", "slurm_load_jobs error", "2026-12-26", "12x", "-5", "100",
                        "2026-12-26T20:00:00 and more"})
      CHECK(read(wrong) == std::nullopt);
    std::tm local{};
    local.tm_year = 126;
    local.tm_mon = 11;
    local.tm_mday = 26;
    local.tm_hour = 20;
    local.tm_isdst = -1;
    CHECK(read("2026-12-26T20:00:00\n") == std::mktime(&local));
  }

  TEST_CASE("Torque tells the limit in the environment, and our session when the job began") {
    auto end = [](const char* text) {
      return allocation_end_of_walltime(env_of({{"PBS_WALLTIME", text}}), now_s - 100, now_s);
    };
    CHECK(end("3600") == now_s + 3500);
    CHECK(end("01:00:00") == now_s + 3500);
    CHECK(end("1:00:00:00") == now_s + 86300);
    for (auto* text : {"", "100", "long", "-1", "1:2:3:4:5"})
      CHECK(end(text) == 0);
    CHECK(allocation_end_of_walltime(env_of({}), now_s, now_s) == 0);
  }

} // TEST_SUITE
