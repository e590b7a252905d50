# What cannot be meant is refused with the word that is wrong and what would be right.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance -S resource.fake=nodes=2,cores=4 <<'END'
# Options of the job's shell.
for option in verbose nosetpgrp exit-on-error hwloc.xmlfile hwloc.restrict stop-tasks-in-exec; do
  fails_with 1 hactor run -O "$option=x" true
  check_contains "$output" "options.$option: must be a number, 0 for off, or true or false, found \"x\""
  hactor run -O "$option=false" true
done
fails_with 1 hactor run -O output.stdout.type=kvs true
check_contains "$output" "output.stdout.type: must be file, or left out, found kvs"
fails_with 1 hactor run -O input.stdin.type=kvs true
check_contains "$output" "input.stdin.type: must be file or service"
fails_with 1 hactor run -n 2 -O pmi=fast true
check_contains "$output" "simple,pmix or off, found fast"
for option in -o -e --input; do
  fails_with 2 hactor run $option '' true
  check_contains "$output" "'' is not the name of a file"
done
fails_with 126 hactor run -o /nosuch/x true
check_contains "$output" "No such file or directory"
check_lacks "$output" "Input/output error"

# Flags of a submission.
fails_with 1 hactor submit -n 1000 true
id=$(hactor submit --flags=novalidate -n 1000 true)
fails_with 1 hactor job wait "$id"
check_contains "$(hactor job eventlog "$id")" "unsatisfiable"
fails_with 1 hactor submit --flags=debug true
check_contains "$output" "there are no debug events here"
fails_with 2 hactor submit --array=1-9%0 true
check_contains "$output" "'0' does not say how many jobs are active at once"
fails_with 2 hactor submit --array=1-9%3 --max-in-flight=2 true
check_contains "$output" "exclude each other"
fails_with 2 hactor submit --max-in-flight=x true
fails_with 2 hactor submit --max-in-flight=3: true
check_contains "$output" "has no name of a group"
fails_with 2 hactor submit --avoid-last-node true
check_contains "$output" "--avoid-last-node needs --retries"
fails_with 2 hactor submit --wait-event=strat touch made
check_contains "$output" "'strat' is not an event of jobs"
[ ! -e made ] || fail "a job was submitted whose event is none"

# Commands about jobs.
id=$(hactor submit --hold -n 1 true)
fails_with 1 deadline 20 hactor job wait-event "$id" sart
check_contains "$output" "\"sart\" is not an event of jobs; did you mean start"
fails_with 2 hactor jobs -L 1
check_contains "$output" "--level needs --recursive"
check_equal "nodes that nobody knows" "{}" "$(hactor jobs --json "$id" | python3 -c '
import json, sys
print({k: v for k, v in json.load(sys.stdin).items() if k == "nnodes"})')"
hactor job raise -s 7 -t note "$id" words without dashes
check_contains "$(hactor job eventlog "$id")" "words without dashes"
hactor job raise -s 7 -t note "$id" -- and with
check_contains "$(hactor job eventlog "$id")" "and with"
hactor cancel "$id"
hactor submit --quiet --wait --cc=1-2 -J 'j{cc}' true
check_equal "names of copies" "j1 j2" "$(hactor jobs -a -n -o '{name}' -c 2 | sort | xargs)"
END
