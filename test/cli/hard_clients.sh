# A thousand clients attached to one job, and one that stalls while its job writes: jobs go on, each
# client gets all, and nothing is kept for who has gone.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
broker=$(hactor exec sh -c 'pgrep -o -P $PPID hactor-start')
descriptors() { ls "/proc/$broker/fd" | wc -l; }
clients() { hactor stats | sed -n 's/.*"clients": \([0-9]*\).*/\1/p'; }
mkfifo gate
deadline 20 hactor run true
before=$(descriptors)

# One that stalls: the job ends all the same, and it gets the rest later.
id=$(hactor submit sh -c 'read -r line <gate; head -c 60000000 /dev/zero; echo end')
hactor job attach "$id" >attached & stalled=$!
until [ "$(clients)" -ge 2 ]; do sleep 0.05; done
kill -STOP $stalled
echo go >gate
deadline 20 hactor job status "$id"
check_equal "others" alive "$(deadline 10 hactor run echo alive)"
kill -CONT $stalled
wait $stalled
check_equal "bytes after the stall" 60000004 "$(stat -c %s attached)"
rss=$(awk '$1 == "VmRSS:" {print $2}' "/proc/$broker/status")
[ "$rss" -lt 200000 ] || fail "the broker has $rss kB"

# A thousand.
id=$(hactor submit sh -c 'read -r line <gate; echo to all; exit 3')
hactor job wait-event -q "$id" start
for i in $(seq 1000); do
  { hactor job attach "$id" >"out.$i" 2>/dev/null || [ $? = 3 ] || echo "$i" >>wrong; } &
done
until [ "$(clients)" -ge 1000 ]; do sleep 0.1; done
check_equal "others" alive "$(deadline 20 hactor run echo alive)"
echo go >gate
wait
check_equal "who heard" 1000 "$(cat out.* | grep -cx 'to all')"
[ ! -e wrong ] || fail "exit codes of $(wc -l <wrong) were others"
for i in $(seq 100); do
  [ "$(descriptors)" -gt $((before + 5)) ] || break
  sleep 0.05
done
[ "$(descriptors)" -le $((before + 5)) ] || fail "$(descriptors) descriptors, $before before"
END
