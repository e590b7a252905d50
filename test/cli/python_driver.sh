# A driver in Python: jobs from within it are those of the command line, with the same options.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"
root=${HACTOR_TEST_LIB%/test/cli/*}
export PYTHONPATH="$root/workflow/python" PYTHONDONTWRITEBYTECODE=1

# The script of the instance is the driver itself.
mkdir files
for i in 1 2 3; do
  head -c "$((i * 700000))" /dev/zero >files/data$i
done
start -S resource.fake=nodes=2,cores=4 -- python3 "$root/examples/python/archive.py" files >out </dev/null
check_equal "cores of the jobs" "3 files, 0 failed data1: 1 cores data2: 2 cores data3: 3 cores" \
  "$(sort out | xargs)"
for i in 1 2 3; do
  check_equal "archive $i" "data$i" "$(tar -tf files/data$i.tar)"
done

instance -S resource.fake=nodes=3,cores=3 <<'END'
cat >same.py <<'PY'
import json, subprocess, sys
import hactor
rows = [(["-n", "4"], dict(num_tasks=4)), (["-n", "4", "-c", "2"], dict(num_tasks=4, cores_per_task=2)),
        (["-N", "2", "-n", "6"], dict(num_nodes=2, num_tasks=6)), (["-N", "2"], dict(num_nodes=2)),
        (["-N", "2", "-n", "3"], dict(num_nodes=2, num_tasks=3))]
for options, said in rows:
    text = subprocess.run(["hactor", "submit", "--dry-run", "-t", "2m", *options, "sleep", "1"],
                          check=True, capture_output=True, text=True).stdout
    want, found = json.loads(text), hactor.JobspecV1.from_command(["sleep", "1"], **said)
    found.set_duration(120)
    environment = found.system["environment"]
    if "-c" in options:
        environment.setdefault("OMP_NUM_THREADS", "2")
    assert environment["OMPI_MCA_btl"] == "self" and "SLURM_PROCID" not in environment, environment
    assert want == found, (want, found)
flat = dict(nnodes=2, ntasks=4, ncores=6, ngpus=4, cmdline=["sleep", "1"], environ={"A": "b"}, cwd="/tmp",
            walltime=90, options={"pmi": "off"}, opts={})
text = subprocess.run(["hactor", "submit", "--dry-run", "-N", "2", "-n", "4", "-c", "2", "-g", "1", "-t", "90s",
                       "--cwd=/tmp", "--env=-*", "--env=A=b", "--env=OMP_NUM_THREADS=2", "-O", "pmi=off",
                       "sleep", "1"], check=True, capture_output=True, text=True).stdout
want = json.loads(text)
del want["attributes"]["system"]["environment"]["OMP_NUM_THREADS"]
found = hactor.JobspecV1.from_dict(flat)
assert want == found, (want, found)
for wrong in (dict(cores_per_task=2.0), dict(num_tasks=0), dict(num_nodes=3, num_tasks=2)):
    try:
        hactor.JobspecV1.from_command(["true"], **wrong)
        sys.exit(f"{wrong} is taken")
    except ValueError:
        pass
PY
# Of what launchers set neither has anything; of the settings of people both have all. The tables
# tell both apart: a prefix stands for itself and for a name that begins with it.
tables=$(sed -n '/^constexpr std::array/,/};/p' "${HACTOR_TEST_LIB%/test/cli/*}/runtime/mpi_settings.cpp" |
  grep -o '"[A-Z][A-Za-z0-9_]*"' | tr -d '"' | sort -u)
[ "$(echo "$tables" | wc -l)" -gt 40 ] || fail "the tables are not where they were: $tables"
(
  for name in $tables; do
    [ "$name" = HACTOR_URI ] || export "$name=1" "${name}x=2"
  done
  SLURM_PROCID=3 OMPI_MCA_btl=self python3 same.py
) || fail "jobspecs differ"

# What is not said of the time limit is the instance's to say; what is not UTF-8 is refused.
cat >limits.py <<'PY'
import math, os, sys, warnings
import hactor
job = hactor.JobspecV1.from_command(["true"])
assert "duration" not in job.system, job.system
assert "duration" not in hactor.JobspecV1.from_dict(dict(cmdline=["true"])).system
job.set_duration(7)
job.set_duration(0)
assert "duration" not in job.system, job.system
job.set_duration(math.inf)
assert job.system["duration"] == 0
i = hactor.Instance()
for wrong in (hactor.JobspecV1.from_command(["echo", os.fsdecode(b"caf\xe9")]),):
    try:
        i.submit(wrong)
        sys.exit("it is taken")
    except ValueError as e:
        assert "is not UTF-8" in str(e) and "caf" in str(e), e
assert i.wait(i.submit(hactor.JobspecV1.from_command(["test", "café", "=", "café"])))[1]
os.environb[b"ODD"] = b"\xe9"
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    assert "ODD" not in hactor.JobspecV1.from_command(["true"]).system["environment"]
assert "ODD" in str(said[0].message), said
os.mkdir("gone")
os.chdir("gone")
os.rmdir("../gone")
try:
    hactor.JobspecV1.from_command(["true"])
    sys.exit("it is taken")
except FileNotFoundError as e:
    assert "was removed" in str(e), e
PY
python3 limits.py || fail "limits, UTF-8 or a directory that was removed"

cat >place.py <<'PY'
import sys
import hactor
i = hactor.Instance()
for nodes, tasks in zip(sys.argv[1::2], sys.argv[2::2]):
    job = hactor.JobspecV1.from_command(["sleep", "1"], num_nodes=int(nodes), num_tasks=int(tasks))
    job.system["exec"] = {"test": {"run_duration": 1000}}
    print(i.submit(job))
PY
by_command() {
  while [ $# -gt 0 ]; do
    hactor submit -N "$1" -n "$2" --setattr=exec.test.run_duration=1000 sleep 1
    shift 2
  done
}
where() { # of jobs: the nodes and cores of each, while all of them run
  for id in "$@"; do
    hactor job wait-event -q "$id" alloc
    hactor job info "$id" R | python3 -c 'import json, sys
for part in json.load(sys.stdin)["execution"]["R_lite"]:
  print(part["rank"], part["children"]["core"])'
  done
  hactor cancel "$@"
  hactor job wait "$@" 2>/dev/null || true
}
for sizes in "2 6 1 3" "3 6 3 3"; do
  told=$(where $(by_command $sizes))
  check_equal "placed $sizes" "$told" "$(where $(python3 place.py $sizes))"
  echo "$told" >>told
done
# Ranks and their cores: apart from each other, then on all nodes.
check_equal "partition, overlap" "$(cat <<'TEXT'
0-1 0-2
2 0-2
0-2 0-1
0-2 2
TEXT
)" "$(cat told)"

# The ends of jobs, and what is refused.
cat >ends.py <<'PY'
import os
import hactor
i = hactor.Instance()
good, bad = (i.submit(hactor.JobspecV1.from_command([c])) for c in ("true", "false"))
ends = dict((job, (success, why)) for job, success, why in (i.wait(), i.wait()))
assert ends[good] == (True, ""), ends
assert not ends[bad][0] and "exit code 1" in ends[bad][1], ends
for ask in (lambda: i.wait(), lambda: i.wait("f3xK2")):
    try:
        ask()
        raise SystemExit("nothing is left to wait for")
    except hactor.Error as e:
        assert e.code == "unknown_job", e.code
tags = [i.request("job.wait", id=job) for job in i.submit_many(
    hactor.JobspecV1.from_command(["sh", "-c", f"exit {n}"]) for n in range(3))]
assert [i.result(t)["status"] for t in reversed(tags)] == [2, 1, 0]
# Each wait of a connection is told of another end, though two are withdrawn, and another
# connection of all of them.
os.mkfifo("hold")
last = i.submit(hactor.JobspecV1.from_command(["sh", "-c", "read line <hold"]))
other = hactor.Instance()
tags, more = [[x.request("job.wait-any") for _ in range(5)] for x in (i, other)]
i.cancel(tags.pop(0))
i.cancel(tags.pop(1))
assert [j["id"] for j in other.list()] == [last]  # what it asked before has come to the instance
jobs = i.submit_many(hactor.JobspecV1.from_command(["true"]) for _ in range(5))
told, all_told = [[x.result(t, 30)["jobs"][0]["id"] for t in of]
                  for x, of in ((i, tags), (other, more))]
told += [i.wait()[0] for _ in range(2)]
assert told == all_told and sorted(told) == sorted(jobs), (told, all_told, jobs)
with open("hold", "w") as f:
    f.write("\n")
assert i.wait()[0] == other.wait()[0] == last
PY
python3 ends.py || fail "ends.py"
END
