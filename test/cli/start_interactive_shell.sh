# hactor start alone opens a shell on the terminal, with an instance behind it. Jobs have no part in
# that terminal: who asks it for a line is refused, and not stopped for ever.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

cat >talk.py <<'PY'
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.environ["SHELL"] = "/bin/sh"
    os.execvp("hactor", ["hactor", "start"])
os.write(fd, b"echo size=$(hactor getattr size)\n")
os.write(fd, b"hactor run sh -c 'read line </dev/tty || echo no-$((6 * 7))' </dev/null\nexit 3\n")
seen = b""
while True:
    try:
        part = os.read(fd, 4096)
    except OSError:
        break
    if not part:
        break
    seen += part
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
assert b"size=1" in seen, seen
assert b"no-42" in seen, seen
assert status == 3, (status, seen)
PY
deadline 20 python3 talk.py
