# Events go down the tree of ranks: followers on every rank see the same stream, each rank has it
# from its parent, and one whose parent is killed goes on without a gap. Fanout 2 over 4 ranks:
# 0 has 1 and 2 below it, 1 has 3.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance -S exec.tree_fanout=2 <<'END'
relays() { # RANK: how many ranks have the stream from it
  hactor exec -r "$1" hactor stats |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["events"]["relays"])'
}
await_relays() { # RANK COUNT
  for _ in $(seq 100); do
    [ "$(relays "$1")" != "$2" ] || return 0
    sleep 0.05
  done
  fail "relays of rank $1: expected $2, found $(relays "$1")"
}
check_equal "relays while nobody follows" 0 "$(relays 0)"
hactor submit --cc=1-30 true >/dev/null
followers=
for rank in 1 2 3; do
  hactor exec -r "$rank" hactor events --since 0 >"seen.$rank" &
  followers="$followers $!"
done
await_relays 0 2
await_relays 1 1
check_equal "relays of a leaf" 0 "$(relays 3)"
hactor submit --cc=1-70 true >/dev/null
for rank in 1 2 3; do
  deadline 20 sh -c "until [ \$(wc -l <seen.$rank) -ge 1000 ]; do sleep 0.05; done" ||
    fail "rank $rank has seen $(wc -l <"seen.$rank") events of 1000"
done

# Rank 3 loses its parent; no job may run there, or its end would depend on the loss.
broker=$(hactor exec -r 1 sh -c 'pgrep -o -P $PPID hactor-start')
kill -9 "$broker"
await_relays 0 2 # ranks 2 and 3
hactor submit --cc=1-50 true >/dev/null
for rank in 2 3; do
  deadline 20 sh -c "until [ \$(wc -l <seen.$rank) -ge 1500 ]; do sleep 0.05; done" ||
    fail "rank $rank has seen $(wc -l <"seen.$rank") events of 1500"
done
hactor events --since 0 --no-follow | head -n 1500 >wanted
for rank in 2 3; do
  head -n 1500 "seen.$rank" | cmp -s - wanted || fail "rank $rank saw another stream"
done
head -n 1000 wanted >first
head -n 1000 seen.1 | cmp -s - first || fail "rank 1 saw another stream before its end"

kill $followers 2>/dev/null || true
await_relays 0 0
END
