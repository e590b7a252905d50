# A task that closes its standard input while more comes, or leaves it full, costs the broker nothing.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
pid=$(hactor stats | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' | head -1)
[ -n "$pid" ] || fail "no pid of the broker in: $(hactor stats)"
ticks() { awk '{ print $14 + $15 }' "/proc/$pid/stat"; }
mkfifo gate
before=$(ticks)
{ head -c 1000000 /dev/zero && read -r go <gate; } | hactor run sh -c \
  'sleep .3; head -c 1000000 >/dev/null; exec <&-; sleep 3; echo go >gate'
head -c 1000000 /dev/zero | hactor run sh -c 'sleep .3; exec <&-; sleep 2'
used=$(($(ticks) - before))
[ "$used" -lt $(($(getconf CLK_TCK) * 2)) ] || fail "$used ticks of CPU for tasks that slept 5 s"
END
