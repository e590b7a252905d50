# Thousands of jobs of one core are taken, share a node, and no core is given twice.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"
PYTHONPATH="${HACTOR_TEST_LIB%/test/cli/*}/workflow/python"
export PYTHONPATH PYTHONDONTWRITEBYTECODE=1

instance -S resource.fake=nodes=3,cores=5 <<'END'
hactor submit --cc=1-1500 --setattr=exec.test.run_duration=2ms true >ids
hactor submit --cc=1-500 -c 2 --setattr=exec.test.run_duration=1ms true >more
cat ids more | xargs hactor job wait --all
hactor events --since 0 --names=alloc,free --no-follow >events
cat >check.py <<'PY'
# Who has which core, event by event: from what each job's own R says that it was given.
import json
import hactor

def cores_of(r):
    for entry in json.loads(r)["execution"]["R_lite"]:
        for rank in numbers(entry["rank"]):
            for core in numbers(entry["children"]["core"]):
                yield rank, core

def numbers(idset):
    for part in str(idset).strip("[]").split(","):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)

double = set(open("more").read().split())
holder, has, most = {}, {}, 0
with hactor.Instance() as instance:
    for line in open("events"):
        event = json.loads(line)
        job = event["id"]
        if event["name"] == "free":
            for core in has.pop(job):
                assert holder.pop(core) == job, (job, core)
            continue
        has[job] = list(cores_of(instance.info(job, "R")))
        assert len(has[job]) == (2 if job in double else 1), (job, has[job])
        for core in has[job]:
            assert core[0] < 3 and core[1] < 5, (job, core)
            assert core not in holder, "%s got %s, which %s has" % (job, core, holder[core])
            holder[core] = job
        most = max(most, len(holder))
assert not holder and most > 5, (holder, most)
PY
python3 check.py
END
