// workflow/environment: what a job inherits, and the rules of --env.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <fstream>

#include "temp_dir.hpp"
#include "runtime/mpi_settings.hpp"
#include "workflow/environment.hpp"

#include <doctest/doctest.h>

using namespace hactor;
using namespace hactor::workflow;

namespace {

const environment_map own{{"HOME", "/h"}, {"LANG", "C"}, {"LC_ALL", "x"}, {"OMPI_RANK", "1"},
                          {"PMI_FD", "7"}, {"EMPTY", ""}};

std::string text_of(const std::vector<std::string>& rules) {
  auto e = job_environment(own, rules);
  if (!e) {
    auto of_file = render(e.error()).find("No such file") != std::string::npos;
    CHECK(code_of(e.error()) == (of_file ? ec::system_failed : ec::bad_argument));
    return render(e.error());
  }
  std::string text;
  for (auto& [name, value] : *e)
    text += (text.empty() ? "" : " ") + name + "=" + value;
  return text;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("a job inherits everything but what launchers left") {
    CHECK(text_of({}) == "EMPTY= HOME=/h LANG=C LC_ALL=x");
    for (auto name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_FD", "SLURM_PROCID", "PALS_RANKID",
                      "MPI_LOCALRANKID", "HACTOR_JOB_ID", "HACTOR_TASK_RANK", "HYDI_CONTROL_FD"})
      CHECK(is_launchers(name));
    for (auto name : {"HACTOR_URI", "OMP_NUM_THREADS", "MPI", "PMI", "PATH", "slurm_x"})
      CHECK_FALSE(is_launchers(name));
  }

  TEST_CASE("each rule does what it says, in order") {
    struct row {
      std::vector<std::string> rules;
      const char* result;
    };
    const std::string clean = "-*";
    for (const auto& [rules, result] :
         {row{{clean}, ""}, row{{clean, "A=b"}, "A=b"}, row{{clean, "HOME"}, "HOME=/h"},
          row{{clean, "PMI_FD"}, ""}, row{{clean, "NONE"}, ""},
          row{{clean, "OMPI_RANK"}, "OMPI_RANK=1"}, row{{clean, "SLURM_X=3"}, "SLURM_X=3"},
          row{{clean, "+*"}, "EMPTY= HOME=/h LANG=C LC_ALL=x OMPI_RANK=1"},
          row{{clean, "+OMPI_*"}, "OMPI_RANK=1"}, row{{clean, "+PMI_*"}, ""},
          row{{clean, "PMIX_MCA_gds=hash"}, "PMIX_MCA_gds=hash"},
          row{{clean, "L*"}, "LANG=C LC_ALL=x"}, row{{clean, "/^L.*L$/"}, "LC_ALL=x"},
          row{{clean, "*"}, "EMPTY= HOME=/h LANG=C LC_ALL=x"}, row{{clean, "PMI_*"}, ""},
          row{{"-L*", "-EMPTY"}, "HOME=/h"}, row{{"-/^.{4}$/"}, "EMPTY= LC_ALL=x"},
          row{{clean, "A=1", "A=2"}, "A=2"}, row{{clean, "HOME=/x", "HOME"}, "HOME=/x"},
          row{{clean, "A=$HOME/x"}, "A=/h/x"}, row{{clean, "A=${HOME}x"}, "A=/hx"},
          row{{clean, "A=$$HOME"}, "A=$HOME"}, row{{clean, "A=$"}, "A=$"},
          row{{clean, "A=$ b"}, "A=$ b"}, row{{clean, "A=[$NONE]"}, "A=[]"},
          row{{clean, "A=1", "B=$A$A"}, "A=1 B=11"}, row{{clean, "A=b=c"}, "A=b=c"},
          row{{clean, "A="}, "A="}, row{{clean, "HOME=/n", "A=$HOME"}, "A=/n HOME=/n"}}) {
      INFO(rules.back());
      CHECK(text_of(rules) == result);
    }
  }

  TEST_CASE("files of rules are read, also from each other, and a cycle ends") {
    test::temp_dir dir;
    std::ofstream{dir / "a"} << "# comment\n\n-*\nA=1\n^" << dir / "b" << "\n";
    std::ofstream{dir / "b"} << "B=$A\n";
    std::ofstream{dir / "c"} << "^" << dir / "c" << "\n";
    std::ofstream{dir / "d"} << "=x\n";
    CHECK(text_of({"^" + (dir / "a")}) == "A=1 B=1");
    CHECK(text_of({"^" + (dir / "c")}).find("nested too deeply") != std::string::npos);
    CHECK(text_of({"^" + (dir / "d")}).find("'=x'") != std::string::npos);
    CHECK(text_of({"^" + (dir / "none")}).find("No such file") != std::string::npos);
  }

  TEST_CASE("rules that mean nothing are refused by name") {
    for (const auto& [rule, says] :
         {std::pair{"", "it is empty"}, std::pair{"=x", "name before '=' is empty"},
          std::pair{"-", "pattern is empty"}, std::pair{"/(/", "rule '/(/'"},
          std::pair{"-/[/", "rule '-/[/'"}, std::pair{"A=${B", "has no '}'"},
          std::pair{"^", "rule '^'"}, std::pair{"+", "pattern is empty"},
          std::pair{"PMI_RANK=3", "hactor sets PMI_RANK itself"},
          std::pair{"HACTOR_JOB_ID=x", "hactor sets HACTOR_JOB_ID itself"},
          std::pair{"HACTOR_URI=x", "hactor sets HACTOR_URI itself"},
          std::pair{"PMIX_RANK=x", "hactor sets PMIX_RANK itself"}}) {
      auto text = text_of({rule});
      INFO(text);
      CHECK(text.starts_with("--env: rule '" + std::string{rule} + "'"));
      CHECK(text.find(says) != std::string::npos);
    }
  }

  TEST_CASE("launchers' variables that the rules let in are named to the job") {
    CHECK(allowed_names({{"A", ""}, {"OMPI_MCA_btl", ""}, {"OMPI_X", ""}, {"SLURM_X", "3"}})
          == std::vector<std::string>{"OMPI_X", "SLURM_X"});
  }

  TEST_CASE("environ is read as it is") {
    const char* entries[] = {"A=b", "B=", "C=d=e", "nothing", "=x", nullptr};
    CHECK(read_environment(entries) == environment_map{{"A", "b"}, {"B", ""}, {"C", "d=e"}});
    CHECK(read_environment(nullptr).empty());
  }

} // TEST_SUITE
