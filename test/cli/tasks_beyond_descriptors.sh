# Tasks for which the broker has no file descriptors left wait for others to end; a job whose tasks
# cannot all be there at once says so.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

ulimit -Sn 160
ulimit -Hn 160
instance -S resource.fake=nodes=1,cores=400 <<'END'
hactor submit --cc=1-200 sh -c 'sleep 1; echo $HACTOR_JOB_CC' >ids
deadline 40 hactor job wait --all ||
  fail "jobs have failed: $(hactor jobs -a -n -o '{result} {inactive_reason}' | sort | uniq -c)"
check_equal "jobs that did well" 200 "$(hactor jobs -a -n -f completed | wc -l)"
check_equal "output of the last" 200 "$(hactor job attach "$(tail -1 ids)")"

# All tasks of a job or none: 12 tasks at a barrier and as many beside them never share what is
# there, which half of each would fill.
hactor submit -n12 hactor pmi barrier >two
hactor submit -n12 hactor pmi barrier >>two
deadline 30 hactor job wait $(cat two) || fail "of two programs neither has ended"

# Who waits says for what, and can be cancelled.
first=$(hactor submit -n12 sleep 1000)
hactor job wait-event "$first" start >/dev/null
second=$(hactor submit -n12 true)
says_why() { hactor stuck "$second" | grep -q 'may need [0-9]* file descriptors of the broker, which may have 160'; }
eventually 10 says_why
third=$(hactor submit true)
hactor cancel "$second"
deadline 10 hactor job wait "$third" || fail "who was behind the cancelled one waits"
hactor cancel "$first"
hactor job wait "$first" "$second" || true

fails_with 126 hactor run -n100 true
check_contains "$output" "file descriptors of the broker, which may have 160 (ulimit -n)"
check_contains "$output" "ulimit -Hn"
fails_with 1 hactor submit -N1 --tasks-per-node=1000000 true
check_contains "$output" "1000000 tasks on each node; at most 65536 run on a node"
hactor run true || fail "the instance takes no more jobs"

# Nobody waits for the job that holds the instance it is in.
fails_with 126 deadline 30 hactor alloc -n13 hactor run -n13 true
check_contains "$output" "file descriptors of the broker, which may have 160 (ulimit -n)"

# What clients give back is found by who waits, though no task ends.
first=$(hactor submit sleep 1000)
hactor job wait-event "$first" start >/dev/null
clients=
for i in $(seq 40); do
  hactor kvs get --waitcreate never >/dev/null 2>&1 &
  clients="$clients $!"
done
all_wait() { [ "$(hactor stats | sed -n 's/.*"watches": \([0-9]*\).*/\1/p')" = 40 ]; }
eventually 20 all_wait
second=$(hactor submit -n11 true)
eventually 10 says_why
kill $clients
deadline 20 hactor job wait "$second" || fail "it waits for what clients have given back"
hactor cancel "$first"
hactor job wait "$first" || true
END
