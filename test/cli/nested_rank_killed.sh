# The broker that leads a nested instance is killed with -9: the job that held it ends and names the
# rank, what ran in it on other ranks ends too, and their room is free again.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance 2>log <<'END' || fail "$(cat log)"
mkfifo up
script='hactor job wait-event -q $(hactor submit -N 2 -n 2 sleep 1000) start; echo up >up; exec sleep 1000'
id=$(hactor submit --requires=ranks:1-2 -N 2 -n 2 hactor start sh -c "$script")
read -r line <up
tasks=$(hactor exec -r 2 sh -c 'pgrep -P $PPID sleep' | wc -l)
check_equal "tasks of the inner job on rank 2" 1 "$tasks"
broker=$(hactor exec -r 1 sh -c 'pgrep -o -P $PPID hactor-start')
kill -9 "$broker"
fails_with 1 deadline 20 hactor job status "$id"
check_contains "$(hactor job eventlog "$id" | grep exception)" "rank 1"
hactor job wait-event -q "$id" clean
check_equal "tasks left on rank 2" 0 "$(hactor exec -r 2 sh -c 'pgrep -P $PPID sleep | wc -l')"
check_contains "$(hactor resource list -n -o '{state} {nnodes}')" "down 1"
check_equal "on rank 2 afterwards" hello "$(hactor run --requires=ranks:2 hactor start hactor run echo hello)"
END
