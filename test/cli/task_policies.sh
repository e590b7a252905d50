# What becomes of the other tasks when one ends; sizes said in all; submission by a window.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance -S resource.fake=nodes=2,cores=4,gpus=4 <<'END'
spec() { hactor submit --dry-run "$@" true | python3 -c '
import json, sys
j = json.load(sys.stdin)
top = j["resources"][0]
slot = top["with"][0] if top["type"] == "node" else top
print(top["count"], slot["count"], [(v["type"], v["count"]) for v in slot["with"]],
      j["attributes"]["system"].get("shell", {}).get("options", {}))'; }
check_equal "GPUs in all" "4 4 [('core', 1), ('gpu', 2)] {}" "$(spec -n 4 -G 8)"
check_equal "GPUs of nodes" "2 2 [('core', 1), ('gpu', 2)] {}" "$(spec -N 2 -n 4 --gpus-per-node=4)"
check_equal "cores" "4 4 [('core', 1)] {}" "$(spec --cores=4)"
check_equal "tasks of cores" \
  "4 4 [('core', 1)] {'per-resource': {'count': 2, 'type': 'core'}}" \
  "$(spec --cores=4 --tasks-per-core=2)"
check_equal "taskmap" "2 2 [('core', 1)] {'taskmap': 'cyclic'}" "$(spec -N2 -n4 --taskmap=cyclic)"
for wrong in "-n 3 -G 4" "-G 2 -g 1" "--cores=2 -n 2" "--tasks-per-core=2"; do
  fails_with 2 hactor submit $wrong true
done
fails_with 1 hactor submit --flags=nonsense true
check_contains "$output" "nonsense"
id=$(hactor submit --hold --cores=4 --tasks-per-core=2 true)
check_equal "eight tasks" 8 "$(hactor jobs -n -o '{ntasks}' "$id")"
hactor cancel "$id"
id=$(hactor submit --wait -N 2 -n 4 --taskmap=cyclic --setattr=exec.test.run_duration=0 true)
check_equal "map" "[[0,2,1,2]]" "$(hactor job taskmap "$id" | tr -d ' ')"
check_equal "raw" "0,2;1,3" "$(hactor job taskmap --to=raw "$id")"
mapped() { # MAP: where the tasks of a job of four are that wrote its map itself
  hactor job taskmap --to=raw \
    "$(hactor submit --wait -N 2 -n 4 --taskmap="$1" --setattr=exec.test.run_duration=0 true)"
}
check_equal "blocks" "1,3;0,2" "$(mapped 'manual:[[1,1,1,1],[0,1,1,1],[1,1,1,1],[0,1,1,1]]')"
check_equal "sets" "0,3;1-2" "$(mapped 'manual:0,3;1-2')"
hosts=$(hactor job taskmap --to=hosts "$id" | cut -d: -f1)
first=$(echo "$hosts" | head -n 1)
printf '%s\n' "$(echo "$hosts" | tail -n 1)" "$first" "" "$first,$(echo "$hosts" | tail -n 1)" >hosts
check_equal "hosts" "1-2;0,3" "$(mapped hostfile:hosts)"
fails_with 1 hactor run --taskmap=hostfile:/nowhere true
check_contains "$output" "/nowhere"
fails_with 1 hactor run -n 2 --taskmap='manual:0-1;1' true
check_contains "$output" "task 1 is on two nodes"
fails_with 126 hactor run -n 2 --taskmap='manual:[[0,1,3,1]]' true
check_contains "$output" "it is for 3 tasks, the job has 2"
END

instance <<'END'
fails_with 3 deadline 20 hactor run -n 2 -O exit-on-error sh -c \
  '[ $HACTOR_TASK_RANK = 0 ] && exit 3; exec sleep 1000'
check_contains "$output" "task 0 ended with exit code 3"
fails_with 1 deadline 20 hactor run -n 2 -O exit-timeout=0.2s sh -c \
  '[ $HACTOR_TASK_RANK = 0 ] || exec sleep 1000'
check_contains "$output" ": task 1 still ran when exit-timeout was over after the first had ended: task 0 "
deadline 20 hactor run -n 2 -O exit-timeout=20s true
fails_with 1 hactor run -O exit-timeout=soon true
check_contains "$output" "exit-timeout"

# Never more than three at a time; all in the end.
hactor events --since 0 --names=submit,clean >events &
follower=$!
fails_with 2 deadline 40 hactor bulksubmit --wait --max-in-flight=3 sh -c 'exit {}' ::: \
  0 0 1 0 0 0 2 0 0 0 0 0
check_equal "ids" 12 "$(echo "$output" | grep -vc hactor-bulksubmit)"
check_contains "$output" "Exit 2"
until [ "$(grep -c clean events)" -ge 15 ]; do sleep 0.05; done
kill "$follower"
python3 - <<'PY'
import json
active = most = 0
for line in open("events"):
    e = json.loads(line)
    if e["id"] and e["name"] == "submit":
        active += 1
    else:
        active -= 1
    most = max(most, active)
assert most <= 3, most
PY
fails_with 2 hactor bulksubmit --max-in-flight=2 --watch true ::: 1

# Jobs that are found and told of.
hactor submit --quiet --hold -J sim-1 true
hactor submit --quiet --hold -J sim-2 true
last=$(hactor submit --hold -J other true)
check_equal "last" "$last" "$(hactor job last)"
check_equal "three" 3 "$(hactor job last 3 | wc -l)"
check_equal "slice" "$(hactor job last 3 | tail -n 2)" "$(hactor job last '[1:3]')"
check_equal "slice from behind" "$(hactor job last 1000 | tail -n 1)" "$(hactor job last '[-1:]')"
check_equal "backwards" "$(hactor job last 1000 | tac)" "$(hactor job last '[::-1]')"
check_equal "no job in it" "" "$(hactor job last '[5:2]')"
for wrong in 0 x '[]' '[1]' '[1:2:0]' '[1:2:3:4]' '[a:]'; do
  fails_with 2 hactor job last "$wrong"
  check_contains "$output" "is neither a number from 1 on nor a slice"
done
check_equal "found" "sim-1 sim-2 " "$(hactor pgrep -o '{name}' '^sim' | sort | tr '\n' ' ')"
check_equal "range" "$last" "$(hactor pgrep "$last..$last")"
fails_with 1 hactor pgrep nothing
fails_with 2 hactor pgrep '('
fails_with 0 hactor pkill --wait '^sim'
check_contains "$output" "2 jobs"
check_equal "left" other "$(hactor jobs -n -o '{name}')"
hactor cancel "$last"
id=$(hactor submit -t 1h sh -c 'hactor job timeleft; echo out')
hactor job wait "$id"
left=$(hactor job attach "$id" | head -1)
[ "$left" -gt 3500 ] && [ "$left" -le 3600 ] || fail "left: $left"
fails_with 1 hactor job timeleft "$id"
check_equal "no limit" infinity "$(hactor run hactor job timeleft)"
check_equal "watch: none" "" "$(hactor watch)"
id=$(hactor submit sh -c 'echo seen; exit 4')
fails_with 4 deadline 20 hactor watch "$id"
check_contains "$output" seen
END
