# hactor top: once as text, and on a terminal, where it follows what happens, goes into instances
# and out of them, asks for nothing while nothing happens, and leaves the terminal as it was.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

cat >"$scratch/person.py" <<'END'
import fcntl, os, pty, select, signal, struct, subprocess, sys, termios, time

def hactor(*words):
    return subprocess.run(["hactor", *words], check=True, capture_output=True, text=True).stdout.strip()

def requests():
    import json
    return json.loads(hactor("stats"))["connector"]["requests"]

class Top:
    def __init__(self, *words):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
            os.execvp("hactor", ["hactor", "top", *words])
        self.seen = ""
    def wait_for(self, *texts):
        end = time.monotonic() + 20
        while True:
            found = [t for t in texts if t in self.seen]
            if found:
                at = self.seen.index(found[0]) + len(found[0])
                passed, self.seen = self.seen[:at], self.seen[at:]
                return passed
            if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                sys.exit("no %r in %r" % (texts, self.seen))
            try:
                self.seen += os.read(self.fd, 65536).decode(errors="replace")
            except OSError:
                sys.exit("the end instead of %r in %r" % (texts, self.seen))
    def type(self, text):
        os.write(self.fd, text.encode())
    def end(self, code):
        self.wait_for("\x1b[?1049l")  # the person's own screen is back
        found = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        if found != code:
            sys.exit("exit code %d, not %d" % (found, code))

top = Top()
top.wait_for("\x1b[?1049h")
top.wait_for("0 running")
first = hactor("submit", "--job-name=first", "sleep", "1000")
top.wait_for("first")  # nobody asked for it
inner = hactor("alloc", "--bg", "-N1", "--job-name=holder")
second = hactor("proxy", inner, "hactor", "submit", "--job-name=second", "sleep", "1000")
top.wait_for("holder +")
top.wait_for("2 running")
# The newest stands first and is chosen; below it is one that holds nothing.
top.type("\x1b[B\r")
top.wait_for("job %s holds no instance" % first)
top.type("\x1b[A\r")
top.wait_for("instance %s " % inner)
top.wait_for("second")
third = hactor("proxy", inner, "hactor", "submit", "--job-name=third", "sleep", "1000")
top.wait_for("third")
top.type("\x7f")
top.wait_for("the instance ")
top.wait_for("holder +")
top.type("r")
top.wait_for("  second")
top.type("r")
# While nothing happens the clocks go on, and nothing is asked but what this script asks itself.
top.wait_for("the instance ")
before = requests()
for i in range(3):
    at = top.wait_for("  run 0:")
    top.wait_for("q quit")
asked = requests() - before
if asked > 5:
    sys.exit("%d requests in three pictures of an idle instance" % asked)
# A window of another size.
fcntl.ioctl(top.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 60, 0, 0))
top.wait_for("\x1b[12;1H")
# Who looks into an instance that ends is above it again.
top.type("\x1b[H\r")
top.wait_for("instance %s " % inner)
hactor("cancel", inner)
top.wait_for("instance %s has ended" % inner)
top.wait_for("the instance ", "first")
top.type("q")
top.end(0)

top = Top(first)
top.wait_for("has no instance")
top = Top("-r")
top.wait_for("first")
os.kill(top.pid, signal.SIGTERM)
top.end(143)
top = Top()
top.wait_for("first")
top.type("\x03")
top.end(0)
END

instance -S resource.fake=nodes=4,cores=4 <<'END'
deadline 45 python3 "$scratch/person.py"
hactor cancel --all 2>said
hactor job wait --all >said 2>&1 || true

id=$(hactor alloc --bg -N 2 --job-name=outer)
inner=$(hactor proxy "$id" hactor alloc --bg -N 1 --job-name=inner)
job=$(hactor proxy "$id/$inner" hactor submit -n 3 --job-name=deepest sleep 1000)
hactor proxy "$id/$inner" hactor job wait-event -q "$job" start
text=$(hactor top --once)
check_contains "$text" "cores [||||||||||          ] 8/16"
check_contains "$text" "1 running"
check_contains "$text" "outer +"
check_lacks "$text" inner
text=$(hactor top -b -r)
check_equal "all levels" "$id outer + $inner inner + $job deepest" \
  "$(printf '%s\n' "$text" | tail -n 3 | awk '{ print $1, $6, $7 == "+" ? "+" : "" }' | xargs)"
text=$(hactor top "$id/$inner")
check_contains "$text" "instance $id/$inner  run"
check_contains "$text" "level 2"
check_contains "$text" "3/4"
noted=$(hactor submit --job-name=noted sleep 1000)
hactor job wait-event -q "$noted" start
hactor job memo "$noted" uri=mine
check_lacks "$(hactor top --once)" "noted +"
check_equal "one job" 1 "$(hactor top -r -c 1 | tail -n +5 | wc -l)"
# Lists of several levels grow while they are gone down.
many=$(hactor alloc --bg -N 1 --job-name=many)
for i in 1 2 3; do
  mid=$(hactor proxy "$many" hactor alloc --bg -N 1 -n 1 -c 1 --job-name=mid)
  deep=$(hactor proxy "$many/$mid" hactor submit -n 1 sleep 1000)
  hactor proxy "$many/$mid" hactor job wait-event -q "$deep" start
done
check_equal "all of many" "3 3" \
  "$(hactor top -r --once | awk '$6 == "mid" { ++m } $6 == "sleep" { ++s } END { print m, s }')"
fails_with 1 hactor top "$id/$inner/$job"
fails_with 1 hactor top "$(hactor submit sleep 1000)"
fails_with 2 hactor top not-an-id
fails_with 2 hactor top -c 0
fails_with 1 env -u HACTOR_URI hactor top
END
