// runtime/launcher: tables of environments, as launchers make them.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/launcher.hpp"

#include <algorithm>
#include <fstream>
#include <map>

#include <filesystem>

#include "temp_dir.hpp"
#include "variables.hpp"

#include <doctest/doctest.h>

using namespace hactor;
using namespace hactor::test;

namespace {

const variables mpich{{"PMI_RANK", "3"}, {"PMI_SIZE", "4"}, {"PMI_FD", "7"}};
const variables openmpi{{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "2"}};

variables operator+(variables a, const variables& b) {
  a.insert(b.begin(), b.end());
  return a;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("the launcher is known by its variables") {
    struct row {
      variables env;
      const char* module;
      const char* variable;
      uint32_t rank;
      uint32_t size;
    };
    const variables slurm{{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "8"}};
    for (const auto& [env, module, variable, rank, size] :
         {row{{}, "", "", 0, 1}, row{mpich, "mpich", "PMI_RANK", 3, 4},
          row{{{"PMI_RANK", "0"}, {"PMI_SIZE", "2"}, {"PMI_PORT", "h:1"}}, "mpich", "PMI_RANK", 0,
              2},
          row{{{"PMI_RANK", "0"}, {"PMI_SIZE", "1"}, {"PMI_FD", "7"}}, "", "PMI_RANK", 0, 1},
          row{{{"PMI_RANK", "5"}, {"PMI_FD", "7"}}, "mpich", "PMI_RANK", 5, 0},
          row{openmpi, "openmpi", "OMPI_COMM_WORLD_RANK", 1, 2},
          row{{{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "1"}}, "",
              "OMPI_COMM_WORLD_RANK", 0, 1},
          row{{{"PMIX_RANK", "2"}, {"PMIX_NAMESPACE", "x"}, {"SLURM_STEP_NUM_TASKS", "4"}},
              "openmpi", "PMIX_RANK", 2, 4},
          row{{{"JSM_NAMESPACE_RANK", "2"}, {"JSM_NAMESPACE_SIZE", "6"}, {"PMIX_RANK", "2"},
               {"PMIX_NAMESPACE", "x"}},
              "openmpi", "JSM_NAMESPACE_RANK", 2, 6},
          // The PMI inside of a scheduler's job counts, not the scheduler.
          row{mpich + slurm, "mpich", "PMI_RANK", 3, 4},
          row{openmpi + slurm, "openmpi", "OMPI_COMM_WORLD_RANK", 1, 2},
          // A single rank, or the script of a batch job, needs nobody.
          row{{{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "1"}}, "", "", 0, 1},
          row{{{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "8"}, {"ENVIRONMENT", "BATCH"}}, "", "", 0,
              1},
          row{{{"PMI_RANK", "0"}, {"PMI_SIZE", "1"}}, "", "", 0, 1},
          row{{{"PMIX_RANK", "0"}}, "", "", 0, 1},
          row{{{"FLUX_TASK_RANK", "0"}, {"FLUX_JOB_SIZE", "1"}}, "", "", 0, 1},
          // What a scheduler tells a shell in its allocation is no mark.
          row{{{"SLURM_NTASKS", "8"}, {"PBS_NP", "8"}, {"LSB_DJOB_NUMPROC", "8"}}, "", "", 0, 1}}) {
      auto how = detect_launch(env_of(env));
      INFO(module, " ", variable, " ", rank, " ", size);
      REQUIRE(how);
      CHECK(how->module == module);
      CHECK(how->variable == variable);
      CHECK(how->rank == rank);
      CHECK(how->size == size);
      if (!how->variable.empty())
        CHECK(how->value == env.at(how->variable));
    }
  }

  TEST_CASE("the marks of a launcher without a PMI are an error that names them") {
    for (const auto& [env, variable] :
         {std::pair{variables{{"PMI_RANK", "1"}, {"PMI_SIZE", "4"}}, "PMI_RANK=1"},
          std::pair{variables{{"PALS_RANKID", "2"}, {"PALS_SIZE", "4"}}, "PALS_RANKID=2"},
          std::pair{variables{{"SLURM_PROCID", "3"}, {"SLURM_NTASKS", "4"}}, "SLURM_PROCID=3"},
          std::pair{variables{{"SLURM_PROCID", "3"}, {"SLURM_STEP_NUM_TASKS", "4"}},
                    "SLURM_PROCID=3"},
          std::pair{variables{{"SLURM_PROCID", "1"},
                              {"SLURM_NTASKS", "4"},
                              {"ENVIRONMENT", "BATCH"},
                              {"SLURM_STEP_ID", "0"}},
                    "SLURM_PROCID=1"},
          std::pair{variables{{"MPI_LOCALRANKID", "0"}, {"MPI_LOCALNRANKS", "4"}},
                    "MPI_LOCALRANKID=0"}}) {
      auto how = detect_launch(env_of(env));
      INFO(variable);
      REQUIRE_FALSE(how);
      CHECK(code_of(how.error()) == ec::launcher_missing);
      CHECK(render(how.error()).starts_with(variable));
      CHECK(render(how.error()).find("4 ranks") != std::string::npos);
      // The user's word is above it.
      CHECK(detect_launch(env_of(env), "none"));
      CHECK(detect_launch(env_of(env), "mpich")->module == "mpich");
    }
  }

  TEST_CASE("a rank after the first, or a size above 1, is never taken for one that is alone") {
    for (const auto& env :
         {variables{{"PMIX_RANK", "2"}}, variables{{"PMI_SIZE", "4"}, {"PMI_FD", "7"}},
          variables{{"PMI_RANK", "1"}}, variables{{"FLUX_TASK_RANK", "1"}},
          variables{{"FLUX_TASK_RANK", "0"}, {"FLUX_JOB_SIZE", "4"}},
          variables{{"FLUX_JOB_SIZE", "4"}}, variables{{"OMPI_COMM_WORLD_SIZE", "2"}},
          variables{{"MV2_COMM_WORLD_RANK", "3"}}, variables{{"PALS_RANKID", "1"}},
          variables{{"PALS_SIZE", "2"}}, variables{{"MPI_LOCALNRANKS", "2"}}}) {
      auto how = detect_launch(env_of(env));
      REQUIRE_FALSE(how);
      CHECK(code_of(how.error()) == ec::launcher_missing);
      auto named = [&](const auto& x) {
        return render(how.error()).starts_with(x.first + "=" + x.second);
      };
      CHECK(std::any_of(env.begin(), env.end(), named));
      CHECK(detect_launch(env_of(env), "none")->size == 1);
    }
    // It may have been started for us to be joined, by a launcher that does not say by how many.
    auto how = detect_launch(env_of({{"PMIX_RANK", "1"}, {"PMIX_NAMESPACE", "x"}}));
    REQUIRE(how);
    CHECK(how->module == "openmpi");
    CHECK(!check_met(*how, 2));
    CHECK(render(check_met(*how, 1))
              .starts_with("PMIX_RANK=1 says that a launcher started several ranks, but the MPI "
                           "module 'openmpi' has met 1"));
  }

  TEST_CASE("the module must meet as many as the launcher says") {
    auto how = *detect_launch(env_of(openmpi));
    CHECK(!check_met(how, 2));
    auto err = check_met(how, 1);
    CHECK(code_of(err) == ec::launcher_missing);
    for (auto* part : {"OMPI_COMM_WORLD_RANK=1", "started 2 ranks", "'openmpi' has met 1"})
      CHECK(render(err).find(part) != std::string::npos);
    CHECK(check_met(*detect_launch(env_of(mpich)), 1));
    CHECK(!check_met(*detect_launch(env_of(mpich), "none"), 1));
    CHECK(!check_met(*detect_launch(env_of({{"PMI_RANK", "5"}, {"PMI_FD", "7"}})), 9)); // no size
    CHECK(!check_met(*detect_launch(env_of({}), "openmpi"), 3));                        // forced
    CHECK(!check_met(*detect_launch(env_of({{"PBS_NP", "8"}, {"LSB_DJOB_NUMPROC", "8"}})), 1));
  }

  TEST_CASE("the end of the allocation around us is believed when it is to come") {
    auto end = [](const char* text) {
      return allocation_end_s(env_of({{"SLURM_JOB_END_TIME", text}}), 1000);
    };
    CHECK(end("1001") == 1001);
    for (auto* text : {"1000", "5", "", "soon", "2000 s", "-1"})
      CHECK(end(text) == 0);
    CHECK(allocation_end_s(env_of({}), 1000) == 0);
  }

  TEST_CASE("the job around us is known by the manager's variable") {
    CHECK(allocation_job(env_of({})).empty());
    CHECK(allocation_job(env_of({{"SLURM_JOB_ID", "4711"}})) == "slurm:4711");
    CHECK(allocation_job(env_of({{"LSB_JOBID", "12"}})) == "lsf:12");
    CHECK(allocation_job(env_of({{"PBS_JOBID", "12[3].server.example"}})) == "pbs:12[3]");
    for (auto* text : {"", "4 5", "a/b", "a:b"})
      CHECK(allocation_job(env_of({{"SLURM_JOB_ID", text}})).empty());
  }

  TEST_CASE("a mark that is no number is an error that names it") {
    for (const auto& [name, value] :
         {std::pair{"PMI_RANK", "x"}, std::pair{"PMI_RANK", ""}, std::pair{"PMI_RANK", "-1"},
          std::pair{"PMI_RANK", "1x"}, std::pair{"PMI_SIZE", "many"},
          std::pair{"PMI_SIZE", "99999999999"}}) {
      auto env = mpich;
      env[name] = value;
      auto how = detect_launch(env_of(env));
      INFO(name, "=", value);
      REQUIRE_FALSE(how);
      CHECK(code_of(how.error()) == ec::bad_argument);
      CHECK(render(how.error()).starts_with(std::string{name} + "=" + value));
    }
  }

  TEST_CASE("the user may name the module, or none") {
    CHECK(detect_launch(env_of({}), "openmpi")->module == "openmpi");
    CHECK(detect_launch(env_of({}), "openmpi")->variable.empty());
    auto how = detect_launch(env_of(mpich), "none");
    REQUIRE(how);
    CHECK(how->module.empty());
    CHECK(how->size == 1);
    CHECK(detect_launch(env_of(mpich), "openmpi")->module == "openmpi");
    CHECK(detect_launch(env_of(mpich), "openmpi")->size == 4);
  }

  TEST_CASE("modules lie beside the program, or where they were installed") {
    CHECK(module_folders("/x/bin/hactor-start", "/opt/lib/hactor")
          == std::vector<std::string>{"/x/bin/../lib/hactor", "/opt/lib/hactor"});
    CHECK(module_folders("hactor-start").empty());
    CHECK(module_folders("", "/opt") == std::vector<std::string>{"/opt"});
    test::temp_dir a, b;
    std::ofstream{b / "hactor_mpi_mpich.so"} << "";
    auto how = detect_launch(env_of(mpich));
    REQUIRE(how);
    auto found = find_module(*how, {a.path(), b.path()});
    REQUIRE(found);
    CHECK(*found == b / "hactor_mpi_mpich.so");
    std::ofstream{a / "hactor_mpi_mpich.so"} << "";
    CHECK(*find_module(*how, {a.path(), b.path()}) == a / "hactor_mpi_mpich.so");
  }

  TEST_CASE("a module that was not built is an error that names variable, module and folders") {
    test::temp_dir dir;
    auto missing = find_module(*detect_launch(env_of(openmpi)), {dir.path(), "/no/such"});
    REQUIRE_FALSE(missing);
    CHECK(code_of(missing.error()) == ec::launcher_missing);
    auto text = render(missing.error());
    for (const auto& part : {std::string{"OMPI_COMM_WORLD_RANK=1"}, std::string{"'openmpi'"},
                             std::string{"started 2 ranks"}, dir.path() + ", /no/such",
                             std::string{"hactor_mpi_openmpi.so"}})
      CHECK(text.find(part) != std::string::npos);
    auto forced = find_module(*detect_launch(env_of({}), "strange"), {});
    REQUIRE_FALSE(forced);
    CHECK(render(forced.error()).starts_with("the MPI module 'strange' was asked for"));
    auto several = find_module({"mpich", "PMI_RANK", "5", 5, 0}, {});
    CHECK(render(several.error()).find("started several ranks") != std::string::npos);
  }

  TEST_CASE("the running program knows its own path") {
    auto path = own_program();
    CHECK(path.starts_with("/"));
    CHECK(std::filesystem::exists(path));
  }

} // TEST_SUITE
