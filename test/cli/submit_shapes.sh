# Ranges of counts and shapes of RFC 46 in the options; a dry run prints each job's jobspec.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance -S resource.fake=nodes=3,cores=4 <<'END'
placed() { # nodes, cores, tasks that ran
  tasks=$(hactor run "$@" echo task | grep -c task) || fail "$*"
  echo "$(hactor jobs -a -n -c 1 -o '{nnodes} {ncores}') $tasks"
}
check_equal "two to eight nodes" "3 12 3" "$(placed -N 2-8)"
check_equal "doubled" "2 8 8" "$(placed -n '2-64:2:*')"
check_equal "a shape" "2 8 4" "$(placed --shape 'node=2/slot=2/core=2')"
check_equal "whole nodes" "3 12 3" "$(placed --shape slot=3/node)"
fails_with 1 hactor submit -N 4+ true
check_contains "$output" "there is room for 3 nodes"
fails_with 2 hactor submit --shape node=2/core true
check_contains "$output" "has 0 slots"
fails_with 2 hactor submit -N 4-2 true
check_contains "$output" "--nodes: '4-2'"

hactor submit --dry-run --cc=0-1,5 echo 'value {cc}' >specs
check_equal "jobspecs" 3 "$(wc -l <specs)"
check_contains "$(tail -1 specs)" '"value 5"'
check_lacks "$(cat specs)" "{cc}"
END
