"""Jobs from within a Python program: a builder of jobspecs, and a connection to the instance that
HACTOR_URI names (doc/client-protocol.md), without a process for each job. Python 3 alone.
SPDX-License-Identifier: LGPL-3.0-or-later
"""
import json
import os
import socket
import struct

REQUEST, REPLY, ERROR = 1, 2, 3


class Error(Exception):
    """What the instance answers when it refuses; `code` is its name for it."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


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
        system = {"duration": 0, "cwd": os.getcwd(), "environment": dict(os.environ)}
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
        """The time limit in seconds; 0 is none."""
        self.system["duration"] = seconds


class Instance:
    """A connection. Requests may be asked at once and waited for in any order."""

    def __init__(self, uri=None):
        uri = uri or os.environ["HACTOR_URI"]
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(uri.removeprefix("local://"))
        self._tag = 0
        self._ended = {}  # by tag: what came before it was waited for

    def request(self, method, **params):
        """Sends a request; returns what result() takes."""
        self._tag += 1
        payload = json.dumps({"method": method, "params": params}).encode()
        self._socket.sendall(struct.pack("<IBQ", len(payload), REQUEST, self._tag) + payload)
        return self._tag

    def result(self, tag):
        """Waits for the end of a request and returns its object. Raises Error."""
        while tag not in self._ended:
            size, kind, of = struct.unpack("<IBQ", self._read(13))
            payload = self._read(size)
            if kind in (REPLY, ERROR):
                self._ended[of] = kind, json.loads(payload)
        kind, value = self._ended.pop(tag)
        if kind == ERROR:
            raise Error(value["code"], value["message"])
        return value

    def ask(self, method, **params):
        return self.result(self.request(method, **params))

    def submit(self, jobspec, **options):
        """Returns the job's id once it is recorded."""
        return self.ask("submit", jobspec=jobspec, flags=["waitable"], **options)["ids"][0]

    def submit_many(self, jobspecs):
        """Many jobs in one request; the ids in order."""
        jobs = [{"jobspec": j, "flags": ["waitable"]} for j in jobspecs]
        return self.ask("submit", jobs=jobs)["ids"]

    def wait(self, job=None):
        """Waits for the job, or without one for the next to end that nobody has waited for.
        Returns its id and whether it ended well, and why not."""
        end = (self.ask("job.wait", id=job) if job else self.ask("job.wait-any")["jobs"][0])
        why = end.get("note") or f"{end['result']}, exit code {end['status']}"
        return end["id"], end["status"] == 0, "" if end["status"] == 0 else why

    def _read(self, size):
        data = b""
        while len(data) < size:
            part = self._socket.recv(size - len(data))
            if not part:
                raise ConnectionError("the instance has ended")
            data += part
        return data
