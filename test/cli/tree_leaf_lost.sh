# A leaf of 'hactor tree' that is lost (its script killed, its job cancelled, its rank killed) gives
# back the jobs that it has not begun: they run in other leaves, once each. Those that ran there are
# told as lost, and the counts and the exit code say so.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

start_seconds=110

cat >lost_lib.sh <<'LIB'
rm -f ran.* up
mkfifo up
exec 4<>up
# Its number and the leaf are written down. In the leaf $1 it then runs for ever, and says so;
# elsewhere until the gate is open. (A function in the background would keep the gate open itself.)
cat >task.sh <<'TASK'
#!/bin/sh
echo "$2 $HACTOR_TREE_ID $HACTOR_TREE_JOBSCRIPT_INDEX" >>"ran.$2"
case $HACTOR_TREE_ID in $1) echo up >up; exec sleep 1000 ;; esac
exec flock -s gate true
TASK
chmod +x task.sh

read_ups() { # N
  for _ in $(seq "$1"); do
    read -r line <&4
  done
}
tree_begins() { # LEAF N OPTION...: returns when N jobs run in LEAF, and that is known above
  leaf=$1 n=$2
  shift 2
  rm -f ran.*
  exec 6>gate
  flock -x 6
  timeout -k 5 60 hactor tree "$@" -- ./task.sh "$leaf" {seq} >said 2>&1 4<&- 6>&- &
  tree=$!
  read_ups "$n"
}
tree_ends() { # CODE...: one of them, after the loss was told
  deadline 30 tail -n +1 -f said --pid "$tree" | grep -m 1 -q 'go to other leaves'
  exec 6>&-
  code=0
  wait "$tree" || code=$?
  case " $* " in
    *" $code "*) ;;
    *) fail "exit code $code, not $*, which said: $(cat said)" ;;
  esac
}
ran_once() { # JOBS
  check_equal "numbers (said: $(cat said))" "$(seq 0 $(($1 - 1)) | xargs)" \
    "$(cat ran.* | awk '{ print $1 }' | sort -n | xargs)"
}
# What had begun there is lost; of what was begun in the last moment nobody above knows for sure.
not_given_back() { # JOBS
  check_equal "lost or perhaps run (said: $(cat said))" "$1" "$(tail -n 1 said |
    grep -oE '[0-9]+ (lost|perhaps run)' | awk '{ n += $1 } END { print n + 0 }')"
}
counted() { # WORDS
  tail -n 1 said | grep -oE "[0-9]+ $1" | awk '{ n += $1 } END { print n + 0 }'
}
# A leaf that is cancelled: its script may hear that first jobs of it have ended by that, and begin
# others, before it ends itself.
was_cancelled() { # LEAF, N that ran there, JOBS
  known=$(($(counted failed) + $(counted lost))) ended=$(counted 'done')
  most=$((known + $(counted 'perhaps run')))
  [ "$known" -le "$2" ] && [ "$2" -le "$most" ] || fail "$2 ran in $1, which said: $(cat said)"
  check_equal "all (said: $(cat said))" "$3" $((most + ended + $(counted 'not run')))
  ran=$(ran_in "$1") all=$(cat ran.* | wc -l)
  [ "$ran" -ge "$2" ] && [ "$ran" -le "$most" ] || fail "$ran ran in $1, which said: $(cat said)"
  [ "$all" -ge $(($2 + ended)) ] && [ "$all" -le $((most + ended)) ] ||
    fail "$all ran, which said: $(cat said)"
  check_equal "at most once each" "" "$(cat ran.* | awk '{ print $1 }' | sort | uniq -d)"
}
ran_in() { cat ran.* | awk -v leaf="$1" '$2 == leaf' | wc -l; }
script_of() { # TREEID: the pid of the script of that instance
  for pid in $(left_processes); do
    ! { tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null | grep -q -e "--report --prefix=$1 " || echo "$pid"
  done
}
job_of() { hactor jobs -n -o '{id} {name}' | awk -v name="$1" '$2 == name { print $1 }'; }
LIB

instance -S resource.fake=nodes=4,cores=2 -S exec.kill_timeout=2s <<'END'
. ./lost_lib.sh
# The script, by kill -9. Each leaf has 2 nodes with 2 cores; the other takes what was not begun.
tree_begins tree.1 4 -T 2 -J 40
kill -9 "$(script_of tree.1)"
tree_ends 137
ran_once 40
check_equal "in the leaf that was lost" 4 "$(ran_in tree.1)"
check_equal "in the other" 36 "$(ran_in tree.2)"
check_equal "indexes there" "$(seq 36 | xargs)" \
  "$(cat ran.* | awk '$2 == "tree.2" { print $3 }' | sort -n | xargs)"
check_contains "$(cat said)" "tree: 40 jobs in 2 leaves: 36 done, "
not_given_back 4
check_contains "$(cat said)" "16 go to other leaves"
check_contains "$(cat said)" "tree.1: exit code 137"
check_equal "what runs on" "" "$(hactor jobs -n -f pending,run)"

# Cancelled, below another level: those beside it take its jobs.
tree_begins tree.2.1 2 -T 2x2 -J 48
hactor proxy "$(job_of tree.2)" sh -c 'hactor cancel $(hactor jobs -n -o "{id} {name}" | sed -n "s/ tree.2.1.*//p")'
tree_ends 143 1 # its script was signalled, or saw its instance go before that
was_cancelled tree.2.1 2 48
check_lacks "$(cat said)" "not run"

# The level between: with it all below it ends, and the rest goes to the other half.
tree_begins 'tree.2.*' 4 -T 2x2 -J 48
kill -9 "$(script_of tree.2)"
tree_ends 137
ran_once 48
check_equal "in the half that was lost" 4 "$(cat ran.* | grep -c 'tree\.2\.')"
check_contains "$(cat said)" "44 done, "
not_given_back 4

# A job that had ended and failed there is counted as that.
tree_begins tree.1 4 -T 2 -J 20
hactor proxy "$(job_of tree.1)" \
  sh -c 'hactor job kill -s KILL $(hactor jobs -n -f run -o "{id}" | tail -n 1)'
read_ups 1 # the next one has its core
kill -9 "$(script_of tree.1)"
tree_ends 137
# It may have been handed the next one already, of which then nobody knows whether it ran.
case $(cat said) in
  *" 14 done, 1 failed, "*)
    check_contains "$(cat said)" "14 done, 1 failed, "
    not_given_back 5
    check_equal "at most once each" "" "$(cat ran.* | awk '{ print $1 }' | sort | uniq -d)"
    ;;
  *)
    ran_once 20
    check_contains "$(cat said)" "15 done, 1 failed, "
    not_given_back 4
    ;;
