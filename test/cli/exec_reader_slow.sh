# What a command writes faster than its client reads waits in the command, not in the broker.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
pid=$(hactor stats | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' | head -1)
[ -n "$pid" ] || fail "no pid of the broker in: $(hactor stats)"
last=$((ranks - 1))
peak() { sed -n 's/^VmHWM: *\([0-9]*\).*/\1/p' "/proc/$pid/status"; }
hactor exec -r "$last" sh -c 'head -c 1000000 /dev/zero' | wc -c >/dev/null # what it needs anyway
before=$(peak)
mkfifo gate
bytes=$((300000000 + $$)) # which no other test's has
export bytes
hactor exec -r "$last" sh -c 'head -c "$bytes" /dev/zero; echo' >gate & command=$!
{
  head -c 1000000 >/dev/null
  # The command is stopped: its program does not get on.
  written() { awk '/^wchar/ { print $2 }' "/proc/$1/io"; }
  eventually 20 pgrep -x -f "head -c $bytes /dev/zero" >/dev/null
  head=$(pgrep -x -f "head -c $bytes /dev/zero")
  stopped() {
    was=${now:-0}
    now=$(written "$head")
    [ "$now" = "$was" ]
  }
  eventually 20 stopped
  [ "$now" -lt 100000000 ] || fail "$now bytes were taken of a client that reads none"
  check_equal "the rest" $((bytes + 1 - 1000000)) "$(wc -c | tr -d ' ')"
} <gate
wait "$command"
grown=$(($(peak) - before))
[ "$grown" -lt 65536 ] || fail "the broker has grown by $grown KiB"
END
