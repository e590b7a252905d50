"""Frames over the socket of a broker: requests that are under way side by side, each with answers
of its own. For one thread.
SPDX-License-Identifier: LGPL-3.0-or-later
"""
import collections
import contextlib
import json
import os
import select
import struct
import time

from . import ways

REQUEST, REPLY, ERROR, ITEM, LINES, OUTPUT, CANCEL, ENTER = 1, 2, 3, 4, 5, 6, 7, 10
HEAD = struct.Struct("<IBQ")


class Error(Exception):
    """What the instance answers when it refuses; `code` is its name for it ("unknown_job"), `tag`
    that of the request, None when there was none."""

    def __init__(self, code, message, tag=None):
        super().__init__(message)
        self.code = code
        self.tag = tag


class Connection:
    """Requests may be asked at once and waited for in any order; what comes for another request
    than the one waited for is kept."""

    def __init__(self, uri=None):
        uri = uri or os.environ.get("HACTOR_URI")
        if not uri:
            raise Error("no_instance", "HACTOR_URI is not set and no URI is given")
        self.uri = uri
        try:
            self._socket, inside = ways.dial(uri)
        except ways.Unreachable as e:
            raise Error(e.code, str(e)) from e
        self._tag = 0
        self._waiting = {}  # by tag: frames that nobody has taken
        self._ready = {}  # the tags of those that have some, in the order in which they came
        self._data = bytearray()
        if inside:
            self._send(ENTER, 0, inside.encode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._socket.close()

    def fileno(self):
        """For select: there is something to read. What is read may be for any request."""
        return self._socket.fileno()

    def request(self, method, **params):
        """Sends a request; returns its tag."""
        text = json.dumps({"method": method, "params": params}, ensure_ascii=False)
        try:
            data = text.encode()
        except UnicodeEncodeError as e:  # bytes of a command line or file name that are no text
            word = text[text.rfind('"', 0, e.start) + 1:text.find('"', e.start)]
            raise ValueError(f"{word!r} is not UTF-8: JSON cannot carry it") from e
        self._tag += 1
        self._waiting[self._tag] = collections.deque()
        self._send(REQUEST, self._tag, data)
        return self._tag

    def cancel(self, tag):
        """Nothing more is to come for this request."""
        self._ready.pop(tag, None)
        if self._waiting.pop(tag, None) is not None:
            with contextlib.suppress(OSError):  # requests end with their connection
                self._send(CANCEL, tag, b"")

    def frame(self, tag, timeout=None):
        """The next frame of a request: its kind and its payload, as an object where it is one.
        Raises Error for the request's error, TimeoutError after so many seconds."""
        until = None if timeout is None else time.monotonic() + timeout
        while not self._waiting[tag]:
            self._receive(until)
        return self._take(tag)

    def any_frame(self, timeout=None):
        """The tag, kind and payload of the next frame of any request. Raises TimeoutError."""
        until = None if timeout is None else time.monotonic() + timeout
        while not self._ready:
            self._receive(until)
        tag = next(iter(self._ready))
        return (tag, *self._take(tag))

    def result(self, tag, timeout=None):
        """Waits for the end of a request and returns its object; drops the items before it."""
        kind = None
        while kind != REPLY:
            kind, value = self.frame(tag, timeout)
        return value

    def ask(self, method, **params):
        """Request and result."""
        return self.result(self.request(method, **params))

    def items(self, method, **params):
        """Yields the items of a request and at last its reply. Who stops before cancels it."""
        tag = self.request(method, **params)
        kind = None
        try:
            while kind != REPLY:
                kind, value = self.frame(tag)
                yield value
        finally:
            self.cancel(tag)

    def _take(self, tag):
        kind, payload = self._waiting[tag].popleft()
        if not self._waiting[tag]:
            del self._ready[tag]
        if kind in (REPLY, ERROR):
            del self._waiting[tag]
        value = json.loads(payload) if kind in (REPLY, ERROR, ITEM) else payload
        if kind == ERROR:
            raise Error(value["code"], value["message"], tag)
        return kind, value

    def _send(self, kind, tag, payload):
        self._socket.sendall(HEAD.pack(len(payload), kind, tag) + payload)

    def _receive(self, until):
        """Reads what has come; each whole frame goes to its request, if that is still wanted."""
        left = None if until is None else max(0.0, until - time.monotonic())
        if not select.select([self._socket], [], [], left)[0]:
            raise TimeoutError("nothing has come from the instance in time")
        part = self._socket.recv(1 << 18)
        if not part:
            raise ConnectionError("the instance has ended")
        self._data += part
        at = 0
        while len(self._data) - at >= HEAD.size:
            size, kind, tag = HEAD.unpack_from(self._data, at)
            if len(self._data) - at - HEAD.size < size:
                break
            at += HEAD.size + size
            if tag in self._waiting:
                self._waiting[tag].append((kind, bytes(self._data[at - size:at])))
                self._ready[tag] = None
        del self._data[:at]
