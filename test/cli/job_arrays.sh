# A job of an array (--cc, --array) has a name made of the array's id and its index, ID.INDEX, which
# all commands take; its tasks know both. {cc} in an option gives each copy its own value of it.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance -S resource.fake=nodes=2,cores=4 <<'END'
show() { hactor jobs -a -n -o "$1" "$2"; }

# Gaps, and more than the ids of a millisecond; what others submit meanwhile gets no id of these.
hactor submit --hold --cc=1,5,7-9,3000-6000 true >ids &
pid=$!
hactor submit --hold --cc=0-1999 true >others
wait "$pid"
array=$(head -n 1 ids)
check_equal "jobs" 3006 "$(wc -l <ids)"
check_equal "the array and the index" "$array 7" "$(show '{array} {index}' "$(sed -n 3p ids)")"
check_equal "as one word" "$array.6000" "$(show '{id.index}' "$(tail -n 1 ids)")"
check_equal "by its index" "$(sed -n 4p ids)" "$(hactor job id "$array.8")"
check_equal "by that of another" "$(tail -n 1 ids)" "$(hactor job id "$(sed -n 2p ids).6000")"
check_equal "by another spelling" "$(sed -n 2p ids)" "$(hactor job id "$(hactor job id --to=dec "$array").5")"
check_equal "several" "$(sed -n 2,4p ids)" "$(hactor job id "$array.[5,7-8]")"
check_equal "as JSON" "$array 5" "$(hactor jobs --json "$array.5" | python3 -c '
import json, sys
job = json.load(sys.stdin); print(job["array"], job["index"])')"
check_equal "the other array" "$(sed -n 1000p others)" "$(hactor job id "$(head -n 1 others).999")"
fails_with 2 hactor job id "$array.6"
check_contains "$output" "the array $array has no job of index 6; it has those of 1,5,7-9,3000-6000"
fails_with 2 hactor job attach "$array.7-9"
check_contains "$output" "the words name 3 jobs"
single=$(hactor submit --hold true)
check_equal "of no array" "$single" "$(show '{id.index}{array}{index}' "$single")"
fails_with 2 hactor jobs "$single.1"
check_contains "$output" "job $single is of no array"
fails_with 1 hactor jobs f1234.1 # no such job

# The commands that take jobs.
hactor cancel "$array.3000-5999" "$single"
deadline 20 hactor job wait-event -q "$array.3000" clean # when the scheduler has let go of it
check_equal "cancelled" "CANCELED SCHED" "$(show '{status}' "$array.3000") $(show '{status}' "$array.6000")"
hactor job urgency "$array.[5,7]" 20
check_equal "more urgent" "20 20 0" "$(echo $(hactor jobs -n -o 'sort:id {urgency}' "$array.5" "$array.7" "$array.8"))"
hactor job memo "$array.9" note=x
check_equal "a memo" x "$(show '{user.note}' "$array.9")"
hactor update "$array.8" name=eight
check_equal "updated" "eight $array.8" "$(show '{name} {id.index}' "$array.8")"
check_contains "$(hactor job eventlog "$array.8")" "jobspec-update"
check_contains "$(hactor job info "$array.8" jobspec)" '"eight"'
hactor job raise -t other -s 7 "$array.9" at 12.5 percent
check_contains "$(hactor job eventlog "$array.9")" "at 12.5 percent"
check_contains "$(hactor explain "$array.1")" "held"
hactor cancel --all -q

# What a task sees.
vars='echo $HACTOR_ARRAY_ID $HACTOR_ARRAY_INDEX $HACTOR_JOB_CC {{array.id}}.{{array.index}} \
  ${SLURM_ARRAY_JOB_ID-} ${SLURM_ARRAY_TASK_ID-} ${SLURM_ARRAY_TASK_COUNT-}/${SLURM_ARRAY_TASK_MIN-}-${SLURM_ARRAY_TASK_MAX-}'
ids=$(hactor submit --wait --output=out.%A.%a --array=2,4 sh -c "$vars")
array=${ids%%[!0-9a-zA-Z]*}
check_equal "a task" "$array 4 4 $array.4 /-" "$(cat "out.$array.4")"
ids=$(hactor submit --wait --output=slurm.%A.%a --compat=slurm --array=2,4 sh -c "$vars")
array=${ids%%[!0-9a-zA-Z]*}
check_equal "for Slurm's" "$array 2 2 $array.2 $(hactor job id --to=dec "$array") 2 2/2-4" "$(cat "slurm.$array.2")"
check_equal "without" "--" "$(hactor submit --wait --bcc=1 --output=bcc sh -c 'echo ${HACTOR_ARRAY_INDEX-}-${HACTOR_ARRAY_ID-}-' >/dev/null; cat bcc)"
cat >script <<'S'
#!/bin/sh
#SBATCH --array=1-2 --output=batch.%A.%a
echo "$HACTOR_ARRAY_ID.$HACTOR_ARRAY_INDEX $(hactor run sh -c 'echo ${HACTOR_ARRAY_INDEX-none}')"
S
ids=$(hactor batch --wait script)
array=${ids%%[!0-9a-zA-Z]*}
check_equal "a script" "$array.2 none" "$(cat "batch.$array.2")"

# Copies of different sizes are one array all the same.
ids=$(hactor submit --wait --cc=1,3 -n '{cc}' -t '{cc+1}m' --job-name='n{cc}' true)
array=${ids%%[!0-9a-zA-Z]*}
check_equal "their sizes" "1 2m n1 $array.1 3 4m n3 $array.3" \
  "$(echo $(hactor jobs -a -n -o 'sort:index {ntasks} {duration!F} {name} {id.index}' "$array.1" "$array.3"))"
check_equal "printed" "1 3" "$(hactor submit --dry-run --cc=1,3 -n '{cc}' true \
  | python3 -c 'import json, sys; print(*[json.loads(l)["resources"][0]["count"] for l in sys.stdin])')"
fails_with 2 hactor submit --cc=0-1 -n '{cc}' true
check_contains "$output" "--ntasks: '0'"
check_equal "in inputs" "1 2" "$(echo $(hactor jobs -a -n -o 'sort:ntasks {ntasks}' \
  $(hactor bulksubmit --wait -n '{0}' true ::: 1 2)))"
END

# After a restart too.
instance -S statedir="$scratch/state" <<'END'
hactor submit --hold --cc=3,5 true >ids
END
instance -S statedir="$scratch/state" <<'END'
check_equal "after a restart" "$(head -n 1 ids).5" "$(hactor jobs -n -o '{id.index}' "$(head -n 1 ids).5")"
hactor cancel --all -q
END
