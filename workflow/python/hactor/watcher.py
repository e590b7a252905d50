"""Many jobs at once: the state of each, what it writes, what becomes of it.
SPDX-License-Identifier: LGPL-3.0-or-later
"""
import json
import struct
import time

from .connection import ITEM, LINES, OUTPUT, REPLY, Connection, Error

# Where an event leads (RFC 21); urgency and the like send a job that has its turn back to PRIORITY.
LEADS = {"submit": "NEW", "validate": "DEPEND", "invalidate": "INACTIVE", "depend": "PRIORITY",
         "priority": "SCHED", "alloc": "RUN", "finish": "CLEANUP", "retry": "PRIORITY",
         "clean": "INACTIVE"}
SENDS_BACK = ("urgency", "hactor-restart", "jobspec-update")


def state_after(state, event):
    """A job's state after an event of its log."""
    name = event["name"]
    if name in SENDS_BACK:
        return "PRIORITY" if state == "SCHED" else state
    if name == "exception" and event["context"]["severity"] == 0 and state != "NEW":
        return "CLEANUP"
    return LEADS.get(name, state)


class WatchedJob:
    """What a watcher knows of a job. Once it is inactive: result ("COMPLETED"), status (what a
    shell would show), note (why), end (all that a listing says)."""

    def __init__(self, jobid):
        self.id = jobid
        self.state = None
        self.events = []
        self.result = self.status = self.note = self.end = None
        self.stdout, self.stderr = bytearray(), bytearray()
        self._reply = None  # that of the attachment, while the log may still have more to tell
        self._open = 2  # the attachment and the log
        self._lines = {}  # by task and stream: what the last line has of it yet

    def is_inactive(self):
        return self.end is not None


class JobWatcher:
    """    watcher = JobWatcher(jobs=ids, stdout=sys.stdout.buffer, label=True)
        status = watcher.run()

    Follows jobs until all of them have ended and all that they wrote was told; run() returns the
    greatest status. stdout, stderr: binary files to which what the jobs write goes, with label each
    whole line behind "JOB: TASK: ". log: a text file for a line of each event. keep: what a job
    writes is kept in its stdout and stderr. Called as things happen, with a WatchedJob first:
    on_event(job, event), on_state(job), on_output(job, task, stream, data) (stream 1 or 2),
    on_warning(job, text): output that was lost, on_end(job). They may add jobs.

    It has a connection of its own and reads when it runs: the tasks of who does not read wait."""

    def __init__(self, uri=None, jobs=(), stdout=None, stderr=None, label=False, log=None,
                 keep=False, on_event=None, on_state=None, on_output=None, on_warning=None,
                 on_end=None):
        self.jobs = {}
        self._connection = Connection(uri)
        self._open = {}  # by tag: the job, and whether it's its log
        self._files = {1: stdout, 2: stderr}
        self._label, self._log, self._keep = label, log, keep
        self._calls = {"event": on_event, "state": on_state, "output": on_output,
                       "warning": on_warning, "end": on_end}
        for jobid in jobs:
            self.add(jobid)

    def add(self, jobid):
        """Watches one more, from its first event on. Returns its WatchedJob."""
        if jobid in self.jobs:
            return self.jobs[jobid]
        job = self.jobs[jobid] = WatchedJob(jobid)
        self._open[self._connection.request("job.eventlog", id=jobid, follow=True)] = job, True
        self._open[self._connection.request("job.attach", id=jobid)] = job, False
        return job

    def run(self, timeout=None):
        """Until all have ended. Raises TimeoutError, hactor.Error for a job that there is not; the
        others are watched when it is called again."""
        until = None if timeout is None else time.monotonic() + timeout
        while self.step(None if until is None else max(0.0, until - time.monotonic())):
            pass
        return max((job.status for job in self.jobs.values() if job.is_inactive()), default=0)

    def step(self, timeout=None):
        """Waits for one thing to happen and tells it. False when nothing more is to come."""
        if not self._open:
            return False
        try:
            tag, kind, value = self._connection.any_frame(timeout)
        except Error as e:
            self._open.pop(e.tag, None)  # that was its last frame
            raise
        job, is_log = self._open[tag]
        if kind == REPLY:
            del self._open[tag]
            if not is_log:
                job._reply = value
            job._open -= 1
            if job._open == 0:
                self._on_end(job)
        elif kind == LINES:
            for line in value.splitlines():
                self._on_event(job, json.loads(line))
        elif kind == OUTPUT:
            task, stream = struct.unpack_from("<IB", value)
            self._on_output(job, task, stream, value[5:])
        elif kind == ITEM and "warning" in value:
            self._call("warning", job, value["warning"])
        return bool(self._open)

    def close(self):
        self._connection.close()

    def _call(self, what, *arguments):
        if self._calls[what]:
            self._calls[what](*arguments)

    def _on_event(self, job, event):
        job.events.append(event)
        if self._log:
            context = json.dumps(event["context"]) if "context" in event else ""
            self._log.write(f"{event['timestamp']:.6f} {job.id}: {event['name']} {context}\n")
        self._call("event", job, event)
        state = state_after(job.state, event)
        if state != job.state:
            job.state = state
            self._call("state", job)

    def _on_output(self, job, task, stream, data):
        self._call("output", job, task, stream, data)
        if self._keep:
            kept = job.stdout if stream == 1 else job.stderr
            kept += data
        file = self._files.get(stream)
        if file is None:
            return
        if self._label:
            data = self._labelled(job, task, stream, data)
        file.write(data)
        file.flush()

    def _labelled(self, job, task, stream, data):
        """The whole lines, with what was left of the one before."""
        lines = (job._lines.pop((task, stream), b"") + data).split(b"\n")
        rest = lines.pop()
        if rest:
            job._lines[task, stream] = rest
        head = f"{job.id}: {task}: ".encode()
        return b"".join(head + line + b"\n" for line in lines)

    def _on_end(self, job):
        for task, stream in list(job._lines):  # last lines without an end
            self._files[stream].write(self._labelled(job, task, stream, b"\n"))
        job.end = job._reply
        job.result, job.status = job.end["result"], job.end["status"]
        job.note = job.end.get("note", "")
        self._call("end", job)
