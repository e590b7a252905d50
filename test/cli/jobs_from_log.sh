# An instance without a state directory leaves a log of its jobs, which 'hactor jobs --from' lists
# later; also one that is ended by a signal. No job, no log.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

logs=$XDG_STATE_HOME/hactor/jobs
instance <<'END'
good=$(hactor submit -J good --wait true)
bad=$(hactor submit --wait sh -c 'exit 3') || true
hactor submit --hold true
printf '%s\n' "$good" "$bad" >ids
hactor jobs -a -n -f inactive >live
hactor jobs -a --json -f inactive >live.json
hactor job list -a -c 0 >dump
hactor run hactor start hactor run true # whose jobs are the outer one's affair
END
{ read -r good && read -r bad; } <ids
check_equal "one log" 1 "$(ls "$logs" | wc -l)"
log=$logs/$(ls "$logs")
case $log in
  */2*T*Z-i????????.jsonl) ;;
  *) fail "its name: $log" ;;
esac
check_equal "for its owner alone" "700 600" "$(stat -c %a "$logs") $(stat -c %a "$log")"
both="$good $bad"
said=$(hactor jobs -n --from last $both 2>&1 >table)
check_equal "the same list" "$(sort live)" "$(sort table)"
check_equal "the latest end first" "$bad" "$(hactor jobs -a -n --from last -o '{id}' 2>/dev/null | sed -n 2p)"
check_contains "$said" "1 that had not ended are not in this log"
hactor jobs -a --json --from "$log" -f completed --name good >record.json 2>/dev/null
check_contains "$(cat live.json)" "$(sed 's/{"jobs":\[\(.*\)\]}/\1/' record.json)"
check_equal "failed" "$bad 3" "$(hactor jobs -n -o '{id} {returncode}' -f failed --from last 2>/dev/null)"
check_equal "by what they match" "$bad" "$(hactor jobs -n -o '{id}' --from last \
  --constraint '{"and": [{"results": ["failed"]}, {"ranks": ["0"]}]}' 2>/dev/null)"
check_equal "ended since" 3 "$(hactor jobs -a -n --since=-1h --from last 2>/dev/null | wc -l)"
check_equal "for programs" 3 "$(hactor job list -a --from last 2>/dev/null | wc -l)"
check_equal "what --dump writes" "$(sort live)" "$(hactor jobs -a -n --from dump $both | sort)"
fails_with 1 hactor jobs --from last f2345
check_contains "$output" "f2345: is not in $log"
printf '{"id": "f2345"\n' >broken
fails_with 1 hactor jobs --from broken
check_contains "$output" "broken, line 1: "

# None: no jobs, not wanted, elsewhere. The newest are kept.
start true
start -S joblog.keep=0 hactor run true
start --statedir=state hactor run true
check_equal "still one" 1 "$(ls "$logs" | wc -l)"
touch "$logs/20200101T000000.000Z-iaaaaaaaa.jsonl" "$logs/.20200101T000000.000Z-ibbbbbbbb" "$logs/mine.jsonl"
touch -d '2 days ago' "$logs/.20200101T000000.000Z-ibbbbbbbb"
start -S joblog.keep=2 hactor run true
check_equal "of three two, and what is no log" 3 "$(ls "$logs" | wc -l)"
check_equal "what was left half done" "" "$(find "$logs" -name '.*' -type f)"
rm "$logs/mine.jsonl"
[ -e "$log" ] || fail "the oldest is to go, not this one"
[ "$(hactor jobs -a -n -o '{name}' --from last)" = true ] || fail "last is the newest"

# Ended by a signal.
rm -r "$logs"
hactor start sh -c 'hactor submit -J cut sleep 1000; : >started; exec sleep 1000' &
instance=$!
eventually 20 [ -e started ]
kill "$instance"
wait "$instance" || true
check_equal "a log nevertheless" "cut CANCELED" "$(hactor jobs -a -n -o '{name} {result}' --from last)"

# Where nothing can be written that is said, and changes nothing else.
XDG_STATE_HOME=/proc/nowhere fails_with 3 hactor start sh -c 'hactor run true; exit 3'
check_contains "$output" "/proc/nowhere"
env -u XDG_STATE_HOME -u HOME hactor start hactor run true
fails_with 1 env XDG_STATE_HOME="$scratch/none" hactor jobs --from last
check_contains "$output" "$scratch/none/hactor/jobs: has no log"
