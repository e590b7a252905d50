# Without the launcher's flag a lost rank may end the whole; the state directory has every job.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

HACTOR_TEST_FRAGILE=' '
run_folder_stays=1
mkfifo uri
deadline 40 $(launch_words) hactor-start --statedir="$scratch/state" -- \
  sh -c 'echo $HACTOR_URI >uri; sleep 1000' </dev/null &
instance=$!
read -r HACTOR_URI <uri
export HACTOR_URI
hactor submit --cc=1-1000 sh -c 'sleep 0.01' >ids
hactor job status "$(head -1 ids)"
# The oldest: a task of the jobs has that name, too, before its exec.
broker=$(hactor exec -r $((ranks - 1)) sh -c 'pgrep -o -P $PPID hactor-start')
kill -9 "$broker"
# Either the launcher ends the others, or they go on and end all jobs.
deadline 30 hactor job status $(cat ids) >/dev/null 2>&1 || [ $? -ne 124 ] || fail "the jobs hang"
hactor shutdown 2>/dev/null || true
code=0
wait "$instance" || code=$?
[ "$code" -ne 124 ] || fail "the instance hangs"
# A launcher that killed the guards may be gone before their supervisors have cleaned up.
for _ in $(seq 50); do
  [ -n "$(left_processes)" ] || break
  sleep 0.1
done
check_equal "left" "" "$(left_processes)"
unset HACTOR_URI
instance --statedir="$scratch/state" <<'END'
deadline 40 hactor job status -e 0 $(cat ids) >/dev/null 2>&1 || true
check_equal "known" 1000 "$(hactor jobs -a -n -c 0 -o '{id}' | sort -u | wc -l)"
check_equal "active" "" "$(hactor jobs -n -c 0)"
for id in $(hactor jobs -a -n -c 0 -f failed -o '{id}'); do
  hactor job eventlog "$id" | grep exception | grep -Eq 'lost|cancel|rank' || fail "job $id has no reason"
done
END
