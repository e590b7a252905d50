# A program in Python holds resources through REAPI's layer: of a graph of its own, and of a running
# instance, whose jobs do not get them. Errors are exceptions with the library's sentence.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

command -v python3 >/dev/null || skip "there is no python3"
cmake --install "$HACTOR_TEST_BUILD" --prefix "$scratch/prefix" >/dev/null
mv "$scratch/prefix" "$scratch/moved"
PYTHONPATH=$scratch/moved/lib/python3/dist-packages
PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH PYTHONDONTWRITEBYTECODE

cat >common.py <<'END_OF_PYTHON'
import errno
from hactor_reapi import *

def spec(nodes, cores=4, duration=3600):
    slot = {"type": "slot", "count": 1, "label": "s", "with": [{"type": "core", "count": cores}]}
    return {"version": 1, "resources": [{"type": "node", "count": nodes, "with": [slot]}],
            "tasks": [{"command": ["app"], "slot": "s", "count": {"per_slot": 1}}],
            "attributes": {"system": {"duration": duration}}}

def rank(number):
    lite = [{"rank": str(number), "children": {"core": "0-3"}}]
    return {"version": 1, "execution": {"R_lite": lite}}

def ranks_of(R):
    return [entry["rank"] for entry in R["execution"]["R_lite"]]

def refused(kind, code, part, function, *arguments, **named):
    try:
        found = function(*arguments, **named)
    except kind as e:
        assert type(e) is kind and e.errno == code and part in str(e), (type(e), e.errno, str(e))
    else:
        raise AssertionError(f"{function} gave {found}")
END_OF_PYTHON

cat >cli.py <<'END_OF_PYTHON'
from common import *

r = Reapi()
refused(ReapiError, errno.EINVAL, "Invalid argument", r.match_allocate, 1, spec(1))
refused(ReapiError, errno.EPROTO, "load_format", r.initialize, "{}", 7)
vertices = [{"id": "0", "metadata": {"type": "cluster", "id": 0, "rank": -1}}]
edges = []
for n in range(2):
    node = str(len(vertices))
    vertices.append({"id": node, "metadata": {"type": "node", "id": n, "rank": n}})
    edges.append({"source": "0", "target": node})
    for c in range(4):
        core = str(len(vertices))
        vertices.append({"id": core, "metadata": {"type": "core", "id": c, "rank": n}})
        edges.append({"source": node, "target": core})
graph = {"graph": {"nodes": vertices, "edges": edges}}
r.initialize(graph, load_format="jgf", match_format="rv1_nosched", match_policy="low",
             prune_filters="ALL:core")
found = r.match_allocate(1, spec(1))
assert ranks_of(found["R"]) == ["0"] and not found["reserved"] and found["at"] == 0, found
refused(ReapiError, errno.EEXIST, "job 1 has resources already", r.match_allocate, 1, spec(1))
refused(ReapiInsufficientResources, errno.EBUSY, "no room now", r.match_allocate, 2, spec(2))
refused(ReapiInfeasibleRequest, errno.ENODEV, "never", r.match,
        MATCH_ALLOCATE_W_SATISFIABILITY, 2, spec(3))
refused(ReapiInfeasibleRequest, errno.ENODEV, "never", r.match_satisfiability, spec(3))
refused(ReapiError, errno.EINVAL, "match operation", r.match, "nonsense", 2, spec(1))
assert r.match_satisfy(spec(2)) and not r.match_satisfy(spec(3))
assert r.match_satisfiability(spec(2))["overhead"] >= 0

twin = r.clone()
later = twin.match_allocate(2, spec(2), orelse_reserve=True)
assert later["reserved"] and later["at"] == 3600, later
info = twin.info(2)
assert info["mode"] == "RESERVED" and info["reserved"] and info["at"] == 3600, info
refused(ReapiError, errno.ENOENT, "job 2", r.info, 2)
assert r.info(1)["mode"] == "ALLOCATED"
twin.close()
refused(ReapiError, errno.EINVAL, "closed", twin.info, 2)

