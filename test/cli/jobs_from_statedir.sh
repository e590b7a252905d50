# 'hactor jobs --from' lists what an instance that has ended has left in its state directory.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance --statedir="$scratch/state" <<'END'
good=$(hactor submit -J good --wait true)
bad=$(hactor submit --wait sh -c 'exit 3') || true
held=$(hactor submit --hold true)
next=$(hactor submit -d afterok:$held true)
printf '%s\n' "$good" "$bad" "$held" "$next" >ids
hactor jobs -a -n >live
hactor jobs -a --json >live.json
END
unset HACTOR_URI
{ read -r good && read -r bad && read -r held && read -r next; } <ids
check_equal "the same list" "$(cat live)" "$(hactor jobs -a -n --from state)"
check_equal "the same records" "$(cat live.json)" "$(hactor jobs -a --json --from="$scratch/state")"
check_equal "active" "$(printf '%s\n' "$held" "$next" | sort)" \
  "$(hactor jobs -n -o '{id}' --from state | sort)"
check_equal "failed" "$bad 3" "$(hactor jobs -n -o '{id} {returncode}' -f failed --from state)"
check_equal "by name" "$good" "$(hactor jobs -a -n -o '{id}' --name good --from state)"
check_equal "by id" "COMPLETED" "$(hactor jobs -n -o '{result}' --from state "$good")"
check_contains "$(hactor jobs --from state "$next")" "depends:after-success=$held"
check_equal "for programs" 4 "$(hactor job list -a --from state | wc -l)"
fails_with 1 hactor jobs --from state f2345
fails_with 1 hactor jobs --from nowhere
check_contains "$output" nowhere
fails_with 2 hactor jobs --from state --stats

# Of an instance that was killed, and of a listing that was kept, the time of what ran ends with what
# is known of it.
run_folder_stays=1 # nobody is left to remove it
mkfifo uri
$(launch_words) hactor-start --statedir="$scratch/killed" -- sh -c 'echo $HACTOR_URI >uri; sleep 1000' </dev/null &
instance=$!
read -r HACTOR_URI <uri
export HACTOR_URI
id=$(hactor submit sleep 1000)
hactor job wait-event -q "$id" start
later=$(hactor submit --hold true)
hactor job list >listed
kill -9 $(left_processes) 2>/dev/null || true # one may be gone by now
wait "$instance" || true
unset HACTOR_URI
ran=$(hactor jobs -n -o '{runtime}' --from killed "$id")
field() { # JOB FIELD
  hactor jobs -n -o "{$2}" --from killed "$1"
}
python3 - "$ran" "$(field "$later" t_submit)" "$(field "$id" t_run)" <<'PY' || fail "ran for $ran s"
import sys, time
ran, later, begun = map(float, sys.argv[1:])
sys.exit(not later - begun - 1e-3 <= ran < time.time() - begun)
PY
check_equal "state and time, later" "RUN $ran" "$(hactor jobs -n -o '{state} {runtime}' --from killed "$id")"
touch -d "@$(($(field "$id" t_run | cut -d. -f1) + 5000))" listed
check_contains "$(hactor jobs -n -o '{runtime!F}' --from listed "$id")" 1.38
