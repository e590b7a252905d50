# The wall clock jumps, by a day, behind the instance's start, and beyond all that an id can tell: ids
# stay ascending, time limits last as long as they say, jobs start and end, nothing breaks.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

shim=$HACTOR_TEST_BUILD/lib/clock_jump.so
[ -e "$shim" ] || fail "no $shim"
printf '%-4096s' 0 >clock
export HACTOR_TEST_CLOCK="$scratch/clock" LD_PRELOAD="$shim"
instance -S resource.fake=nodes=2,cores=4 <<'END'
jump() { printf '%-20s' "$1" 1<>"$HACTOR_TEST_CLOCK"; }
since() { awk -v s="$1" '{printf "%d\n", $1 - s}' /proc/uptime; }
boot=$(cut -d. -f1 /proc/uptime)
day=$(date +%s)
mkfifo go
limited=$(hactor submit -t 10s sleep 1000)
hactor job wait-event -q "$limited" start
open=$(hactor submit sh -c 'read line <go')
hactor job wait-event -q "$open" start
hactor submit true >ids
jump 86400
[ "$(($(date +%s) - day))" -ge 86400 ] || skip "a preloaded clock is not seen here"
hactor submit true >>ids
check_equal "not timed out by the jump" RUN "$(hactor jobs -n -o '{state}' "$limited")"
jump -86400
hactor submit true >>ids
deadline 20 hactor run -t 5s true
jump 2000000000
hactor submit true >>ids
later=$(hactor submit --begin-time=+1s true)
deadline 20 hactor job wait "$later"
jump -1000
hactor submit true >>ids
case $(hactor uptime) in "run "[0-9]*) ;; *) fail "uptime: $(hactor uptime)" ;; esac
[ "$(hactor uptime | sed -n '1s/^run \([0-9]*\).*/\1/p')" -lt 100 ] || fail "uptime: $(hactor uptime)"
echo go >go
deadline 20 hactor job status "$open" $(cat ids)
fails_with 142 deadline 20 hactor job status "$limited"
[ "$(since "$boot")" -ge 9 ] || fail "the time limit did not last"
deadline 20 hactor run hactor start hactor run true
jump 0
: >dec
for id in $(cat ids); do
  hactor job id --to=dec "$id" >>dec
done
check_equal "ids" "$(sort -nu dec)" "$(cat dec)"
check_equal "all are listed" 5 "$(hactor jobs -a -n -o '{id}' $(cat ids) | wc -l)"
END
