# After kill -9 of everything, a start on the state directory holds every dependency, and nothing
# goes on before what it waits for.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

run_folder_stays=1 # nobody is left to remove it
mkfifo uri
$(launch_words) hactor-start --statedir="$scratch/state" -- sh -c 'echo $HACTOR_URI >uri; sleep 1000' </dev/null &
instance=$!
read -r HACTOR_URI <uri
export HACTOR_URI
ended=$(hactor submit true) && hactor job status "$ended"
running=$(hactor submit sleep 1000) && hactor job wait-event -q "$running" start
held=$(hactor submit --hold sh -c 'echo 1 >>order')
previous=$held
for i in 2 3 4 5 6 7 8 9; do
  previous=$(hactor submit -d afterok:$previous sh -c "echo $i >>order")
done
afterrun=$(hactor submit -d afterok:$running true)
unlessrun=$(hactor submit -d afternotok:$running true)
later=$(hactor submit -d begin-time:+1s,afterok:$ended true)
hactor submit --quiet -J name -d afterok:$held sh -c 'echo named >>names; sleep 0.2; echo named >>names'
hactor submit --quiet -J name -d singleton,afterok:$held sh -c 'echo single >>names'
kill -9 $(left_processes) 2>/dev/null || true # one may be gone by now
wait "$instance" || true
unset HACTOR_URI
export ended held previous afterrun unlessrun later
instance --statedir="$scratch/state" <<'END'
fails_with 1 deadline 20 hactor job status "$afterrun"
check_contains "$(hactor jobs -n -o endreason "$afterrun")" "can never hold"
deadline 20 hactor job status "$unlessrun" "$later"
check_equal "still waits" DEPEND "$(hactor jobs -n -o '{status}' "$previous")"
[ ! -e order ] || fail "something went on before its time"
hactor job urgency "$held" 16
deadline 20 hactor job status "$previous"
check_equal "order" "1 2 3 4 5 6 7 8 9" "$(echo $(cat order))"
deadline 20 hactor job wait --all >/dev/null 2>&1 || true # one was never to run
check_equal "names" "named named single" "$(echo $(cat names))"
fails_with 1 hactor submit -d afterok:$afterrun true
hactor job status "$(hactor submit -d afterok:$ended true)"
END
