# The documents of a job under the keys of RFC 41: as they are and as they were, several at once,
# watched until the job has ended; another user is refused.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"
root=${HACTOR_TEST_LIB%/test/cli/*}
export PYTHONPATH="$root/workflow/python" PYTHONDONTWRITEBYTECODE=1

cat >documents.py <<'PY'
import base64, json, sys
import hactor
i = hactor.Instance()
waits = i.submit(hactor.JobspecV1.from_command(["true"]), urgency=0)
spec = hactor.JobspecV1.from_command(["sleep", "1000"])
spec.set_duration(5000)
job = i.submit(spec)

def stream(method, **params):
    tag = i.request(method, **params)
    def items():
        while True:
            kind, value = i.frame(tag, timeout=20)
            if kind == 2:
                return
            yield value
    return items()

watched_R, watched_spec = stream("job.watch", id=job, key="R"), stream("job.watch", id=job, key="jobspec")
first = json.loads(next(watched_R)["value"])
assert json.loads(next(watched_spec)["value"]) == spec
execution = stream("job.watch", id=job, key="guest.exec.eventlog")
named = []
while "shell.start" not in named:
    named += [json.loads(l)["name"] for l in next(execution).splitlines()]
assert named == ["init", "starting", "shell.init", "shell.start"], named

# What is updated comes to who watches, and is what a lookup finds; what it was is still to be had.
i.ask("job.update", ids=[job], changes={"attributes.system.duration": 7000})
changed = json.loads(next(watched_R)["value"])
longer = changed["execution"]["expiration"] - first["execution"]["expiration"]
assert abs(longer - 2000) < 1, (first, changed) # from when the job was told to start
assert json.loads(next(watched_spec)["value"])["attributes"]["system"]["duration"] == 7000
both = i.ask("job.info", id=job, keys=["R", "jobspec"], decode=True)
assert both["id"] == job and both["values"]["R"] == changed, both
assert both["values"]["jobspec"]["attributes"]["system"]["duration"] == 7000
before = i.ask("job.info", id=job, keys=["R", "jobspec"], decode=True, original=True)["values"]
assert before == {"R": first, "jobspec": spec}, before
header, payload, signature = i.info(job, "J").split(".")
assert json.loads(base64.b64decode(payload)) == spec and signature == "none"
header = base64.b64decode(header).split(b"\0")
assert dict(zip(header[::2], header[1::2]))[b"mechanism"] == b"snone", header

# R of a job that waits comes when there is one, or the end says that there was none.
later = stream("job.watch", id=waits, key="R")
i.cancel_jobs([waits])
try:
    next(later)
    sys.exit("it has no R")
except hactor.Error as e:
    assert e.code == "unknown_key", e
i.cancel_jobs([job])
assert [json.loads(l)["name"] for part in execution for l in part.splitlines()] == ["exception", "shell.task-exit", "complete", "done"]
assert list(watched_R) == [] and list(watched_spec) == []
# Of a job that has ended a watch tells all, then ends.
assert [json.loads(x["value"]) for x in stream("job.watch", id=job, key="R")] == [changed]
assert i.info(job, "guest.exec.eventlog").count("\n") == 8
events = b"".join(stream("job.watch", id=job, key="eventlog")).decode()
assert events == i.info(job, "eventlog")
for method, params, code, said in (
        ("job.info", dict(id=job, key="r"), "unknown_key", "guest.exec.eventlog"),
        ("job.info", dict(id=job, keys=["R", "r"]), "unknown_key", '"r"'),
        ("job.info", dict(id=waits, keys=["R"]), "unknown_key", "has no R"),
        ("job.watch", dict(id=job, key="record"), "unknown_key", "keys that change"),
        ("job.info", dict(id="f3xK2", key="R"), "unknown_job", "f3xK2"),
        ("job.watch", dict(id="f3xK2", key="R"), "unknown_job", "f3xK2")):
    try:
        i.ask(method, **params)
        sys.exit(f"{method} {params} is taken")
    except hactor.Error as e:
        assert e.code == code and said in str(e), (e.code, e)
PY
instance -S resource.fake=nodes=1,cores=4 <<'END'
deadline 45 python3 documents.py
id=$(hactor submit -t 10m sleep 1000)
deadline 20 hactor job wait-event -q "$id" start
mkfifo lines
hactor job info -F "$id" R >lines & follower=$!
exec 3<lines
read -r first <&3
hactor update "$id" duration=20m
read -r second <&3
[ "$first" != "$second" ] || fail "R is the same: $first"
check_equal "now" "$second" "$(hactor job info "$id" R)"
check_equal "then" "$first" "$(hactor job info --base "$id" R)"
check_equal "exec" "init starting shell.init shell.start" \
  "$(hactor job info "$id" guest.exec.eventlog | grep -o '"name":"[a-z.]*"' | cut -d'"' -f4 | xargs)"
hactor cancel --quiet "$id"
wait "$follower"
check_equal "nothing more" "" "$(cat <&3)"
check_contains "$(deadline 20 hactor job info -F "$id" eventlog | tail -1)" '"name":"clean"'
fails_with 2 hactor job info -F -o "$id" R
END

# Jobs are their owner's: nobody else reads what they are, whichever way.
[ "$(id -u)" = 0 ] || exit 0
setpriv --reuid=65534 --regid=65534 --clear-groups /usr/bin/python3 -V >/dev/null 2>&1 || exit 0
cat >stranger.py <<'PY'
import sys
import hactor
for method, params in (("job.info", dict(id=sys.argv[2], key="jobspec")), ("job.list", {}), ("events", {}),
                       ("job.watch", dict(id=sys.argv[2], key="R")), ("job.eventlog", dict(id=sys.argv[2])),
                       ("job.attach", dict(id=sys.argv[2])), ("job.cancel", dict(ids=[sys.argv[2]])),
                       ("submit", dict(jobspec=hactor.JobspecV1.from_command(["true"])))):
    try:
        hactor.Instance(sys.argv[1]).ask(method, **params)
        sys.exit(f"{method} is answered")
    except hactor.Error as e:
        assert e.code == "not_permitted" and "serves only its owner" in str(e), (method, e.code, e)
PY
cp -r "$root/workflow/python/hactor" .
chmod 755 "$scratch"
chmod -R a+rX hactor stranger.py
instance <<'END'
id=$(hactor submit sleep 1000)
hactor job wait-event -q "$id" start
chmod a+x "$TMPDIR" "$(dirname "${HACTOR_URI#local://}")"
chmod a+rw "${HACTOR_URI#local://}"
cd "$scratch"
PATH=/usr/bin:/bin PYTHONPATH=. deadline 20 setpriv --reuid=65534 --regid=65534 --clear-groups \
  python3 stranger.py "$HACTOR_URI" "$id" ||
  fail "a stranger is served"
check_equal "still there" RUN "$(hactor jobs -n -o '{state}' "$id" | tr -d ' ')"
hactor cancel --quiet "$id"
END
