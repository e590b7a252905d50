# The broker of a node that a nested instance got while it lived is killed with -9: the job that holds
# the instance ends like one that lost a node of its first grant, and the others have their room back.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance 2>log <<'END' || fail "$(cat log)"
mkfifo up
script='hactor resource grow -N 2 >grown; hactor job wait-event -q \
  $(hactor submit -N 2 -n 2 --requires=ranks:1-2 sleep 1000) start; echo up >up; exec sleep 1000'
id=$(hactor submit -N 1 -n 1 hactor start sh -c "$script")
read -r line <up
check_equal "came" "ranks 1-2" "$(cat grown)"
check_equal "the job has" 0-2 "$(hactor jobs -n -o '{ranks}' "$id" | tr -d ' ')"
tasks() { hactor exec -r "$1" sh -c 'pgrep -P $PPID sleep | wc -l'; }
check_equal "tasks of the inner job on rank 2" 1 "$(tasks 2)"
kill -9 "$(hactor exec -r 1 sh -c 'pgrep -o -P $PPID hactor-start')"
fails_with 1 deadline 20 hactor job status "$id"
check_contains "$(hactor job eventlog "$id" | grep exception)" "rank 1"
hactor job wait-event -q "$id" clean
check_equal "tasks left on rank 2" 0 "$(tasks 2)"
check_contains "$(hactor resource list -n -o '{state} {nnodes}')" "down 1"
hactor run -N 3 -n 3 true
END
