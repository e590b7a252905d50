# Tasks that no signal reaches (here: their supervisor is stopped) do not hold the end for ever.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

mkfifo stopped
instance -S exec.kill_timeout=0.2s >out 2>&1 <<'END' &
hactor submit --quiet -N "$ranks" sleep 1000
hactor job wait-event -q "$(hactor jobs -n -o '{id}')" start
supervisor=$(hactor exec -r $((ranks - 1)) sh -c 'echo $PPID')
kill -STOP "$supervisor"
echo "$supervisor" >stopped
END
read -r supervisor <stopped
broker=$(pgrep -P "$supervisor" hactor-start)
# It cannot be reaped before its supervisor goes on.
deadline 20 sh -c 'until grep -q "^State:.Z" /proc/$1/status; do sleep 0.1; done' sh "$broker" ||
  fail "the broker hangs: $(cat out)"
kill -CONT "$supervisor"
wait || true
check_contains "$(cat out)" "not all jobs could be ended within"
