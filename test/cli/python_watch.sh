# Drivers in Python follow jobs: the journal of all of them, with its past, filtered and taken up
# again; many watched at once, with their output; lists by constraints. From the installed package.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

command -v python3 >/dev/null || skip "there is no python3"
cmake --install "$HACTOR_TEST_BUILD" --prefix "$scratch/prefix" >/dev/null
PYTHONPATH=$scratch/prefix/lib/python3/dist-packages
PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH PYTHONDONTWRITEBYTECODE

cat >common.py <<'END_OF_PYTHON'
import hactor

def spec(*command, name=None, tasks=1):
    job = hactor.JobspecV1.from_command(command, num_tasks=tasks)
    if name:
        job.system["job"] = {"name": name}
    return job

def names(events, jobid):
    return [e.name for e in events if e.jobid == jobid]

LIFE = ["submit", "validate", "depend", "priority", "alloc", "start", "finish", "release", "free", "clean"]
END_OF_PYTHON

cat >journal.py <<'END_OF_PYTHON'
import sys
from common import *
i = hactor.Instance()
a = i.submit(spec("true"))
i.wait(a)
# The past, the sentinel, then what happens.
journal = hactor.JournalConsumer(sentinel=True).start()
past = []
while not past or not past[-1].is_empty():
    past.append(journal.poll(timeout=20))
past.pop()
assert names(past, a) == LIFE, past
assert [e.seq for e in past] == list(range(1, 1 + len(past))), past
assert past[0].context["urgency"] == 16 and past[0].state == "NEW" and past[-1].state == "INACTIVE"
try:
    journal.poll(timeout=0.05)
    sys.exit("nothing happens")
except TimeoutError:
    pass
b = i.submit(spec("false"))
live = []
while not live or live[-1].name != "clean":
    live.append(journal.poll(timeout=20))
assert names(live, b) == LIFE, live
assert live[6].context["status"] == 256, live[6]
assert [e.seq for e in past + live] == list(range(1, 21)) and journal.lost == 0
# Half of it again, from where one stopped.
first = hactor.JournalConsumer().start()
head = [first.poll(20) for _ in range(7)]
first.stop()
assert first.poll() is None
rest = hactor.JournalConsumer(since=first.next_sequence, sentinel=True).start()
tail = []
while not tail or not tail[-1].is_empty():
    tail.append(rest.poll(20))
assert head + tail[:-1] == past + live
# What is wanted only.
def all_of(**wanted):
    found = []
    for e in hactor.JournalConsumer(sentinel=True, **wanted).start():
        if e.is_empty():
            return found
        found.append((e.jobid, e.name))
assert all_of(names=["finish", "alloc"], ids=[b]) == [(b, "alloc"), (b, "finish")]
assert all_of(states=64) == [(a, "clean"), (b, "clean")]
assert all_of(userid=4711) == []
# Only what is new; a filter does not hold up where one goes on.
new = hactor.JournalConsumer(full=False, names=["clean"]).start()
c = i.submit(spec("true"))
event = new.poll(20)
assert (event.jobid, event.name, event.seq) == (c, "clean", 30), event
assert new.next_sequence == 31
try:
    hactor.JournalConsumer(names=["nonsense"]).start().poll(20)
    sys.exit("there is no such event")
except hactor.Error as e:
    assert e.code == "bad_argument" and "nonsense" in str(e), e
try:
    hactor.JournalConsumer(name=["clean"])
    sys.exit("there is no such filter")
except TypeError:
    pass
END_OF_PYTHON

cat >watch.py <<'END_OF_PYTHON'
import io
import sys
from common import *
i = hactor.Instance()
script = "echo out $0; echo err $0 >&2; printf rest; exit $0"
ids = i.submit_many(spec("sh", "-c", script, str(n)) for n in range(4))
held = i.submit(spec("true"), urgency=0)
out, err, log, states, ends = io.BytesIO(), io.BytesIO(), io.StringIO(), [], []

def on_end(job):
    ends.append(job.id)
    if len(ends) == 4: # all but the one that waits: more is added while it runs
        w.add(i.submit(spec("sh", "-c", "kill -9 $$")))
        i.ask("job.cancel", ids=[held], message="not needed")

w = hactor.JobWatcher(jobs=[held, *ids], stdout=out, stderr=err, label=True, log=log, keep=True,
                      on_state=lambda job: states.append((job.id, job.state)), on_end=on_end)
