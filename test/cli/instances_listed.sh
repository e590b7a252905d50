# hactor ps: an instance is listed while it runs, found by id and name, and shown as gone when all of it was killed.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

check_equal "nothing yet" "ID HOST STATE NODES AGE COMMAND" "$(echo $(hactor ps))"
check_equal "nothing yet" '{ "instances": [] }' "$(echo $(hactor ps --json))"
fails_with 2 hactor ps -o '{nonsense}'
check_contains "$output" "nonsense"
fails_with 2 start -S 'instance.name=a/b' true
check_contains "$output" "instance.name=a/b"

instance -S instance.name=mine <<'END'
line=$(hactor ps -n -o '{name} {host} {state} {size} {version} {command}')
check_equal line "mine $(hostname) alive $(hactor getattr size) $(hactor getattr version) sh $0" "$line"
id=$(hactor ps -n -o '{id}')
check_equal "the way from here" "$HACTOR_URI" "$(hactor ps -n -o '{way}')"
check_equal "mode of the note" 600 "$(stat -c %a "$HACTOR_INSTANCES/$id.json")"
check_equal "mode of the folder" 700 "$(stat -c %a "$HACTOR_INSTANCES")"
own=$HACTOR_URI
unset HACTOR_URI
for target in "$id" "${id%?}" mine; do
  check_equal "by $target" "$own" "$(HACTOR_URI=$target hactor getattr uri)"
  check_equal "by --instance $target" "$own" "$(hactor --instance "$target" getattr uri)"
  check_equal "by --instance=$target" "$own" "$(hactor --instance="$target" getattr uri)"
  check_equal "by proxy $target" "$own" "$(hactor proxy "$target" hactor getattr uri)"
  check_equal "uri $target" "$own" "$(hactor uri "$target")"
done
check_equal remote "ssh://$(hostname)${own#local://}" "$(hactor uri --remote mine)"
check_equal "remote of that" "ssh://$(hostname)${own#local://}" "$(HACTOR_URI=$own hactor uri --remote)"
check_equal local "$own" "$(HACTOR_URI=mine hactor uri --local)"
job=$(hactor --instance mine submit -n1 hactor start sleep 1000)
hactor --instance mine job wait-event -q "$job" memo
check_equal "within a job" 1 "$(hactor --instance "mine/$job" getattr instance-level)"
check_equal "within a job" "$own/$job" "$(HACTOR_URI=mine hactor uri --local "$job")"
check_equal "outermost instances only" "$id" "$(hactor ps -n -o '{id}')"
fails_with 1 hactor --instance nobody uptime
check_contains "$output" "'nobody'"
fails_with 1 hactor uri nobody
fails_with 2 hactor uri --local --remote mine
fails_with 1 hactor proxy nobody true
fails_with 2 hactor --instance
fails_with 2 hactor --instance= uptime
fails_with 2 hactor --instances mine uptime
HACTOR_URI=/tmp/x fails_with 1 hactor uptime
check_contains "$output" "hactor ps"
hactor --instance mine cancel "$job"
END
check_equal "after its end" "" "$(hactor ps -n)"

# Of two of a name one must be said; a restart from the state directory keeps the id.
mkfifo gate uri
start -S instance.name=twice -S log-level=err --statedir "$scratch/state" -- sh -c 'hactor ps -n -o "{id}" >uri; read go <gate' &
first=$!
read -r id <uri
instance -S instance.name=twice <<'END'
fails_with 1 hactor --instance twice uptime
check_contains "$output" "may be any of"
END
echo go >gate
wait $first
start -S instance.name=twice --statedir "$scratch/state" -- sh -c 'hactor ps -n -o "{id}" >again'
check_equal "the id after a restart" "$id" "$(cat again)"

# Nowhere to write is said in a line, and no more; an empty variable means none.
HACTOR_INSTANCES=/dev/null/x start -S log-filename="$scratch/log" -- true
check_equal "said" 1 "$(grep -c /dev/null/x log)"
HACTOR_INSTANCES= start -S log-filename="$scratch/log2" -- sh -c 'check=$(hactor ps -n); [ -z "$check" ]'
! grep 'hactor ps' log2 || fail "no folder was wanted"

# A broker that is killed leaves none: its supervisor takes it away. When all are killed at once it stays.
if [ "$launcher" = alone ]; then
  start -- sh -c 'hactor getattr rank >uri; read go <gate' 2>/dev/null &
  first=$!
  read -r _ <uri
  kill -9 "$(hactor ps -n -o '{pid}')"
  wait $first && fail "it ended well"
  check_equal "after its broker was killed" "" "$(hactor ps -n)"
  # One that is there and does not answer: the kernel takes connections for it.
  start -- sh -c 'hactor getattr rank >uri; read go <gate; exit 7' 2>/dev/null &
  first=$!
  read -r _ <uri
  stopped=$(hactor ps -n -o '{pid}')
  kill -STOP "$stopped"
  check_equal "of one that is stopped" unreachable "$(deadline 10 hactor ps -n -o '{state}')"
  kill -CONT "$stopped"
  goes_on() { [ "$(hactor ps -n -o '{state}')" = alive ]; }
  eventually 20 goes_on
  echo go >gate
  found=0
  wait $first || found=$?
  check_equal "its end" 7 "$found"
  run_folder_stays=yes
  start -S instance.name=dead -- sh -c 'hactor getattr rank >uri; read go <gate' 2>/dev/null &
  first=$!
  read -r _ <uri
  all=$(left_processes | while read -r p; do
    grep -qs '^hactor-start$\|^hactor-io$' /proc/$p/comm && echo $p; done) || :
  kill -STOP $all || : # none of them shall see another one's end
  kill -9 $all || :
  wait $first || :
  gone() { [ "$(hactor ps -n -o '{name} {state}')" = "dead gone" ]; }
  eventually 20 gone # when the kernel has taken the broker down
  fails_with 1 hactor --instance dead uptime
  check_contains "$output" "hactor ps --clean"
  check_equal "nothing of it is listed" "" "$(hactor ps --clean -n)"
  check_equal "no note is left" "" "$(ls "$HACTOR_INSTANCES")"
fi
