# Nodes of a job that are clean are given back while another one is not, each once, the last as the
# final one; other jobs start on them at once. A job that ends as one is released as one.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

run_folder_stays=1 # of an instance that is killed nobody is left to remove it

# The releases of a job, "RANKS FINAL" each.
cat >releases <<'END'
hactor job eventlog "$1" | sed -n 's/.* release final=\(.*\) ranks="\(.*\)"/\2 \1/p' | xargs
END
instance --oversubscribe -S exec.kill_timeout=1h -S exec.release_delay=2s <<'END'
releases() { sh ./releases "$1"; }
# One task of a job that was cancelled does not die.
id=$(hactor submit -N 4 -n 4 --exclusive sh -c '
  [ "$HACTOR_TASK_RANK" != 2 ] || trap "" TERM
  : >ready.$HACTOR_TASK_RANK; while :; do sleep 1; done')
deadline 30 sh -c 'until [ -e ready.0 ] && [ -e ready.1 ] && [ -e ready.2 ] && [ -e ready.3 ]; do sleep 0.1; done'
next=$(hactor submit -N 3 -n 3 --exclusive true)
hactor cancel "$id"
deadline 20 hactor job wait "$next"
check_equal "the next has what was given back" 0-1,3 "$(hactor jobs -n -o '{ranks}' "$next")"
check_contains "$(hactor jobs -n -o '{state}' "$id")" CLEANUP
where() { hactor jobs -n -o '{id}' --constraint="$1"; }
check_equal "on what it still has" "$id" "$(where '{"ranks":["2"]}')"
check_equal "on what it gave back" "" "$(where '{"and":[{"ranks":["0-1,3"]},{"states":["cleanup"]}]}')"
check_contains "$(releases "$id")" false
check_lacks "$(releases "$id")" true
check_contains "$(hactor explain "$id")" "cleanup: is ending and holds resources on 1 node, ranks 2; 3 nodes came back before"
check_equal "in use" 1 "$(hactor resource list -n -o '{state} {nnodes}' | sed -n 's/allocated *//p')"
hactor cancel "$id" # no more patience
deadline 20 hactor job status "$id" || true
check_contains "$(releases "$id")" "2 true"
check_equal "final" 1 "$(releases "$id" | tr ' ' '\n' | grep -c true)"
check_equal "result" CANCELED "$(hactor jobs -n -o '{result}' "$id")"
check_equal "ranks" 0-3 "$(hactor jobs -n -o '{ranks}' "$id")"

# One that ends everywhere within the delay, or is on one node.
id=$(hactor submit -N 4 -n 4 true)
deadline 20 hactor job wait "$id"
check_equal "as one" "all true" "$(releases "$id")"
# A task that is the last to run keeps all: its job goes on.
id=$(hactor submit -N 4 -n 4 -O exit-timeout=none sh -c '[ $HACTOR_TASK_RANK != 1 ] || sleep 1')
deadline 20 hactor job wait "$id"
check_equal "as one" "all true" "$(releases "$id")"
END

[ "$(id -u)" = 0 ] || skip "the rest needs root, to mount a small file system"
mkdir -p state/output.1
mount -t tmpfs -o size=1m,mode=700 none state/output.1 2>/dev/null ||
  skip "this machine lets nobody mount a file system"
on_end='umount -l "$scratch/state/output.1"'
# What tasks on one node wrote finds no room on its disk.
instance --oversubscribe --statedir "$scratch/state" -S exec.release_delay=50ms <<'END'
id=$(hactor submit -N 2 -n 2 --exclusive --requires=rank:0-1 sh -c '
  [ $HACTOR_TASK_RANK = 0 ] || head -c 3000000 /dev/zero; exit $HACTOR_TASK_RANK')
hactor job wait-event -q "$id" finish
deadline 20 hactor job wait-event -q "$id" release
check_equal "first" "0 false" "$(sh ./releases "$id")"
check_equal "meanwhile" 0 "$(deadline 20 hactor run -N 1 --exclusive --requires=rank:0 sh -c 'echo $HACTOR_TASK_RANK')"
check_contains "$(hactor jobs -n -o '{state}' "$id")" CLEANUP
mount -o remount,size=16m "$HACTOR_TEST_SCRATCH/state/output.1"
code=0
deadline 30 hactor job status "$id" || code=$?
check_equal "code" 1 "$code"
check_equal "then" "0 false 1 true" "$(sh ./releases "$id")"
check_contains "$(hactor job eventlog "$id" | xargs)" "finish"
END
# Killed between two releases: the next start releases what is left, once.
umount -l state/output.1
rm -rf state
mkdir -p state/output.1
mount -t tmpfs -o size=1m,mode=700 none state/output.1
mkfifo uri
$(launch_words) hactor-start --oversubscribe --statedir "$scratch/state" -S exec.release_delay=50ms \
  -- sh -c 'echo $HACTOR_URI >uri; sleep 1000' </dev/null &
instance=$!
read -r HACTOR_URI <uri
export HACTOR_URI
id=$(hactor submit -N 2 -n 2 --exclusive --requires=rank:0-1 sh -c '
  [ $HACTOR_TASK_RANK = 0 ] || head -c 3000000 /dev/zero')
deadline 20 hactor job wait-event -q "$id" release
kill -9 $(left_processes) 2>/dev/null || true # one may be gone by now
wait "$instance" || true
unset HACTOR_URI
export id
mount -o remount,size=16m state/output.1
instance --oversubscribe --statedir "$scratch/state" <<'END'
deadline 20 hactor job status "$id"
check_equal "after the restart" "0 false 1 true" "$(sh ./releases "$id")"
END
