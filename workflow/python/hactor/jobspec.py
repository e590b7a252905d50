"""A builder of jobspecs. A jobspec is a dictionary; whoever knows more of them may write it.
SPDX-License-Identifier: LGPL-3.0-or-later
"""
import math
import os
import warnings


# The tables of runtime/mpi_settings.cpp, by which `hactor submit` decides the same.
SETTINGS = ("OMPI_MCA_", "OMPI_ALLOW_", "MPIR_CVAR_", "MPICH_")
NO_SETTINGS = ("OMPI_MCA_orte_", "OMPI_MCA_ess_")
NO_SETTING_NAMES = {"OMPI_MCA_ess", "OMPI_MCA_pmix", "OMPI_MCA_initial_wdir",
                    "OMPI_MCA_mpi_oversubscribe", "OMPI_MCA_shmem_RUNTIME_QUERY_hint",
                    "MPIR_CVAR_CH3_INTERFACE_HOSTNAME"}
LAUNCHERS = ("PMI_", "PMIX_", "OMPI_", "ORTE_", "OPAL_", "PRTE_", "HYDI_", "HYDRA_", "MPIR_",
             "MPICH_", "PALS_", "SLURM_", "SLURMD_", "MPIEXEC_", "HACTOR_JOB_", "HACTOR_TASK_",
             "HACTOR_ARRAY_")
LAUNCHER_NAMES = {"MPI_LOCALNRANKS", "MPI_LOCALRANKID", "GFORTRAN_UNBUFFERED_PRECONNECTED",
                  "IPATH_NO_BACKTRACE", "HFI_NO_BACKTRACE", "FLUX_JOB_ID", "FLUX_JOB_SIZE",
                  "FLUX_JOB_NNODES", "FLUX_JOB_TMPDIR", "FLUX_TASK_RANK", "FLUX_TASK_LOCAL_ID"}


def is_launchers(name):
    """True for what launchers tell the processes that they start: it is of one job and must not
    reach another. False for what people set to tune an MPI."""
    if (name.startswith(SETTINGS) and not name.startswith(NO_SETTINGS)
            and name not in NO_SETTING_NAMES):
        return False
    return name.startswith(LAUNCHERS) or name in LAUNCHER_NAMES


def inherited():
    """This process's environment less what launchers set. What is not UTF-8 cannot be sent and is
    left out: one odd variable, which few jobs read, is no reason to refuse them all."""
    kept = {}
    for name, value in os.environ.items():
        if is_launchers(name):
            continue
        try:
            (name + value).encode()
            kept[name] = value
        except UnicodeEncodeError:
            warnings.warn(f"the environment variable {name!r} is left out: it is not UTF-8")
    return kept


def whole(name, value):
    """Sizes are whole numbers: 2.0 is refused as 2.5 is, since nobody can tell what was meant."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be a whole number from 1 on, found {value!r}")
    return value


class JobspecV1(dict):
    """A jobspec of version 1 (RFC 25), as 'hactor submit --dry-run' prints it."""

    @classmethod
    def from_command(cls, command, num_tasks=None, num_nodes=None, cores_per_task=None,
                     gpus_per_task=None):
        """One slot a task; with nodes as many slots on each, so that the tasks fit."""
        tasks = whole("num_tasks", next((n for n in (num_tasks, num_nodes) if n is not None), 1))
        cores = whole("cores_per_task", 1 if cores_per_task is None else cores_per_task)
        slot = {"type": "slot", "count": tasks, "label": "task",
                "with": [{"type": "core", "count": cores}]}
        if gpus_per_task is not None:
            slot["with"].append({"type": "gpu", "count": whole("gpus_per_task", gpus_per_task)})
        count = {"per_slot": 1}
        resources = slot
        if num_nodes is not None:
            nodes = whole("num_nodes", num_nodes)
            if nodes > tasks:
                raise ValueError(f"{tasks} tasks cannot be spread over {nodes} nodes")
            slot["count"] = -(-tasks // nodes)
            if slot["count"] * nodes != tasks:
                count = {"total": tasks}
            resources = {"type": "node", "count": nodes, "with": [slot]}
            if num_tasks is None:
                resources["exclusive"] = True
        try:
            cwd = os.getcwd()
        except FileNotFoundError as e:
            raise FileNotFoundError(
                "the working directory was removed: go to one that is there") from e
        system = {"cwd": cwd, "environment": inherited()}
        options = {}  # as for -c and -g: each task has its own
        if cores_per_task is not None:
            options["cpu-affinity"] = "per-task"
        if gpus_per_task is not None:
            options["gpu-affinity"] = "per-task"
        if options:
            system["shell"] = {"options": options}
        return cls(version=1, resources=[resources], attributes={"system": system},
                   tasks=[{"command": list(command), "slot": "task", "count": count}])

    @classmethod
    def from_dict(cls, asked):
        """The flat request of older programs: nnodes, ntasks, ncores and ngpus (in all), cmdline,
        environ, cwd, walltime in seconds; options and opts are those of the shell. Absent or 0:
        the default. Cores and GPUs that do not divide by the tasks are rounded up for each."""
        unknown = asked.keys() - {"nnodes", "ntasks", "ncores", "ngpus", "cmdline", "environ",
                                  "cwd", "walltime", "options", "opts"}
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        nodes = asked.get("nnodes") or None
        tasks = asked.get("ntasks") or nodes or 1
        each = {f"{kind}_per_task": -(-asked[key] // tasks)
                for kind, key in (("cores", "ncores"), ("gpus", "ngpus")) if asked.get(key)}
        job = cls.from_command(asked["cmdline"], num_tasks=tasks, num_nodes=nodes, **each)
        if "environ" in asked:
            job.system["environment"] = dict(asked["environ"])
        if "cwd" in asked:
            job.system["cwd"] = asked["cwd"]
        job.set_duration(asked.get("walltime", 0))
        shell = {**asked.get("options", {}), **asked.get("opts", {})}
        if shell:
            job.system.setdefault("shell", {}).setdefault("options", {}).update(shell)
        return job

    @property
    def system(self):
        return self["attributes"]["system"]

    def set_duration(self, seconds):
        """The time limit in seconds; 0 is the instance's default, math.inf none."""
        if seconds == 0:
            self.system.pop("duration", None)
        else:
            self.system["duration"] = 0 if seconds == math.inf else seconds
