# One Ctrl-C on hactor run says how to go on; the second cancels the job.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

cat >press.py <<'PY'
import os, pty, signal, sys, time
presses, command = int(sys.argv[1]), sys.argv[2:]
pid, fd = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
seen = b""
def until(text):
    global seen
    while text not in seen:
        try:
            part = os.read(fd, 4096)
        except OSError:
            part = b""
        assert part, (text, seen)
        seen += part
until(b"running")
for i in range(presses):
    os.write(fd, b"\x03")
    until(b"again within" if i == 0 else b"cancelling")
if presses == 1:
    open("go", "w").close()
    until(b"went on")
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
assert status == (0 if presses == 1 else 143), (status, seen)
PY
cat >job.sh <<'SH'
echo running
if [ "$1" = 1 ]; then
  until [ -e go ]; do sleep 0.05; done
  echo went on
else
  exec sleep 100
fi
SH
instance <<'END'
deadline 20 python3 press.py 1 hactor run sh job.sh 1
deadline 20 python3 press.py 2 hactor run sh job.sh 2
check_equal "results" "CANCELED COMPLETED" "$(hactor jobs -a -n -o '{result}' | sort | xargs)"
END
