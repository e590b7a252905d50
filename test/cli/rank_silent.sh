# A broker that lives and is silent, on the host of the others: it counts as lost after a while, and
# what was cancelled ends.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance -S transport.heartbeat=0.2s -S transport.heartbeat_timeout=1s >log 2>&1 <<'END' || true # the code is that of rank 2, too
job=$(hactor submit -N "$ranks" -n "$ranks" sleep 1000)
hactor job wait-event "$job" start >/dev/null
broker=$(hactor exec -r 2 sh -c 'pgrep -o -P $PPID hactor-start')
kill -STOP "$broker"
hactor cancel "$job"
fails_with 1 deadline 25 hactor job wait "$job"
eventually 10 sh -c 'hactor dmesg | grep -q "broker: rank 2 on .* was lost"'
check_equal "what runs elsewhere" ok "$(hactor run --requires=-rank:2 echo ok)"
kill -CONT "$broker" # it finds that the others have given it up, and ends
eventually 20 sh -c '! kill -0 "$1" 2>/dev/null' sh "$broker"
: >passed
END
[ -e passed ] || fail "$(cat log)"
