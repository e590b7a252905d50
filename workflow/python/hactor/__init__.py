"""hactor's instances for programs in Python, over the client protocol (doc/client-protocol.md),
without a process for each job. Python 3 alone.

    Instance         submits, waits, lists, asks whatever the protocol has
    JobspecV1        what a job is, built from a few sizes
    JournalConsumer  the events of all jobs, from the first that is kept on, or from where one left
    JobWatcher       many jobs at once: their states, output, results

SPDX-License-Identifier: LGPL-3.0-or-later
"""
from .connection import Connection, Error
from .instance import Instance
from .jobspec import JobspecV1
from .journal import JournalConsumer, JournalEvent
from .watcher import JobWatcher, WatchedJob

__all__ = ["Connection", "Error", "Instance", "JobspecV1", "JobWatcher", "JournalConsumer",
           "JournalEvent", "WatchedJob"]
