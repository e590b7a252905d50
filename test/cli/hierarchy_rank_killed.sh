# A broker in a child of an instance that keeps no work itself is killed with -9: the child ends,
# what waited there runs in the others, and a new child has what is left of its nodes.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance -S "resource.fake=nodes=$ranks,cores=2" -S sched.policy=hierarchy -S sched.tree=2 2>log <<'END' || fail "$(cat log)"
children() { hactor jobs -n -o '{id} {name}' | sed -n 's/^ *\([^ ]*\) *child-[0-9]*$/\1/p'; }
hactor run true
for child in $(children); do
  deadline 20 hactor job wait-event -q "$child" memo
done
lost=$(hactor submit --requires=hosts:fake3 -n 2 sleep 1000)
hactor job wait-event -q "$lost" start
stays=$(hactor submit --requires=hosts:fake0 sleep 1000)
hactor job wait-event -q "$stays" start
hactor submit --retries=3 --cc=1-40 true >ids # one may run there now
kill -9 "$(hactor exec -r 3 sh -c 'pgrep -o -P $PPID hactor-start')" # a task before its exec is one, too
fails_with 1 deadline 20 hactor job status "$lost"
check_contains "$(hactor job eventlog "$lost" | grep exception)" "node-failure"
deadline 40 hactor job status $(cat ids)
check_equal "elsewhere" RUN "$(hactor jobs -n -o '{state}' "$stays" | tr -d ' ')"
# Rank 2 is alone in the new child.
deadline 20 hactor run --requires=hosts:fake2 true
new=$(hactor jobs -n -o '{id} {name} {ranks}' | sed -n 's/^ *\([^ ]*\) *child-[0-9]* *2$/\1/p')
[ -n "$new" ] || fail "no child has rank 2 alone: $(hactor jobs -n -o '{name} {ranks}')"
fails_with 1 hactor submit --requires=hosts:fake3 true
hactor cancel "$stays"
END
