# Listings by a constraint object: live and ended jobs, after the end, its bound, its mistakes; the
# attributes that a client asks for.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance --statedir="$scratch/state" <<'END'
hactor submit --quiet --wait -J good true
before=$(date +%s.%N)
hactor submit --quiet --wait -J bad false 2>/dev/null || true
long=$(hactor submit -J long sleep 1000)
deadline 30 hactor job wait-event "$long" start >/dev/null
hactor submit --quiet -J held --hold true
names() { hactor jobs -n --sort=name -o '{name}' --constraint="$1" | tr '\n' ' '; }
check_equal "all" "bad good held long " "$(names '{}')"
check_equal "by name" "good held " "$(names '{"name": ["good", "held"]}')"
check_equal "pending" "held " "$(names '{"states": ["pending"]}')"
check_equal "running or failed" "bad long " \
  "$(names '{"or": [{"states": ["running"]}, {"results": ["failed"]}]}')"
check_equal "neither" "good held " \
  "$(names '{"not": [{"or": [{"states": ["running"]}, {"results": ["failed"]}]}]}')"
check_equal "on this host" "bad good long " "$(names '{"hostlist": ["'"$(hostname)"'"]}')"
check_equal "on rank 0" "bad good long " "$(names '{"ranks": ["0"]}')"
check_equal "on rank 7" "" "$(names '{"ranks": ["7"]}')"
check_equal "of me" "bad good held long " "$(names '{"userid": ['"$(id -u)"']}')"
check_equal "ended since" "bad " "$(names '{"t_inactive": [">='"$before"'"]}')"
check_equal "ended before" "good " "$(names '{"t_inactive": ["<'"$before"'"]}')"
check_equal "narrowed" "bad " \
  "$(hactor jobs -n -o '{name}' -f failed --constraint='{"name": ["good", "bad"]}' | tr '\n' ' ')"
check_equal "job list" '"long"' \
  "$(hactor job list --constraint='{"states": ["R"]}' | grep -o '"name":"[a-z]*"' | cut -d: -f2)"
fails_with 2 hactor jobs --constraint='{"name"'
check_contains "$output" "--constraint"
fails_with 1 hactor jobs --constraint='{"nam": ["a"]}'
check_contains "$output" "there is no operator 'nam'"
fails_with 1 hactor jobs --constraint='{"states": ["runing"]}'
check_contains "$output" "found \"runing\""
cat >"$scratch/ask.py" <<'PY'
import json, os, socket, struct, sys
s = socket.socket(socket.AF_UNIX)
s.connect(os.environ["HACTOR_URI"].removeprefix("local://"))
def ask(method, params):
    data = json.dumps({"method": method, "params": params}).encode()
    s.sendall(struct.pack("<IBQ", len(data), 1, 1) + data)
    head = b""
    while len(head) < 13:
        head += s.recv(13 - len(head))
    size, kind, _ = struct.unpack("<IBQ", head)
    body = b""
    while len(body) < size:
        body += s.recv(size - len(body))
    return kind, json.loads(body)
four = {"constraint": {"name": ["good", "bad", "long", "held"]}, "attrs": ["name", "t_run"]}
kind, reply = ask("job.list", {**four, "comparisons": 4})
assert kind == 2 and len(reply["jobs"]) == 4, reply
assert all(set(j) == {"id", "name"} | ({"t_run"} if j["name"] != "held" else set())
           for j in reply["jobs"]), reply
for few in 1, 2, 3: # the bound is for live jobs and ended ones together
    kind, reply = ask("job.list", {**four, "comparisons": few})
    assert kind == 3 and reply["code"] == "too_big", reply
kind, reply = ask("job.list", {**four, "states": 64, "comparisons": 2})
assert kind == 2 and len(reply["jobs"]) == 2, reply
kind, reply = ask("job.list", {"attrs": []})
assert kind == 2 and all(set(j) == {"id"} for j in reply["jobs"]), reply
kind, whole = ask("job.list", {"attrs": ["all"]})
kind, known = ask("job.list-attrs", {})
assert {k for j in whole["jobs"] for k in j} <= set(known["attrs"]), (whole, known)
kind, reply = ask("job.list", {"attrs": ["nmae"]})
assert kind == 3 and "nmae" in reply["message"], reply
kind, reply = ask("job.list", {"comparisons": 0})
assert kind == 3 and "comparisons" in reply["message"], reply
kind, reply = ask("job.list", {"name": "\x01[{},1]"}) # a strange name, and no constraint
assert kind == 2 and reply["jobs"] == [], reply
PY
deadline 20 python3 "$scratch/ask.py"
hactor cancel --quiet "$long"
deadline 30 hactor job wait-event "$long" clean >/dev/null
END
names=$(hactor jobs -n --sort=name -o '{name}' --from="$scratch/state" \
  --constraint='{"or": [{"results": ["canceled"]}, {"states": ["pending"]}]}' | tr '\n' ' ')
check_equal "of an instance that is gone" "held long " "$names"
