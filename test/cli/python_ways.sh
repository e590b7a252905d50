# The ways of Python programs to an instance: a greeting that comes in pieces or not at all, a note
# whose instance is gone, and ssh, of which no process is left to be waited for.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"
export PYTHONPATH="${HACTOR_TEST_LIB%/test/cli/*}/workflow/python" PYTHONDONTWRITEBYTECODE=1

cat >pieces.py <<'PY'
import fcntl, os, socket, termios, threading, time
from hactor import ways

key = os.urandom(32)
with open(os.open("key", os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
    file.write(key)
os.environ["HACTOR_TOKEN_FILE"] = "key"


def serve(listener, pieces, heard):
    s, _ = listener.accept()
    hello = s.recv(40, socket.MSG_WAITALL)
    theirs, who = os.urandom(32), (7).to_bytes(8, "little")
    answer = ways.ANSWER + theirs + who + ways._prove(key, ways.BROKER, hello[8:], theirs, who)
    for first, last in zip(pieces, pieces[1:]):
        s.sendall(answer[first:last])
        # Until the other side has taken it: only then is the next a piece of its own.
        while fcntl.ioctl(s.fileno(), termios.TIOCOUTQ, b"\0\0\0\0") != b"\0\0\0\0":
            time.sleep(0.01)
    heard.append(s.recv(32, socket.MSG_WAITALL))
    heard.append(hello)


for pieces in [0, 80], [0, 1, 40, 79, 80]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        heard = []
        thread = threading.Thread(target=serve, args=(listener, pieces, heard))
        thread.start()
        s, inside = ways.dial("tcp://127.0.0.1:%d/fA2" % listener.getsockname()[1])
        thread.join()
        assert inside == "fA2" and len(heard[0]) == 32, (inside, heard)
        assert s.gettimeout() is None
        s.close()
# One that begins and says no more.
ways.PATIENCE = 0.5
with socket.create_server(("127.0.0.1", 0)) as listener:
    thread = threading.Thread(target=lambda: kept.append(listener.accept()[0]) or kept[0].send(b"HACTORb1"))
    kept = []
    thread.start()
    try:
        ways.dial("tcp://127.0.0.1:%d" % listener.getsockname()[1])
        raise SystemExit("a silent one was taken for a broker")
    except TimeoutError:
        pass
    thread.join()
PY
deadline 20 python3 pieces.py

instance -S instance.name=mine <<'END'
cat >note.py <<'PY'
import glob, json, os
from hactor import Connection, Error, ways
assert not any(ways.is_gone(n) for n in ways.notes())
file, = glob.glob(os.environ["HACTOR_INSTANCES"] + "/*.json")
note = json.load(open(file))
def leave(id, **other):
    path = os.environ["HACTOR_INSTANCES"] + "/" + id + ".json"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
        json.dump({**note, "id": id, **other}, f)
# Of a name that a dead one had too the other is meant; a dead one alone is told of.
leave("idead2345", pid_start=note["pid_start"] + 1)
leave("idead2346", pid=2 ** 22 + 1, name="dead")
leave("idead2347", boot="before", name="older")
assert len(ways.notes()) == 4
assert Connection("mine").ask("hello")
for name in "idead2345", "dead", "older":
    try:
        Connection(name)
        raise SystemExit(name + " was reached")
    except Error as e:
        assert e.code == "no_instance" and "hactor ps --clean" in str(e), e
# What is none of ours.
os.symlink(file, os.environ["HACTOR_INSTANCES"] + "/ilink2345.json")
os.mkfifo(os.environ["HACTOR_INSTANCES"] + "/ipipe2345.json", 0o600)
os.chmod(os.environ["HACTOR_INSTANCES"] + "/idead2347.json", 0o620)
assert len(ways.notes()) == 3
PY
deadline 20 python3 note.py
cat >ssh <<'S'
#!/bin/sh
shift # the host
echo "$*" >>said
exec sh -c "$*"
S
chmod +x ssh
cat >by_ssh.py <<'PY'
import os, subprocess, sys, warnings
from hactor import Connection
warnings.simplefilter("error") # a child that was not waited for is told of
uri = "ssh://here" + os.environ["HACTOR_URI"].removeprefix("local://")
one = Connection(uri)
children = lambda: subprocess.run(["ps", "-o", "stat=,args=", "--ppid", str(os.getpid())],
                                  capture_output=True, text=True).stdout.splitlines()
assert one.ask("hello")
alive = [line for line in children() if "ps -o" not in line]
assert not alive, alive
try:
    os.waitpid(-1, os.WNOHANG)
    raise SystemExit("there is a child")
except ChildProcessError:
    pass
PY
HACTOR_SSH=$PWD/ssh deadline 20 python3 by_ssh.py
check_contains "$(cat said)" "hactor relay"
HACTOR_SSH=/nowhere/ssh fails_with 1 python3 by_ssh.py
check_contains "$output" "no instance answers"
hactor ps --clean >/dev/null
END
