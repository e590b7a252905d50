# --dependency and --begin-time: jobs wait for others, go on, or fail when they never could; told by
# explain and jobs; what cannot be waited for is refused.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
state() { hactor jobs -n -o '{status}' "$1"; }
mkfifo go
one=$(hactor submit sh -c 'read x <go')
good=$(hactor submit --dependency=afterok:$one true)
bad=$(hactor submit -d afternotok:$one true)
first=$(hactor submit -d afterstart:$one true)
both=$(hactor submit -d afterok:$good,afterany:$bad true)
either=$(hactor submit -d afterok:$bad?afterok:$good true)
chain=$(hactor submit -d afterok:$bad true)
deadline 20 hactor job status "$first" # while the first still runs
check_equal "state" DEPEND "$(state "$good")"
check_equal "explained" "dependency: waits for job $one to end well" "$(hactor explain "$good")"
check_contains "$(hactor explain "$either")" "waits for job $bad to end well, or for job $good to"
check_contains "$(hactor jobs "$both")" "depends:after-finish=$bad,after-success=$good"
check_contains "$(hactor jobs -o deps "$good")" "after-success=$one"
check_contains "$(hactor jobs --stats)" "1 running, 5 pending"
echo >go
deadline 20 hactor job status "$good" "$both" "$either"
fails_with 1 hactor job wait "$bad"
check_contains "$output" "Exception: dependency: afternotok:$one can never hold: the job has ended well"
fails_with 1 hactor job status "$chain"
events() { hactor job eventlog -f json "$1" | sed 's/.*"name":"\([^"]*\)".*/\1/' | tr '\n' ' '; }
check_equal "its events" "submit validate dependency-add dependency-remove depend priority alloc \
start finish release free clean " "$(events "$good")"
check_equal "events of who never could" "submit validate dependency-add exception clean " \
  "$(events "$bad")"

# What has ended is judged at once, and what can never be is refused.
check_equal "at once" "submit validate depend priority alloc start finish release free clean " \
  "$(id=$(hactor submit -d afterok:$good true) && hactor job status "$id" && events "$id")"
fails_with 1 hactor submit -d afterok:$bad true
check_contains "$output" "afterok:$bad can never hold: the job has failed"
fails_with 1 hactor submit -d afterok:$good,afterok:f2345 true
check_contains "$output" "there is no job f2345, or it was purged"
fails_with 1 hactor submit -d afterall:$good true
check_contains "$output" "attributes.system.dependencies[0].scheme: must be one of afterok, afterany"
fails_with 1 hactor submit -d afterok:nonsense true
check_contains "$output" "there is no job nonsense, or it was purged"
fails_with 2 hactor submit -d singleton true
check_contains "$output" "needs --job-name"
fails_with 2 hactor submit -d afterok:1,afterok:2?afterok:3 true
check_contains "$output" "give the option once for each"
fails_with 2 hactor submit --begin-time=soon true

# A cancelled predecessor, a cancelled waiting job.
held=$(hactor submit --hold true)
next=$(hactor submit -d afterok:$held true)
last=$(hactor submit -d afterany:$next true)
hactor cancel "$held"
fails_with 1 hactor job status "$next"
check_contains "$(hactor jobs -n -o endreason "$next")" "the job was cancelled"
deadline 20 hactor job status "$last"
held=$(hactor submit --hold true)
next=$(hactor submit -d afterok:$held true)
hactor cancel "$next"
check_equal "cancelled" CANCELED "$(state "$next")"
hactor cancel "$held"

# A time.
before=$(date +%s.%N) # the time counts from when the command begins, which is before the submit
later=$(hactor submit --begin-time=+6s true)
never=$(hactor submit -d begin-time:+1d true)
check_contains "$(hactor explain "$later")" "dependency: waits for 20"
deadline 20 hactor job status "$later"
check_equal "not yet" DEPEND "$(state "$never")"
hactor job eventlog -f json "$later" | grep '"name":"depend"' | python3 -c 'import json, sys
assert json.load(sys.stdin)["timestamp"] - float(sys.argv[1]) > 5.9' "$before" || fail "it did not wait for its time"
hactor cancel "$never"

# One of a name at a time, in their order.
for i in 1 2 3 4 5; do
  hactor submit --quiet -J name -d singleton sh -c "echo $i >>order; sleep 0.1; echo $i >>order"
done
deadline 20 hactor job wait --all >/dev/null 2>&1 || true
check_equal "one after another" "1 1 2 2 3 3 4 4 5 5" "$(echo $(cat order))"

# In a jobspec of any shape.
hactor submit --dry-run true | sed 's/"system":{/"system":{"dependencies":[{"scheme":"afterok","value":"'$good'"}],/' |
  hactor job submit - >id
deadline 20 hactor job status $(cat id)
END
