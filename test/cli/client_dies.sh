# A client that dies in the middle of a request takes nothing with it and leaves nothing.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
cat >die.py <<'PY'
import os, socket, struct, sys
path = os.environ["HACTOR_URI"][len("local://"):]
def client():
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    return s
def frame(payload, tag=1, kind=1):
    return struct.pack("<IBQ", len(payload), kind, tag) + payload
submit = b'{"method":"submit","params":{"jobspec":"version: 1"}}'
for cut in range(1, len(frame(submit)), 7):
    client().sendall(frame(submit)[:cut])            # a piece of a request
for kind in range(0, 12):
    client().sendall(frame(b"{}", kind=kind))        # of any kind
client().sendall(struct.pack("<IBQ", 0xffffffff, 1, 1) + b"x")  # a wrong length
client().sendall(os.urandom(4096))
for method in ("events", "job.list", "stats", "uptime"):
    client().sendall(frame(b'{"method":"%s","params":{"since":0}}' % method.encode()))
for text in (b"", b"[]", b"{", b'{"method":7}', b'{"method":"nope"}', b'{"method":"uptime","params":7}'):
    s = client()
    s.settimeout(10)
    s.sendall(frame(text))
    assert s.recv(13)[4] == 3, text                  # an error frame, and the connection lives
PY
before=$(hactor stats | python3 -c 'import json, sys; print(json.load(sys.stdin)["connector"]["clients"])')
python3 die.py
id=$(hactor submit sleep 1000)
for what in "job attach $id" "job wait $id" "job eventlog -F $id" "events --since 0" "exec sleep 1000" "run sleep 1000"; do
  hactor $what >/dev/null 2>&1 & client=$!
  hactor ping -c 3 -i 10ms broker >/dev/null
  kill -9 "$client"
  wait "$client" || true
done
# Commands in a job, whose place is asked for first: who has gone by then, or has cancelled.
cat >early.py <<'PY'
import json, os, socket, struct, subprocess, sys, time
def client():
    s = socket.socket(socket.AF_UNIX)
    s.connect(os.environ["HACTOR_URI"][len("local://"):])
    return s
def execute(tag, *argv):
    text = json.dumps({"method": "exec", "params": {"job": sys.argv[1], "argv": argv}}).encode()
    return struct.pack("<IBQ", len(text), 1, tag) + text
for _ in range(30):
    client().sendall(execute(1, "sleep", "86425"))
s = client()
s.settimeout(20)
s.sendall(execute(1, "sleep", "86426") + struct.pack("<IBQ", 0, 7, 1) + execute(2, "true"))
head = s.recv(13, socket.MSG_WAITALL)
assert head[4:5] == b"\2" and head[5] == 2, head   # of the second alone, which began later
for _ in range(100):
    if all(subprocess.run(["pgrep", "-fx", "sleep " + n], stdout=subprocess.DEVNULL).returncode
           for n in ("86425", "86426")):
        break
    time.sleep(0.1) # nothing tells when processes that were killed have gone
else:
    raise SystemExit("commands outlive who asked for them")
PY
python3 early.py "$id"
cat >clients.py <<'PY'
import json, subprocess, time
for _ in range(50):
    stats = json.loads(subprocess.check_output(["hactor", "stats"]))
    if stats["connector"]["clients"] == 1 and stats["events"]["subscribers"] == 0:
        break
    time.sleep(0.1) # the broker learns of a death by itself; nothing tells us when it has
else:
    raise SystemExit("clients are left: %s" % stats)
PY
python3 clients.py
check_equal "clients" "$before" 1
hactor cancel --all -q
check_equal "afterwards" hello "$(hactor run echo hello)"
END
