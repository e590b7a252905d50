// See the header. What the launchers set was read off Open MPI 4.1 and MPICH 4.0. The tables stand
// in workflow/python/hactor/jobspec.py, too (the test python_driver compares them).
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/mpi_settings.hpp"

#include <algorithm>
#include <array>

namespace hactor {

namespace {

constexpr std::array<std::string_view, 4> settings{"OMPI_MCA_", "OMPI_ALLOW_", "MPIR_CVAR_",
                                                   "MPICH_"};

constexpr std::array<std::string_view, 2> launcher_prefixes{"OMPI_MCA_orte_", "OMPI_MCA_ess_"};
constexpr std::array<std::string_view, 6> launcher_names{"OMPI_MCA_ess",
                                                         "OMPI_MCA_pmix",
                                                         "OMPI_MCA_initial_wdir",
                                                         "OMPI_MCA_mpi_oversubscribe",
                                                         "OMPI_MCA_shmem_RUNTIME_QUERY_hint",
                                                         "MPIR_CVAR_CH3_INTERFACE_HOSTNAME"};

constexpr std::array<std::string_view, 17> told_prefixes{
    "PMI_",    "PMIX_",    "OMPI_",       "ORTE_",        "OPAL_",        "PRTE_",
    "HYDI_",   "HYDRA_",   "MPIR_",       "MPICH_",       "PALS_",        "SLURM_",
    "SLURMD_", "MPIEXEC_", "HACTOR_JOB_", "HACTOR_TASK_", "HACTOR_ARRAY_"};
constexpr std::array<std::string_view, 11> told_names{
    "MPI_LOCALNRANKS",    "MPI_LOCALRANKID",  "GFORTRAN_UNBUFFERED_PRECONNECTED",
    "IPATH_NO_BACKTRACE", "HFI_NO_BACKTRACE", "FLUX_JOB_ID",
    "FLUX_JOB_SIZE",      "FLUX_JOB_NNODES",  "FLUX_JOB_TMPDIR",
    "FLUX_TASK_RANK",     "FLUX_TASK_LOCAL_ID"};

constexpr std::array<std::string_view, 3> own_prefixes{"HACTOR_JOB_", "HACTOR_TASK_", "PMIX_"};
constexpr std::array<std::string_view, 9> own_names{
    "HACTOR_URI", "HACTOR_RANK", "HACTOR_LEVEL", "HACTOR_ENCLOSING_ID", "HACTOR_KVS_NAMESPACE",
    "PMI_FD",     "PMI_RANK",    "PMI_SIZE",     "FLUX_JOB_ID"};

} // namespace

bool is_mpi_setting(std::string_view name) {
  auto begins = [name](std::string_view prefix) { return name.starts_with(prefix); };
  return std::any_of(settings.begin(), settings.end(), begins)
         && std::none_of(launcher_prefixes.begin(), launcher_prefixes.end(), begins)
         && std::find(launcher_names.begin(), launcher_names.end(), name) == launcher_names.end();
}

bool is_launchers(std::string_view name) {
  if (is_mpi_setting(name))
    return false;
  auto begins = [name](std::string_view prefix) { return name.starts_with(prefix); };
  return std::any_of(told_prefixes.begin(), told_prefixes.end(), begins)
         || std::find(told_names.begin(), told_names.end(), name) != told_names.end();
}

bool is_set_for_tasks(std::string_view name) {
  auto begins = [name](std::string_view prefix) { return name.starts_with(prefix); };
  return std::find(own_names.begin(), own_names.end(), name) != own_names.end()
         || (std::any_of(own_prefixes.begin(), own_prefixes.end(), begins)
             && !name.starts_with("PMIX_MCA_")); // which are settings of people
}

} // namespace hactor
