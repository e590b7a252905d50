// See launcher.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/launcher.hpp"

#include <unistd.h>

#include <array>
#include <charconv>
#include <climits>
#include <cstring>
#include <optional>

namespace hactor {

namespace {

/// A variable as a count; no value when it is not set.
caf::expected<std::optional<uint32_t>> number(const environment& env, const char* name) {
  auto text = name == nullptr ? nullptr : env(name);
  if (text == nullptr)
    return std::optional<uint32_t>{};
  uint32_t value = 0;
  auto end = text + std::strlen(text);
  auto [rest, error] = std::from_chars(text, end, value);
  if (error != std::errc{} || rest != end || text == end)
    return make_error(ec::bad_argument,
                      std::string{name} + "=" + text + ": a launcher sets a number here");
  return std::optional<uint32_t>{value};
}

/// A pair of variables by which a launcher shows itself: its rank, and how many there are.
struct mark {
  const char* rank;
  const char* size;   // nullptr: it does not tell
  const char* also;   // must be set too; nullptr: nothing
  const char* module; // nullptr: a launcher, but no PMI that a module could use
};

// The first that matches counts. The marks of a PMI come before those of a scheduler around it.
// What a scheduler tells its batch scripts too (PBS_NP, LSB_DJOB_NUMPROC) is no mark: such a script
// is one process, whatever it was given.
constexpr std::array marks{
  mark{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", nullptr, "openmpi"},
  mark{"PMI_RANK", "PMI_SIZE", "PMI_FD", "mpich"},
  mark{"PMI_RANK", "PMI_SIZE", "PMI_PORT", "mpich"},
  mark{"JSM_NAMESPACE_RANK", "JSM_NAMESPACE_SIZE", nullptr, "openmpi"}, // jsrun; PMIx
  mark{"PMIX_RANK", "SLURM_STEP_NUM_TASKS", "PMIX_NAMESPACE", "openmpi"},
  mark{"PMI_RANK", "PMI_SIZE", nullptr, nullptr},
  mark{"PALS_RANKID", "PALS_SIZE", nullptr, nullptr},
  mark{"SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_STEP_NUM_TASKS", nullptr},
  mark{"SLURM_PROCID", "SLURM_NTASKS", "SLURM_NTASKS", nullptr},
  mark{"MPI_LOCALRANKID", "MPI_LOCALNRANKS", "MPI_LOCALNRANKS", nullptr},
  mark{"FLUX_TASK_RANK", "FLUX_JOB_SIZE", nullptr, nullptr},
  mark{"MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE", nullptr, nullptr},
  mark{"PMIX_RANK", nullptr, nullptr, nullptr},
};

// Told to ranks only, so that one alone is a mark, too, of a launcher that we could not join.
constexpr std::array lone_sizes{"OMPI_COMM_WORLD_SIZE", "PMI_SIZE",      "PALS_SIZE",
                                "MPI_LOCALNRANKS",      "FLUX_JOB_SIZE", "MV2_COMM_WORLD_SIZE"};

/// True in the script of an sbatch job: it has the marks of task 0, but no srun started it.
bool is_batch_script(const environment& env) {
  auto text = env("ENVIRONMENT");
  return text != nullptr && std::string_view{text} == "BATCH" && env("SLURM_STEP_ID") == nullptr;
}

std::string count_text(uint32_t size) { return size == 0 ? "several" : std::to_string(size); }

/// The mark in the environment, if there is one, that makes it more than one rank, or one that we
/// could join.
caf::expected<launch> find_mark(const environment& env) {
  launch result;
  for (const auto& x : marks) {
    auto rank = number(env, x.rank);
    if (!rank)
      return rank.error();
    if (!*rank || (x.also != nullptr && env(x.also) == nullptr))
      continue;
    auto size = number(env, x.size);
    if (!size)
      return size.error();
    auto several = **rank > 0 || size->value_or(1) > 1;
    if (x.module == nullptr && (!several || is_batch_script(env)))
      continue;
    result.variable = x.rank;
    result.value = env(x.rank);
    result.rank = **rank;
    result.size = size->value_or(0);
    if (x.module != nullptr)
      result.module = x.module;
    return result;
  }
  for (const auto* name : lone_sizes) {
    auto size = number(env, name);
    if (!size)
      return size.error();
    if (size->value_or(1) <= 1)
      continue;
    result.variable = name;
    result.value = env(name);
    result.size = **size;
    return result;
  }
  return result;
}

} // namespace

caf::expected<launch> detect_launch(const environment& env, std::string_view forced) {
  if (forced == "none")
    return launch{};
  auto found = find_mark(env);
  if (!found)
    return found;
  auto& result = *found;
  if (!forced.empty()) {
    result.module = forced;
    return result;
  }
  if (!result.variable.empty() && result.module.empty())
    return make_error(ec::launcher_missing,
                      result.variable + "=" + result.value + " says that a launcher started "
                        + count_text(result.size)
                        + " ranks, but it offers neither PMI nor PMIx, so that no MPI module of "
                          "hactor can join them; use mpiexec, or srun --mpi=pmi2 or --mpi=pmix");
  // A single rank needs no MPI at all.
  if (result.size == 1)
    result.module.clear();
  return found;
}

caf::error check_met(const launch& how, uint32_t met) {
  // Without a module nobody was to be met; some launchers do not say how many they have started,
  // but there are those before us.
  auto all = how.size == 0 ? met > how.rank : how.size == met;
  if (how.module.empty() || how.variable.empty() || all)
    return caf::none;
  return make_error(ec::launcher_missing,
                    how.variable + "=" + how.value + " says that a launcher started "
                      + count_text(how.size) + " ranks, but the MPI module '" + how.module
                      + "' has met " + std::to_string(met)
                      + "; start with a launcher that fits this MPI, or with --mpi=none for an "
                        "instance of this rank alone");
}

int64_t allocation_end_s(const environment& env, int64_t now_s) {
  auto text = env("SLURM_JOB_END_TIME");
  if (text == nullptr)
    return 0;
  int64_t value = 0;
  auto end = text + std::strlen(text);
  auto [rest, error] = std::from_chars(text, end, value);
  return error == std::errc{} && rest == end && value > now_s ? value : 0;
}

std::vector<std::string> module_folders(std::string_view program, std::string_view installed) {
  std::vector<std::string> result;
  auto slash = program.rfind('/');
  if (slash != std::string_view::npos)
    result.push_back(std::string{program.substr(0, slash)} + "/../lib/hactor");
  if (!installed.empty())
    result.emplace_back(installed);
  return result;
}

caf::expected<std::string> find_module(const launch& how,
                                       const std::vector<std::string>& folders) {
  auto file = "hactor_mpi_" + how.module + ".so";
  std::string tried;
  for (const auto& folder : folders) {
    auto path = folder + "/" + file;
    if (access(path.c_str(), R_OK) == 0)
      return path;
    tried += (tried.empty() ? "" : ", ") + folder;
  }
  auto why = how.variable.empty()
               ? "the MPI module '" + how.module + "' was asked for"
               : how.variable + "=" + how.value + " says that a launcher of '" + how.module
                   + "' started " + count_text(how.size)
                   + " ranks";
  return make_error(ec::launcher_missing,
                    why + ", but hactor was built without its MPI: no " + file + " in " + tried);
}

std::string own_program() {
  std::array<char, PATH_MAX> path{};
  auto size = readlink("/proc/self/exe", path.data(), path.size());
  return size < 0 ? std::string{} : std::string{path.data(), static_cast<size_t>(size)};
}

} // namespace hactor