assert w.run(timeout=40) == 137, {j.id: j.status for j in w.jobs.values()}
lines = sorted(out.getvalue().decode().splitlines())
assert lines == sorted(f"{job}: 0: {text}" for n, job in enumerate(ids) for text in (f"out {n}", "rest")), lines
assert sorted(err.getvalue().decode().splitlines()) == sorted(f"{job}: 0: err {n}" for n, job in enumerate(ids))
for n, job in enumerate(ids):
    job = w.jobs[job]
    assert job.is_inactive() and job.status == n and job.result == ("FAILED" if n else "COMPLETED"), job.end
    assert bytes(job.stdout) == f"out {n}\nrest".encode() and bytes(job.stderr) == f"err {n}\n".encode()
    assert [s for id, s in states if id == job.id] == [
        "NEW", "DEPEND", "PRIORITY", "SCHED", "RUN", "CLEANUP", "INACTIVE"], states
    assert [e["name"] for e in job.events] == LIFE
assert w.jobs[held].result == "CANCELED" and "not needed" in w.jobs[held].note, w.jobs[held].end
assert [s for id, s in states if id == held][-2:] == ["CLEANUP", "INACTIVE"], states
assert len(ends) == 6 and set(ends) == set(w.jobs)
assert f" {ids[1]}: finish " in log.getvalue()
# Whole output of many tasks; no label.
out = io.BytesIO()
w = hactor.JobWatcher(jobs=[i.submit(spec("sh", "-c", "head -c 300000 /dev/zero", tasks=1)) for _ in range(5)],
                      stdout=out)
assert w.run(timeout=40) == 0 and out.getvalue() == bytes(1500000)
assert not w.step()
# A job that there is not; one that goes on.
try:
    hactor.JobWatcher(jobs=["f3xK2"]).run(timeout=20)
    sys.exit("there is no such job")
except hactor.Error as e:
    assert e.code == "unknown_job", e
w = hactor.JobWatcher(jobs=["f3xK2", ids[1]])
for what in "log", "attachment":
    try:
        w.run(timeout=20)
        sys.exit(f"there is no such {what}")
    except hactor.Error as e:
        assert e.code == "unknown_job" and e.tag, e
assert w.run(timeout=20) == 1 and w.jobs[ids[1]].is_inactive() # the other goes on
# Items that nobody wants to the end.
some = i.items("events", since=0, follow=True)
next(some)
some.close()
assert not i._waiting
long = i.submit(spec("sleep", "1000", name="long"))
try:
    hactor.JobWatcher(jobs=[long]).run(timeout=0.1)
    sys.exit("it goes on")
except TimeoutError:
    pass
# Lists.
assert [j["id"] for j in i.list()] == [long]
found = list(i.list({"and": [{"results": ["failed"]}, {"not": [{"name": ["sh"]}]}]}))
assert found == [], found
found = list(i.list({"results": ["failed"]}, attrs=["status"], max=2))
assert len(found) == 2 and all(set(j) == {"id", "status"} for j in found), found
assert i.cancel_jobs([long]) == 1
END_OF_PYTHON

instance <<'END'
deadline 40 python3 journal.py
END
instance -S resource.fake=nodes=1,cores=4 <<'END'
deadline 50 python3 watch.py
END

# After a restart from a state directory it goes on where it stopped.
cat >before.py <<'END_OF_PYTHON'
from common import *
i = hactor.Instance()
i.wait(i.submit(spec("true")))
journal = hactor.JournalConsumer().start()
taken = [journal.poll(20) for _ in range(4)]
print(journal.next_sequence)
END_OF_PYTHON
cat >after.py <<'END_OF_PYTHON'
import sys
from common import *
events = []
for event in hactor.JournalConsumer(since=int(sys.argv[1]), sentinel=True).start():
    if event.is_empty():
        break
    events.append(event)
assert [e.name for e in events][:6] == LIFE[4:], events
assert events[0].seq == 5
END_OF_PYTHON
start --statedir="$scratch/state" -- python3 before.py >kept </dev/null
start --statedir="$scratch/state" -- python3 after.py "$(cat kept)" </dev/null

# In a nested instance, by its URI of ids and by the one that its jobs have.
cat >inside.py <<'END_OF_PYTHON'
import sys
from common import *
assert hactor.Instance(sys.argv[1]).ask("uptime")["level"] == 0
for uri in None, sys.argv[1] + "/" + sys.argv[2]:
    inner = hactor.Instance(uri)
    assert inner.ask("uptime")["level"] == 1
    assert inner.wait(inner.submit(spec("true")))[1]
    cleaned = hactor.JournalConsumer(uri, names=["clean"]).start().poll(20)
    assert hactor.JobWatcher(uri, jobs=[cleaned.jobid]).run(timeout=20) == 0
END_OF_PYTHON
instance <<'END'
cat >inner.sh <<'SH'
python3 inside.py "$1" "${HACTOR_URI##*/}"
SH
outer=$HACTOR_URI
id=$(hactor submit -n1 hactor start sh inner.sh "$outer")
deadline 40 hactor job attach "$id"
END
