# An instance with a policy of its own within one with another: the same jobs in the same order,
# asked for of both at the same time, start in different orders, and neither is moved by the other.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance -S resource.fake=nodes=8,cores=1 -S sched.policy=fcfs <<'END'
inner=$(hactor submit -N 4 -n 4 hactor start --serve -S sched.policy=conservative)
deadline 20 hactor job wait-event -q "$inner" memo # it has told where it is
inside="hactor proxy $inner"

# On four free nodes. `large` and `all` must wait; `crossing` fits beside what runs and what `large`
# will have, but not beside `all`; `short` beside all of them.
submit() { # NODES SECONDS
  printf 'submit -N %s -n %s -t %ss --setattr=exec.test.run_duration=%s true\n' "$1" "$1" "$2" "$2"
}
for where in outside inside; do
  [ $where = inside ] && run=$inside || run=
  for job in "first 2 1000" "large 3 1000" "all 4 1000" "crossing 1 2500" "short 1 1500"; do
    set -- $job
    id=$($run hactor $(submit "$2" "$3"))
    eval "${where}_$1=$id"
  done
done
states() { # WHERE JOB...
  where=$1
  shift
  for job in "$@"; do $where hactor jobs -a -n -o '{state}' "$job"; done | xargs
}
reasons() { # WHERE JOB...
  where=$1
  shift
  for job in "$@"; do $where hactor explain "$job" | sed 's/:.*//'; done | xargs
}
waits() { deadline 20 $1 hactor job wait-event -q "$2" "$3"; } # WHERE JOB EVENT
waits "" "$outside_first" start
waits "$inside" "$inside_short" start

both() { # WHAT EXPECTED OUTSIDE, EXPECTED INSIDE
  check_equal "$1, outside" "$2" "$(states "" \
    $outside_first $outside_large $outside_all $outside_crossing $outside_short)"
  check_equal "$1, inside" "$3" "$(states "$inside" \
    $inside_first $inside_large $inside_all $inside_crossing $inside_short)"
}
both "at the same time" "RUN SCHED SCHED SCHED SCHED" "RUN SCHED SCHED SCHED RUN"
check_equal "nothing is promised outside" "resources behind behind behind" \
  "$(reasons "" $outside_large $outside_all $outside_crossing $outside_short)"
check_equal "all are inside" "reserved reserved reserved" \
  "$(reasons "$inside" $inside_large $inside_all $inside_crossing)"
check_equal "before promises" backfill \
  "$($inside hactor jobs -n -o '{annotations.sched.selection_type}' "$inside_short")"

# What ends outside starts what is next there, and moves nothing inside, and the other way round.
hactor cancel "$outside_first"
waits "" "$outside_first" clean
waits "" "$outside_large" start
both "outside moved" "INACTIVE RUN SCHED SCHED SCHED" "RUN SCHED SCHED SCHED RUN"
$inside hactor cancel "$inside_first"
waits "$inside" "$inside_first" clean
waits "$inside" "$inside_large" start
both "inside moved" "INACTIVE RUN SCHED SCHED SCHED" "INACTIVE RUN SCHED SCHED RUN"
# First come, first served: only when `all` is gone does what is behind it start, in its order.
hactor cancel "$outside_all"
waits "" "$outside_crossing" start
both "in their order" "INACTIVE RUN INACTIVE RUN SCHED" "INACTIVE RUN SCHED SCHED RUN"
check_equal "policies" "fcfs conservative" \
  "$(hactor getattr sched.policy) $($inside hactor getattr sched.policy)"
END
