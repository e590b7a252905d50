# A driver hears what is wrong by a name and a sentence, whether it is the job, the URI or the end of
# the broker; nothing hangs, and jobs do not end with their driver.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

fails_with 1 env HACTOR_URI= workflow_probe wait f1
check_contains "$output" "no_instance: "
fails_with 1 env HACTOR_URI=tcp://here workflow_probe wait f1
check_contains "$output" "bad_argument: "
fails_with 1 env HACTOR_URI=local:///nowhere workflow_probe wait f1
check_contains "$output" "no_instance: no instance answers at local:///nowhere"
instance <<'END'
check_equal "refusals" "bad_argument bad_argument unsatisfiable bad_argument bad_argument \
bad_argument bad_argument bad_argument unknown_job bad_argument 0 " "$(workflow_probe refusals | tr '\n' ' ')"
check_contains "$(workflow_probe run echo its output)" "its output"
check_equal "a graph" "0 0 in order bad_jobspec" "$(echo $(workflow_probe graph))"
mkdir gone
cd gone
rmdir ../gone
fails_with 1 workflow_probe run true
check_contains "$output" "cwd: the working directory was removed"
cd "$HACTOR_TEST_SCRATCH"
output=$(workflow_probe run head -c 1000000 /dev/zero)
check_contains "$output" "100000 bytes, and more"

# A driver that is killed leaves its jobs.
mkfifo told gate
workflow_probe run sh -c 'read x <gate; echo on' >told & driver=$!
read -r id <told
hactor job wait-event -q "$id" start
kill -9 $driver
wait $driver || true
echo go >gate
hactor job status "$id"
END

# The broker is killed while somebody waits and somebody follows.
run_folder_stays=1
mkfifo uri begun
hactor-start -- sh -c 'echo $HACTOR_URI >uri; exec sleep 1000' </dev/null & instance=$!
read -r HACTOR_URI <uri
export HACTOR_URI
id=$(hactor submit sleep 1000)
deadline 20 workflow_probe wait "$id" 2>said & waiter=$!
deadline 20 workflow_probe follow 0 1000 >begun 2>followed & follower=$!
read -r line <begun
kill -9 $(left_processes | grep -vx -e "$waiter" -e "$follower" | while read -r pid; do
  case $(cat "/proc/$pid/comm" 2>/dev/null) in hactor-start) echo "$pid" ;; esac
done) 2>/dev/null || true # one may have followed another by now
for program in "$waiter" "$follower"; do
  code=0
  wait "$program" || code=$?
  check_equal "exit code" 1 "$code"
done
case $(cat said) in
  "disconnected: the instance closed the connection"* | "no_instance: "*) ;; # it had asked, or not yet
  *) fail "the waiter said: $(cat said)" ;;
esac
check_contains "$(cat followed)" "disconnected: the instance closed the connection"
wait "$instance" || true
kill -9 $(left_processes) 2>/dev/null || true
none_is_left() { [ -z "$(left_processes)" ]; }
eventually 20 none_is_left
unset HACTOR_URI
