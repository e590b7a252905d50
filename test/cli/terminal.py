# A command on a terminal of its own, and a person at it: for tests that press keys.
# SPDX-License-Identifier: LGPL-3.0-or-later
import fcntl
import os
import pty
import struct
import termios


class Terminal:
    def __init__(self, command, size=None):
        """size: (lines, columns)"""
        self.seen = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            if size:
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
            os.execvp(command[0], command)

    def until(self, text):
        """Reads until the text was shown; what comes behind it is for the next call."""
        while text not in self.seen:
            try:
                part = os.read(self.fd, 4096)
            except OSError:
                part = b""
            assert part, (text, self.seen)
            self.seen += part
        self.seen = self.seen[self.seen.index(text) + len(text):]

    def press(self, keys):
        os.write(self.fd, keys)

    def end(self, expected):
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        assert status == expected, (status, self.seen)
