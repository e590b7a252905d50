# A child instance has the memory of its job, on each node: what goes beyond ends, the job that uses
# most of it, and nobody else; who asks for more is refused; the child sees what it has.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

# eat MB NAME: uses so much, says so, and stays until it is ended.
cat >eat <<'END'
#!/usr/bin/env python3
import os, sys, time
x = bytearray(int(sys.argv[1]) << 20)
open(os.environ["HACTOR_TEST_SCRATCH"] + "/" + sys.argv[2], "w").close()
time.sleep(300)
END
chmod +x eat

# The child: two jobs that use 45 and 150 MB of its 200, and some 10 to 40 for Python. Its pages come
# one by one: when both have 200, it is always the second that has more.
cat >two.sh <<'END'
. "$HACTOR_TEST_LIB"
cd "$HACTOR_TEST_SCRATCH"
check_equal "info" ", 200M of memory on each node" "$(hactor resource info | sed 's/.*GPUs\{0,1\}//')"
check_equal "list" MEMORY "$(hactor resource list | awk 'NR == 1 { print $5 }')"
check_equal "list" 200M "$(hactor resource list -n -o '{memory}' | head -n 1)"
first=$(hactor submit ./eat 45 first)
hactor job wait-event -t 30 "$first" start >/dev/null
deadline 30 sh -c 'until [ -e first ]; do sleep 0.1; done'
fails_with 137 deadline 30 hactor run ./eat 150 second
check_contains "$output" "of memory, of "
check_contains "$output" "MB that all jobs in instance $HACTOR_ENCLOSING_ID used there; these may use 200 MB together"
check_contains "$output" "$(uname -n)"
check_equal "the first" RUN "$(hactor jobs -n -o '{state}' "$first" | tr -d ' ')"

# A grandchild without a limit of its own, and one with.
cat >deeper.sh <<'IN'
. "$HACTOR_TEST_LIB"
cd "$HACTOR_TEST_SCRATCH"
check_contains "$(hactor resource info)" "$1 of memory"
fails_with 137 deadline 30 hactor run ./eat "$2" third
check_contains "$output" "these may use ${1%M} MB together"
fails_with 1 hactor submit --mem=250M true
check_contains "$output" "may use ${1%M} MB of it together"
IN
deadline 60 hactor run -n 1 hactor start sh ./deeper.sh 200M 150
deadline 60 hactor run -n 1 --mem=50M hactor start sh ./deeper.sh 50M 55
check_equal "the first" RUN "$(hactor jobs -n -o '{state}' "$first" | tr -d ' ')"

# Who wants more than there is.
fails_with 1 hactor submit --mem=300M true
check_contains "$output" "asked for 300 MB of memory on each node; the jobs of this instance may use 200 MB of it together"
hactor run --mem=200M true
END

cat >script.sh <<'END'
. "$HACTOR_TEST_LIB"
cd "$HACTOR_TEST_SCRATCH"
hactor run ./eat 30 inner &
exec ./eat 150 script
END

# A node's worth on each node.
cat >wide.sh <<'END'
. "$HACTOR_TEST_LIB"
cd "$HACTOR_TEST_SCRATCH"
deadline 50 hactor run -N 2 -n 2 python3 -c '
import time
x = bytearray(140 << 20)
time.sleep(2)'
END

export ranks
start_seconds=150
instance -S resource.fake=nodes=4,cores=4 <<'END'
cd "$HACTOR_TEST_SCRATCH"
check_lacks "$(hactor resource info; hactor resource list)" emory
check_lacks "$(hactor resource info; hactor resource list)" MEMORY
other=$(hactor submit ./eat 220 other)
deadline 30 sh -c 'until [ -e other ]; do sleep 0.1; done'
deadline 140 hactor run --requires=rank:2 -c 2 --mem=200M hactor start sh two.sh

# Its script alone is over: it ends as a whole.
id=$(hactor submit --requires=rank:1 -c 2 --mem=100M hactor start sh script.sh)
fails_with 137 deadline 40 hactor job status "$id"
check_contains "$(hactor job eventlog "$id")" "of memory, and may use 100 MB"
[ "$ranks" = 1 ] || deadline 60 hactor run -N 2 -n 2 --mem=200M hactor start sh wide.sh
check_equal "other" RUN "$(hactor jobs -n -o '{state}' "$other" | tr -d ' ')"
hactor cancel "$other"
END

# A graph that has memory: the child has what its job was granted, and its jobs share that.
. "${HACTOR_TEST_LIB%/*}/graph_lib.sh"
{
  echo "cluster 0"
  echo " license 0 size=3"
  for rank in 0 1 2 3; do
    printf ' node %s rank=%s\n' $rank $rank
    for core in 0 1 2 3; do echo "  core $core"; done
    for part in 0 1 2 3 4 5 6 7; do echo "  memory $part size=2 unit=GB"; done
  done
} | write_jgf "$scratch/gb.json"
cat >graph.sh <<'END'
. "$HACTOR_TEST_LIB"
check_contains "$(hactor resource info)" "4G of memory on each node"
check_equal "memory" 2 "$(hactor resource show rank0 | grep -c memory)"
a=$(hactor submit --mem=2G sleep 300)
b=$(hactor submit --mem=2G sleep 300)
c=$(hactor submit --mem=1G sleep 300)
hactor job wait-event -t 20 "$b" start >/dev/null
check_equal "the third" SCHED "$(hactor jobs -n -o '{state}' "$c" | tr -d ' ')"
fails_with 1 hactor submit --mem=5G true
check_contains "$output" "asked for 5120 MB"
hactor cancel "$a"
hactor job wait-event -t 20 "$c" start >/dev/null
END
instance -S "resource.graph=$scratch/gb.json" <<'END'
cd "$HACTOR_TEST_SCRATCH"
deadline 60 hactor run -N 1 -n 1 -c 3 --mem=4G --requires=rank:1 hactor start sh graph.sh
# All of a node, and none for who asks for none.
check_equal "whole" 8 "$(hactor run -N 1 -x hactor start hactor resource show rank0 | grep -c memory)"
check_equal "none" 0 "$(hactor run -n 1 hactor start hactor resource show rank0 | grep -c memory)"
END
