# Dependencies by the names of jobs, by copies of a submission, and of jobs that are submitted with
# them: all of a file, or none.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"
root=${HACTOR_TEST_LIB%/test/cli/*}
export PYTHONPATH="$root/workflow/python" PYTHONDONTWRITEBYTECODE=1

cat >graph.py <<'PY'
import hactor
i = hactor.Instance()
def job(name, *after):
    spec = hactor.JobspecV1.from_command(["true"])
    spec.system["job"] = {"name": name}
    if after:
        spec.system["dependencies"] = [{"scheme": "afterok", "value": x} for x in after]
    return spec
ids = i.submit_many([job("third", "second", "first"), job("second", "first"), job("first")])
for id in ids:
    assert i.ask("job.wait", id=id)["status"] == 0, id
times = [i.ask("job.list", ids=[id])["jobs"][0] for id in ids]
assert times[0]["t_run"] >= times[1]["t_inactive"] >= times[2]["t_inactive"], times
PY

instance -S resource.fake=nodes=1,cores=8 <<'END'
state() { hactor jobs -n -o '{status}' "$1" | tr -d ' '; }
jobs_count() { hactor jobs -a -n -c 0 | wc -l; }
mkfifo go
old=$(hactor submit -J sim false)
fails_with 1 hactor job wait "$old"
hactor submit -J sim --cc=1-4 sh -c '[ {cc} != 3 ] || read x <go' >sims
third=$(sed -n 3p sims)
for n in 1 2 4; do deadline 20 hactor job status "$(sed -n ${n}p sims)"; done

# The name means the active one and what came with it, not the one of before that failed.
named=$(hactor submit -d afterok:sim true)
copies=$(hactor submit -d "afterok:$(head -1 sims)[3-4]" true)
others=$(hactor submit -d "afterok:sim[1,2]" true)
any=$(hactor submit -d "afterok:sim[3]?afterok:name=sim[1]" true)
one=$(hactor submit -d "afterok:$(head -1 sims).1" --same-node-as="$(head -1 sims).2" true)
printf '%s\n' "-d afterok:$(head -1 sims).[1,2] true" >lines
deadline 20 hactor job status "$others" "$any" "$one" "$(hactor submit --dag lines)"
fails_with 2 hactor submit -d "afterok:$one/$one" true
check_contains "$output" "is a job of an instance in a job"
check_equal "by name" DEPEND "$(state "$named")"
check_equal "by copies" DEPEND "$(state "$copies")"
check_equal "it is ids that are waited for" "after-success=$third" \
  "$(hactor jobs -n -o '{dependencies}' "$named" | tr -d ' ')"
check_contains "$(hactor job info "$named" jobspec)" '"of":"sim"'
fails_with 1 hactor submit -d afterok:simm true
check_contains "$output" "there is no job simm, or it was purged"
fails_with 1 hactor submit -d "afterok:sim[7-9]" true
check_contains "$output" "there is no job sim[7-9]"
fails_with 1 hactor submit -d "afterok:sim[x]" true
check_contains "$output" "must have numbers of copies between the brackets"
next=$(hactor submit -J sim -d afterok:sim true) # its own name means those before it
check_equal "a chain" DEPEND "$(state "$next")"
echo >go
deadline 20 hactor job status "$named" "$copies" "$next"
# All have ended: the last one is meant.
deadline 20 hactor job status "$(hactor submit -d afterok:sim true)"
purged=$(hactor submit -J gone true)
deadline 20 hactor job status "$purged"
hactor purge "$purged" >purged
fails_with 1 hactor submit -d afterok:gone true
check_contains "$output" "there is no job gone, or it was purged"

# A file of jobs, in any order.
cat >study.jsonl <<'DAG'
# the last first
{"job-name": "post", "dependency": "afterok:part", "command": ["sh", "-c", "echo post >>order"]}
--job-name=prep sh -c 'echo prep >>order'
{"name": "part", "cc": "0-2", "dependency": ["afterok:prep"], "command": "sh -c 'echo part >>order'"}
{"name": "one", "dependency": "afterok:part[1]", "command": ["true"]}
DAG
hactor submit -t 10m --wait --dag study.jsonl >ids
check_equal "order" "prep part part part post" "$(echo $(cat order))"
check_equal "ids in the order of the lines" "post prep part part part one" \
  "$(echo $(for id in $(cat ids); do hactor jobs -a -n -o '{name}' "$id"; done))"
check_equal "options of all" 6 "$(hactor submit -t 10m --dry-run --dag - <study.jsonl | grep -c '"duration":600')"

# All or none.
before=$(jobs_count)
refuse() { # CODE SENTENCE, the file on standard input
  cat >bad.jsonl
  fails_with "$1" hactor submit --dag bad.jsonl
  check_contains "$output" "$2"
  check_equal "jobs after: $2" "$before" "$(jobs_count)"
}
refuse 1 'jobs wait for each other: a (jobs[0]) waits for b (jobs[1]), which waits for a (jobs[0])' <<'DAG'
{"name": "a", "dependency": "afterok:b", "command": ["true"]}
{"name": "b", "dependency": "afterok:a", "command": ["true"]}
DAG
refuse 1 'line 2 (b): attributes.system.dependencies: there is no job nobody' <<'DAG'
{"name": "a", "command": ["true"]}
{"name": "b", "dependency": "afterok:nobody", "command": ["true"]}
DAG
refuse 1 'line 2 (b): asked for 1000' <<'DAG'
{"name": "a", "command": ["true"]}
{"name": "b", "dependency": "afterok:a", "ntasks": 1000, "command": ["true"]}
DAG
refuse 2 'line 2: ' <<'DAG'
{"name": "a", "command": ["true"]}
{"name": "b", "dependancy": "afterok:a", "command": ["true"]}
DAG
refuse 2 'line 1: --wait is of all jobs' <<'DAG'
{"wait": true, "command": ["true"]}
DAG
refuse 2 'line 1: has no command' <<'DAG'
{"name": "a"}
DAG
refuse 2 'the file has no jobs' </dev/null
fails_with 2 hactor submit --dag bad.jsonl true
fails_with 2 hactor submit
check_contains "$output" "a command is missing"
deadline 30 python3 graph.py
END

# What waits for names waits for the same jobs after a restart.
instance -S resource.fake=nodes=1,cores=8 --statedir="$scratch/state" <<'END'
hactor submit --hold -J base true >base
hactor submit -d afterok:base true >waits
END
instance -S resource.fake=nodes=1,cores=8 --statedir="$scratch/state" <<'END'
check_contains "$(hactor explain "$(cat waits)")" "waits for job $(cat base) to end well"
hactor job urgency "$(cat base)" default
deadline 20 hactor job status "$(cat waits)"
END