esac

# When no other leaf is there, one is made that has the rest.
tree_begins tree.1 8 -T 1 -J 30
kill -9 "$(script_of tree.1)"
tree_ends 137
ran_once 30
check_equal "in the one that was made" 22 "$(ran_in tree.2)"
check_contains "$(cat said)" "30 jobs in 2 leaves: 22 done, "
not_given_back 8

# But not when all were cancelled; what was not run is told.
tree_begins tree.1 8 -T 1 -J 30
hactor cancel "$(job_of tree.1)"
tree_ends 143 1
was_cancelled tree.1 8 30
check_contains "$(cat said)" " 0 done, "
check_contains "$(cat said)" " not run, in"

# Scripts that run in no job.
tree_begins tree.1 1 --outside -T 2 -J 10
kill -9 "$(script_of tree.1)"
tree_ends 137
ran_once 10
check_contains "$(cat said)" "9 done, "
not_given_back 1
END

[ "$launcher" != alone ] || exit 0
instance -S "resource.fake=nodes=$ranks,cores=2" 2>log <<'END' || fail "$(cat log)"
. ./lost_lib.sh
# The rank that leads a leaf is killed with -9.
tree_begins tree.4 2 -T 4 -J 40
rank=$(hactor jobs -n -o '{name} {ranks}' | awk '$1 == "tree.4" { print $2 }')
[ "$rank" != 0 ] || fail "the last leaf is on the first rank"
kill -9 "$(hactor exec -r "$rank" sh -c 'pgrep -o -P $PPID hactor-start')"
tree_ends 1
ran_once 40
check_equal "in the leaf that was lost" 2 "$(ran_in tree.4)"
check_contains "$(cat said)" "40 jobs in 4 leaves: 38 done, "
not_given_back 2
check_contains "$(cat said)" "tree.4: exit code"
check_contains "$(cat said)" "node-failure"
END
