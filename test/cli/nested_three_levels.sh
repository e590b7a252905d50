# Three levels below the outermost instance, all busy: whatever ends the first of them (a cancel, its
# time limit, kill -9 of its script) ends all, and nothing runs on; and no level's jobs are known by
# another, whatever is asked.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance -S resource.fake=nodes=4,cores=4 -S exec.kill_timeout=2s <<'END'
mkfifo up
cat >level.sh <<'LEVEL'
# $1 levels are below this one. Each is busy with a job of the same name.
hactor job wait-event -q "$(hactor submit -J same sh -c 'echo $$ >>pids; exec sleep 1000')" start
echo $$ >>pids
echo $$ >"script.$1"
[ "$1" = 0 ] || hactor submit -J same -N 1 -n 1 -c $(($1 + 1)) hactor start sh level.sh $(($1 - 1)) >/dev/null
[ "$1" != 0 ] || echo up >up
exec sleep 1000
LEVEL
begin() { # OPTION...: all three levels are busy then, under $id
  rm -f pids
  id=$(hactor submit -J same -N 1 -n 1 -c 4 "$@" hactor start sh level.sh 2)
  read -r line <up
  eventually 20 all_told # that a job has started is known before its shell has written
}
all_told() { [ "$(wc -l <pids)" = 6 ]; }
all_gone() {
  check_equal "processes of three levels" 6 "$(wc -l <pids)"
  for pid in $(cat pids); do
    deadline 20 tail --pid="$pid" -f /dev/null || fail "$pid goes on"
  done
  check_equal "what runs" 0 "$(hactor jobs -n -f pending,run | wc -l)"
  check_equal "what has room" 16 "$(hactor resource list -n -o '{state} {ncores}' | awk '$1 == "free" { print $2 }')"
  check_equal "instances left" 0 "$(hactor stats | sed -n 's/.*"instances": \([0-9]*\).*/\1/p')"
}

begin
# The ids of a level are that level's own: elsewhere they are unknown, and nothing is touched by them.
second=$(hactor proxy "$id" hactor jobs -n -o '{id} {ncores}' | awk '$2 == 3 { print $1 }')
third=$(hactor proxy "$id/$second" hactor jobs -n -o '{id} {ncores}' | awk '$2 == 2 { print $1 }')
ids=$(for path in "$id" "$id/$second"; do hactor proxy "$path" hactor jobs -n -o '{id}'; done; hactor jobs -n -o '{id}')
check_equal "an id occurs once" "$(echo $ids | wc -w)" "$(printf '%s\n' $ids | sort -u | wc -l)"
check_equal "jobs at the top" "$id" "$(hactor jobs -n -o '{id}' | tr -d ' ')"
for words in "job info $second R" "job eventlog $second" "cancel $second" "job attach $second" "explain $second" \
  "update $second duration=1h" "job kill $second" "job urgency $second 20"; do
  fails_with 1 hactor $words
  check_contains "$output" "$second"
done
fails_with 2 hactor job wait "$second"
fails_with 1 hactor proxy "$id" hactor cancel "$id"
check_contains "$output" "$id"
fails_with 1 hactor proxy "$id/$second" hactor cancel "$second"
check_lacks "$(hactor events --since 0 --no-follow)" "$second"
check_lacks "$(hactor proxy "$id" hactor events --since 0 --no-follow)" "\"$id\""
check_equal "what all levels have" 6 "$(hactor jobs -R -n -o '{name}' | grep -c same)"
check_equal "named by their paths" "$id: $id/$second:" "$(hactor jobs -R -n -o '{name}' | grep ':$' | head -n 2 | xargs)"

hactor cancel "$id"
fails_with 1 deadline 40 hactor job wait "$id"
check_contains "$output" Canceled
all_gone

# Its time limit.
begin -t 15s
fails_with 1 deadline 40 hactor job wait "$id"
check_contains "$output" Timeout
all_gone

# Its script, by kill -9.
begin
kill -9 "$(cat script.2)"
fails_with 137 deadline 40 hactor job status "$id"
all_gone
END
