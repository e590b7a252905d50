# Options that Flux's manual pages have for the commands that look at jobs and change them.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance -S resource.fake=nodes=2,cores=4 -S sched.queues='batch; debug' <<'END'
id=$(hactor submit -q batch -N 2 -n 4 sleep 1000)
hactor job wait-event -q "$id" start

# Times by a form of one's own and a width; colours that are asked for.
form='%Y-%m-%d'
check_equal "a time" "    $(date +%Y-%m-%d)|" "$(hactor jobs -n --color=always -o "{t_run!d:$form::>14}|" "$id")"
hactor jobs --color >/dev/null
fails_with 0 hactor jobs --color=never -n --since="$(date -d '1 hour ago' +%Y-%m-%dT%H:%M)"
check_contains "$output" "$id"
for when in yesterday -1h "$(date -d '2 minutes ago' +%H:%M:%S)" 2020-01-01 1; do
  check_contains "$(hactor jobs -n --since="$when")" "$id"
done
fails_with 2 hactor jobs --since=2100-01-01
check_contains "$output" "has not come yet"
fails_with 2 hactor jobs --since=whenever

# Where tasks are.
check_equal "tasks of a node" "2-3 2" "$(hactor job taskmap --taskids=1 "$id") $(hactor job taskmap --ntasks=1 "$id")"
check_equal "the node of a task" "1 fake1" "$(hactor job taskmap --nodeid=3 "$id") $(hactor job taskmap --hostname=3 "$id")"
fails_with 2 hactor job taskmap --taskids=2 "$id"
fails_with 2 hactor job taskmap --nodeid=4 "$id"
fails_with 2 hactor job taskmap --nodeid=1 --to=pmi "$id"

# Notes by an option.
hactor job raise -t other -s 7 -m 'a note' "$id"
check_contains "$(hactor job eventlog "$id")" 'note="a note"'
fails_with 2 hactor job raise -t other -s 7 -m 'a note' "$id" -- another
check_equal "updated" "$id: updated attributes.system.duration to 3600" "$(hactor update -v --wait "$id" duration=1h)"
check_contains "$(hactor job eventlog "$id")" jobspec-update

# The queues of an instance that has several.
waits=$(hactor submit -q debug --hold true)
picture=$(hactor top --once --color=never)
check_contains "$picture" "jobs 1 waiting  1 running"
check_contains "$picture" "queue batch  nodes 2  0 waiting  1 running"
check_contains "$picture" "queue debug  nodes 2  1 waiting (1 held)  0 running"
check_contains "$picture" "$id"
picture=$(hactor top --once --queue=debug)
check_contains "$picture" "jobs 1 waiting  0 running"
check_lacks "$picture" "$id"
check_lacks "$picture" "queue batch"
fails_with 1 hactor top --once -q none
check_contains "$output" "there is no queue 'none'; there are batch, debug"

# Jobs by their names, narrowed by queue, state and user.
check_equal "of a queue" "$id" "$(hactor pgrep -q batch 'sleep|true')"
check_equal "of a state" "$waits" "$(hactor pgrep -f pending 'sleep|true')"
both=$(printf '%s\n' "$id" "$waits" | sort | xargs)
check_equal "of a user" "$both" "$(hactor pgrep -u "$(id -un)" 'sleep|true' | sort | xargs)"
fails_with 1 hactor pgrep -u 4294967 'sleep|true'
check_equal "of nobody" "" "$output"
for not in '-q debug' '-f pending' '-u 4294967'; do
  fails_with 1 hactor pkill $not sleep
done
check_equal "none has ended" "$both" "$(hactor jobs -n -o '{id}' | sort | xargs)"
ended=$(hactor submit -q debug --hold -J sleep true)
fails_with 0 hactor pkill -q debug -f pending -u "$(id -un)" sleep
check_contains "$output" "1 jobs"
check_equal "this one has" "$ended CANCELED" "$(hactor jobs -n -o '{id} {result}' "$ended")"
check_equal "no other" "$both" "$(hactor jobs -n -o '{id}' | sort | xargs)"

# What is left for a person to read: of a job that waits, all.
check_equal "time left" "1.5h 5400" \
  "$(left=$(hactor submit -q debug --hold -t 90m true) && echo $(hactor job timeleft -H "$left") $(hactor job timeleft "$left") && hactor cancel "$left")"

# Hosts by their names.
for option in -w --hosts= --nodelist=; do
  check_equal "$option" fake1 "$(hactor jobs -n -o '{nodelist}' "$(hactor submit -q debug --wait "${option}fake1" true)")"
done
fails_with 1 hactor submit -q debug -w fake7 true
check_contains "$output" '{"hostlist":["fake7"]}'

# The rate of jobs that are watched, and where there is a terminal a bar.
watched=$(hactor submit -q debug --cc=1-3 echo seen)
fails_with 0 deadline 20 hactor watch --jps $watched
check_contains "$output" seen
check_contains "$output" "3 jobs in "
check_contains "$output" " jobs/s"
if command -v script >/dev/null; then
  script -qec "hactor watch --progress $(echo $watched)" /dev/null >screen
  check_contains "$(cat screen)" "CD:3 F:0 of 3"
  check_contains "$(cat screen)" "100%"
fi

# Verbs of job that are commands of their own here.
hactor job cancel -m 'no longer wanted' "$id" "$waits"
fails_with 143 hactor job status -v "$id"
check_contains "$output" "$id CANCELED"
check_contains "$(hactor job status -j "$waits" 2>/dev/null || true)" '"result":"CANCELED"'
check_contains "$(hactor job eventlog "$id")" "no longer wanted"
fails_with 143 hactor job attach -E -u "$id"
check_contains "$output" "s: job.start"
hactor job purge -f --num-limit=0
check_equal "left" "" "$(hactor jobs -a -n)"

# Slurm's and Flux's names of the amounts.
spec() { hactor submit --dry-run "$@" true | python3 -c 'import json, sys; print(json.load(sys.stdin)["resources"])'; }
check_equal "slots" "$(spec -n 2 -c 3 -g 1)" "$(spec --nslots=2 --cores-per-slot=3 --gpus-per-slot=1)"
check_equal "every second" "3" "$(hactor submit --dry-run --array=0-4:2 true | wc -l)"
fails_with 2 hactor submit --dry-run --array=0-4:0 true

# And of what a task is told.
check_equal "nodes as in Slurm" "0 fake[0-1] fake[0-1] 2 1 fake[0-1] fake[0-1] 2" \
  "$(hactor run -N 2 --compat=slurm sh -c 'echo $SLURM_PROCID $SLURM_JOB_NODELIST $SLURM_NODELIST $SLURM_NNODES' | sort | xargs)"
check_equal "nodes as in Flux" "0 2 3 1 2 3 2 2 3" \
  "$(hactor run -N 2 -n 3 --compat=flux sh -c 'echo $FLUX_TASK_RANK $FLUX_JOB_NNODES $FLUX_JOB_SIZE' | sort | xargs)"
END
