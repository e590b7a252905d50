# A task on a terminal of its own: size, line editing, keys, the end of input, its foreground.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

cat >"$scratch/person.py" <<'END'
# Types into `hactor run --pty` on a terminal, and reads what it shows.
import fcntl, os, pty, select, struct, sys, termios, time

def size(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

pid, fd = pty.fork()
if pid == 0:
    size(0, 31, 97)
    os.execvp("hactor", ["hactor", "run", "--pty", "sh"])
seen = ""
def wait_for(text):
    global seen
    end = time.monotonic() + 20
    while text not in seen:
        if not select.select([fd], [], [], max(0, end - time.monotonic()))[0]:
            sys.exit("no %r in %r" % (text, seen))
        try:
            seen += os.read(fd, 4096).decode(errors="replace")
        except OSError:
            sys.exit("the end instead of %r in %r" % (text, seen))
    seen = seen[seen.index(text) + len(text):]
def type(text):
    os.write(fd, text.encode())

# Words are broken by quotes where they are typed, so that their echo is not taken for the answer.
type("PS1=; stty size; tty >/dev/null && echo on-a-''terminal\r")
wait_for("31 97")
wait_for("on-a-terminal")
type("echo wrong" + 5 * "\x7f" + "ri''ght\r")  # the terminal edits the line
wait_for("right")
# Who says so is in the foreground; a shell that says so may not yet have started the sleep.
type("sh -c \"echo be''gun; exec sleep 60\"\r")
wait_for("begun")
type("\x03")  # ctrl-C ends the sleep, not the job
type("echo af''terwards\r")
wait_for("afterwards")
size(fd, 40, 120)  # the kernel tells hactor by SIGWINCH
type("until stty size | grep -q '^40 120$'; do :; done; echo res''ized\r")
wait_for("resized")
type("exit 7\r")
while True:
    try:
        if not os.read(fd, 4096):
            break
    except OSError:
        break
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
if code != 7:
    sys.exit("exit code %d" % code)
END
instance <<'END'
deadline 40 python3 "$scratch/person.py"
# Without a terminal here the task has one all the same; the end of our input is the end of its.
check_equal "a pipe" 1 "$(echo 'test -t 0 && test -t 1 && test -t 2 && echo terminal-$((1 + 1))' |
  hactor run --pty sh | grep -c terminal-2)"
check_equal "its size" 1 "$(hactor run --pty stty size </dev/null | grep -c '24 80')"
check_equal "only the first task's" 1 \
  "$(hactor run --pty -N 1 --tasks-per-node=3 sh -c 'test -t 1 && echo yes || echo no' </dev/null | grep -c yes)"
check_equal "of those that are named" "0 no,1 yes,2 yes" \
  "$(hactor run -O pty.ranks=1-2 -O pty.capture=1 -l -N 1 --tasks-per-node=3 \
    sh -c 'test -t 1 && echo yes || echo no' </dev/null | tr -d ':\r' | sort | paste -sd,)"
fails_with 1 hactor run -O pty.ranks=some true
check_contains "$output" 'pty.ranks: must be "all"'
id=$(hactor submit -O pty.capture=false echo unseen)
hactor job wait "$id"
check_equal "after the end" "" "$(hactor job attach "$id")"
fails_with 2 hactor run --pty -o file true
check_contains "$output" "--pty and --output exclude each other"
END
