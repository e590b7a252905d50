"""The journal of all jobs: what happened first, and then what happens, each event once and in its
order.
SPDX-License-Identifier: LGPL-3.0-or-later
"""
import collections
import json
import time

from .connection import LINES, REPLY, Connection


class JournalEvent(collections.namedtuple("JournalEvent",
                                          "seq jobid timestamp name context state")):
    """One thing that happened to one job (RFC 18, 21). seq: its number in the journal; state: that
    of the job after it ("RUN"). The event that stands between what had happened and what happens
    has no name."""

    def is_empty(self):
        return not self.name


class JournalConsumer:
    """    journal = JournalConsumer(names=["finish"]).start()
        for event in journal: ...

    full: from the oldest event that is kept; else what happens from start() on. since: instead from
    the event of this number, which is where another consumer stopped (next_sequence), also one of a
    program that ended, or before a restart of an instance with a state directory. sentinel: an
    event without a name comes when all that had happened by start() has been told. ids, names,
    states (a mask of the states after the events), userid: what is wanted; the rest isn't sent.

    It has a connection of its own and reads when it is asked: who is slow is served from the
    journal. `lost` counts events that were no longer kept."""

    def __init__(self, uri=None, full=True, since=None, sentinel=False, **wanted):
        unknown = wanted.keys() - {"ids", "names", "states", "userid"}
        if unknown:
            raise TypeError(f"unknown: {', '.join(sorted(unknown))}")
        self.next_sequence = since
        self.lost = 0
        self._uri = uri
        self._full = full
        self._sentinel = sentinel
        self._wanted = {key: list(value) if key in ("ids", "names") else value
                        for key, value in wanted.items()}
        self._events = collections.deque()
        self._connection = None
        self._tag = None
        self._is_live = False

    def start(self):
        """From here on nothing is missed. Returns itself."""
        self._connection = Connection(self._uri)
        if self.next_sequence is None and not self._full:
            self._follow()
            return self
        self._tag = self._connection.request("events", since=self.next_sequence or 0, follow=False,
                                             **self._wanted)
        return self

    def stop(self):
        """Ends it: what was not taken yet is told by one that starts at next_sequence."""
        if self._connection:
            self._connection.close()
            self._connection = None
        self._events.clear()

    def poll(self, timeout=None):
        """The next event; None once it's stopped or the instance has ended. Raises TimeoutError
        when none comes within so many seconds."""
        until = None if timeout is None else time.monotonic() + timeout
        while not self._events:
            if self._connection is None:
                return None
            try:
                self._read(None if until is None else max(0.0, until - time.monotonic()))
            except ConnectionError:
                self.stop()
        event = self._events.popleft()
        if event.seq is not None:
            self.next_sequence = event.seq + 1
        return event

    def __iter__(self):
        return iter(self.poll, None)

    def _follow(self):
        since = {} if self.next_sequence is None else {"since": self.next_sequence}
        self._is_live = True
        self._tag = self._connection.request("events", begin=True, **since, **self._wanted)
        _, begins = self._connection.frame(self._tag)
        self.next_sequence = begins["next"]

    def _read(self, timeout):
        kind, value = self._connection.frame(self._tag, timeout)
        if kind == REPLY:  # all that had happened
            self.next_sequence = value["next"]
            self._follow()
            if self._sentinel:
                self._events.append(JournalEvent(None, None, time.time(), "", {}, None))
        elif kind == LINES:
            for line in value.splitlines():
                self._add(json.loads(line))

    def _add(self, e):
        if e["name"] == "gap":
            self.lost += e["context"]["events"]
        elif e["seq"] >= (self.next_sequence or 0):
            self._events.append(JournalEvent(e["seq"], e["id"], e["timestamp"], e["name"],
                                             e.get("context", {}), e["state"]))
