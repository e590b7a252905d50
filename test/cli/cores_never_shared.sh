# Thousands of jobs of one core are taken, share a node, and no core is given twice.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance -S resource.fake=nodes=3,cores=5 <<'END'
hactor submit --cc=1-1500 --setattr=exec.test.run_duration=2ms true >ids
hactor submit --cc=1-500 -c 2 --setattr=exec.test.run_duration=1ms true >more
cat ids more | xargs hactor job wait --all
hactor events --since 0 --names=alloc,free --no-follow >events
cat >check.py <<'PY'
import json
double = set(open("more").read().split())
busy = most = 0
for line in open("events"):
    e = json.loads(line)
    cores = 2 if e["id"] in double else 1
    busy += cores if e["name"] == "alloc" else -cores
    most = max(most, busy)
    assert busy <= 15, "15 cores, but %d are in use" % busy
assert busy == 0 and most > 5, (busy, most)
PY
python3 check.py
END
