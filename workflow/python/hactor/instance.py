"""What a driver asks of an instance: jobs are submitted, waited for, listed.
SPDX-License-Identifier: LGPL-3.0-or-later
"""
import contextlib
import json

from .connection import Connection


class Instance(Connection):
    """A connection to the instance that HACTOR_URI names, or another."""

    def submit(self, jobspec, **options):
        """Returns the job's id once it is recorded."""
        return self.ask("submit", jobspec=jobspec, flags=["waitable"], **options)["ids"][0]

    def submit_many(self, jobspecs):
        """Many jobs in one request, all or none; the ids in order. Their dependencies may name each
        other: {"scheme": "afterok", "value": NAME}."""
        jobs = [{"jobspec": j, "flags": ["waitable"]} for j in jobspecs]
        return self.ask("submit", jobs=jobs)["ids"]

    def wait(self, job=None):
        """Waits for the job, or without one for the next to end, each once, whoever else waits.
        Returns its id and whether it ended well, and why not."""
        end = (self.ask("job.wait", id=job) if job else self.ask("job.wait-any")["jobs"][0])
        why = end.get("note") or f"{end['result']}, exit code {end['status']}"
        return end["id"], end["status"] == 0, "" if end["status"] == 0 else why

    def list(self, constraint=None, attrs=None, **narrower):
        """Yields jobs as dictionaries, in the order of 'hactor jobs'. constraint: an object as
        {"and": [{"states": ["running"]}, {"name": ["x"]}]}; without one and without states: those
        that have not ended. attrs: the attributes that are wanted. narrower: the other parameters
        of job.list: ids, states, results, max, since, name, queue, hosts, ranks, userid,
        comparisons. A long list comes in parts."""
        if constraint is not None:
            narrower["constraint"] = constraint
        if attrs is not None:
            narrower["attrs"] = list(attrs)
        with contextlib.closing(self.items("job.list", **narrower)) as parts:
            for part in parts:
                yield from part["jobs"]

    def info(self, job, key):
        """The text of a document of a job: "jobspec", "R", "eventlog" or "record"."""
        return self.ask("job.info", id=job, key=key)["value"]

    def eventlog(self, job, key="eventlog", follow=False):
        """Yields the entries of an eventlog of a job as dictionaries: "eventlog",
        "guest.exec.eventlog", "guest.output" or "guest.input"; with follow until it has ended."""
        with contextlib.closing(self.items("job.watch", id=job, key=key, follow=follow)) as parts:
            for part in parts:
                if isinstance(part, bytes):
                    yield from map(json.loads, part.splitlines())

    def cancel_jobs(self, jobs, message=""):
        """Returns how many of them there were to cancel."""
        return self.ask("job.cancel", ids=list(jobs), message=message)["count"]
