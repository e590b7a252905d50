# hactor events sends what is asked for only: events of some names, of jobs in some states, of a user.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
hactor job status "$(hactor submit true)"
held=$(hactor submit --hold true)
names() { python3 -c 'import json, sys
print(*(json.loads(l)["name"] for l in sys.stdin), sep=",")'; }
check_equal "ended" "clean" "$(hactor events --since 0 --no-follow -S inactive | names)"
check_equal "both" "alloc,start" "$(hactor events --since 0 --no-follow -S run | names)"
check_equal "with names" "start" "$(hactor events --since 0 --no-follow -S run --names=start,clean | names)"
check_equal "of the one that waits" "priority" "$(hactor events --since 0 --no-follow -S sched "$held" | names)"
all=$(hactor events --since 0 --no-follow | wc -l)
check_equal "own" "$all" "$(hactor events --since 0 --no-follow -u "$(id -u)" | wc -l)"
check_equal "of others" 0 "$(hactor events --since 0 --no-follow -u 4242 | wc -l)"
fails_with 2 hactor events -S sleeping
# One that follows.
mkfifo lines
hactor events -S inactive >lines &
exec 3<lines
it_follows() { hactor stats | grep -q '"streams": 1'; }
eventually 20 it_follows
hactor job urgency "$held" default
read -r line <&3
check_contains "$line" '"name":"clean"'
kill $!
END
