# hactor job attach as somebody's input: the keys of a terminal go to a job that has one, what comes
# by a pipe to a job that takes input, and nothing else to any.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

# person.py EXIT-CODE ID KEYS TEXT KEYS TEXT ...: attaches on a terminal of 31 lines; after each keys
# the text is waited for.
cat >person.py <<'PY'
import fcntl, os, pty, struct, sys, termios
expected, job, steps = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 31, 97, 0, 0))
    os.execvp("hactor", ["hactor", "job", "attach", job])
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
    seen = seen[seen.index(text) + len(text):]
until(b"Ctrl-] and d detaches")
for keys, text in zip(steps[::2], steps[1::2]):
    os.write(fd, keys.encode().decode("unicode_escape").encode())
    until(text.encode())
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
assert status == expected, (status, seen)
PY
instance <<'END'
for pty in pty.interactive pty; do
  id=$(hactor submit -O $pty sh)
  # What is typed is broken by quotes, so that its echo is not taken for the answer.
  deadline 30 python3 person.py 0 "$id" "until stty size | grep '^31 97\$'; do :; done; echo si''ze\r" size \
    "sh -c \"echo be''gun; exec sleep 60\"\r" begun '\x03' '' "echo af''ter\r" after \
    '\x1dd' "detached from job $id, which goes on"
  deadline 30 python3 person.py 7 "$id" "echo ba''ck\r" back 'exit 7\r' ''
done

# A job that takes input; the end of /dev/null is not the end of it.
id=$(hactor submit --input=all sh -c 'echo begun; read x; echo "got $x"')
hactor job attach "$id" </dev/null >quiet & attached=$!
eventually 20 grep -q begun quiet
check_equal "by a pipe" "begun got it" "$(echo it | deadline 20 hactor job attach "$id" | xargs)"
wait $attached
check_equal "seen by both" "begun got it" "$(xargs <quiet)"
id=$(hactor submit sh -c 'wc -l')
check_equal "a job that takes none" 0 "$(yes | deadline 20 hactor job attach "$id")"
id=$(hactor submit -n 2 --input=all cat)
fails_with 2 deadline 20 hactor job attach --stdin-ranks=7 "$id"
check_contains "$output" "job $id has no task 7, only tasks 0-1"
hactor cancel "$id"
END