assert ranks_of(r.update_allocate(3, rank(1))["R"]) == ["1"]
assert ranks_of(r.find("jobid-alloc=3")) == ["1"]
assert r.find("status=down") is None
assert r.cancel(3, rank(1), "rv1exec") is True
refused(ReapiError, errno.ENOENT, "job 3", r.cancel, 3)
assert r.cancel(3, noent_ok=True)
two = r.match_allocate(4, spec(1, 2))
assert r.partial_cancel(4, two["R"]) is True

r.set_status(rank=1, up=False)
assert not r.get_status(path="/cluster0/node1") and r.get_status(rank=0)
refused(ReapiInsufficientResources, errno.EBUSY, "no room", r.match_allocate, 5, spec(1))
r.set_status(rank=ALL_RANKS, up=True)
r.remove_subgraph("/cluster0/node1")
stat = r.stat()
assert (stat["V"], stat["J"]) == (6, 3), stat
refused(ReapiError, errno.ENOENT, "there is no /cluster0/node1", r.remove_subgraph, "/cluster0/node1")
r.initialize(graph, load_format="jgf", match_format="simple")
assert "core0" in r.match_allocate(1, spec(1))["R"]
END_OF_PYTHON
deadline 30 python3 cli.py || fail "a graph of its own: $?"

cat >module.py <<'END_OF_PYTHON'
import subprocess
from common import *

def ask(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=30).stdout.strip()

def allocated():
    rows = ask("hactor", "resource", "list", "-n", "-o", "{state} {ncores}").splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith("allocated"))

with ReapiModule() as r:
    assert ranks_of(r.match_allocate(1, spec(1))["R"]) == ["0"]
    assert allocated() == 4
    refused(ReapiError, errno.EEXIST, "claim 1", r.match_allocate, 1, spec(1))
    refused(ReapiInsufficientResources, errno.EBUSY, "", r.match_allocate, 2, spec(2))
    refused(ReapiInfeasibleRequest, errno.ENODEV, "", r.match_satisfiability, spec(3))
    refused(ReapiError, errno.ENOENT, "77", r.info, 77)
    refused(ReapiError, errno.ENOENT, "77", r.cancel, 77)
    refused(ReapiError, errno.EINVAL, "", r.match_allocate, 2, "{}")
    assert r.match_satisfy(spec(2))
    assert r.info(1)["mode"] == "ALLOCATED"
    later = r.match_allocate(2, spec(2), orelse_reserve=True)
    assert later["reserved"] and r.info(2)["at"] == later["at"] > 0
    assert r.cancel(2)
    assert r.cancel(77, noent_ok=True)
    assert ranks_of(r.update_allocate(3, rank(1))["R"]) == ["1"]
    assert ranks_of(r.find("jobid-alloc=3")) == ["1"]
    assert r.partial_cancel(3, rank(1)) is True
    stat = r.stat()
    assert (stat["V"], stat["E"]) == (11, 10), stat

    # A job waits for what is held, and gets it.
    job = ask("hactor", "submit", "-N", "2", "-n", "2", "-c", "4", "true")
    ask("hactor", "job", "wait-event", "-t", "20", job, "priority")
    assert "room for 1 node now" in ask("hactor", "explain", job)
    assert r.cancel(1)
    ask("hactor", "job", "wait-event", "-t", "20", job, "clean")
    r.match_allocate(4, spec(1))

# It ends with the object, unless it is to stay.
assert allocated() == 0
with ReapiModule(keep=True) as r:
    r.match_allocate(5, spec(1))
assert allocated() == 4
with ReapiModule() as r:
    r.cancel(5)
refused(ReapiError, errno.ENOTCONN, "no instance can be asked at local:///nowhere", ReapiModule,
        "local:///nowhere")
END_OF_PYTHON
echo "deadline 50 python3 $scratch/module.py" | instance -S resource.fake=nodes=2,cores=4
