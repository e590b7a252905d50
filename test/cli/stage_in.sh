# -O stage-in: before the first task of a job all its nodes have the files of archives; when one has
# not, the job fails with the node and the reason, and no task has run.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

nodes=$((ranks > 1 ? ranks : 2))
export nodes
start_seconds=100
instance -S "resource.fake=nodes=$nodes,cores=4" -S exec.kill_timeout=1s <<'END'
mkdir -p red/sub blue
echo hello >red/hello
head -c 2500000 /dev/urandom >red/sub/large
printf '#!/bin/sh\necho the program ran\n' >blue/program
chmod +x blue/program
hactor archive create red
hactor archive create -n blue blue
sum=$(sha256sum <red/sub/large)
run() { deadline 30 hactor run -N "$nodes" -n $((2 * nodes)) "$@"; }
all() { i=0; while [ "$i" -lt $((2 * nodes)) ]; do echo "$1"; i=$((i + 1)); done; }

# Each task finds them, whatever the node.
check_equal "of main" "$(all "$sum")" "$(run -O stage-in sh -c 'sha256sum <$HACTOR_JOB_TMPDIR/red/sub/large')"
check_equal "of blue" "$(all "the program ran")" "$(run -O stage-in.names=blue '{{tmpdir}}/blue/program')"
check_equal "of both, some" "blue program" \
  "$(run -n "$nodes" -O stage-in.names=main,blue -O stage-in.pattern='blue*' sh -c \
    'cd "$HACTOR_JOB_TMPDIR" && find . | tr "\n" " "; echo' | sort -u | tr -d ./ | xargs -n 1 | sort -u |
    sed 's/blueprogram/program/' | xargs)"
run -O verbose -O stage-in true 2>said
check_contains "$(cat said)" "red/sub/large"
run -O stage-in true 2>said
check_equal "said without -O verbose" "" "$(cat said)"
check_equal "without it" "$(all 0)" "$(run sh -c 'ls "$HACTOR_JOB_TMPDIR" | wc -l')"

# Elsewhere: what is there already is not touched, by no attempt of a job; what is the same may be.
mkdir local global
deadline 30 hactor run -N 1 -O stage-in.destination="$PWD/local" true
cmp local/red/hello red/hello
mkdir shared # all nodes put the same files there
run -O stage-in.destination="$PWD/shared" cmp "$PWD/shared/red/sub/large" red/sub/large
run -O stage-in.destination=global:global -O stage-in.pattern='*/hello' test -e global/red/hello
echo mine >global/red/hello
fails_with 1 run --retries=1 -O stage-in.destination=global:global touch ran
check_contains "$output" "global/red/hello: is there already, a file"
check_equal "kept" mine "$(cat global/red/hello)"
rm -rf global/red
# A node of the job may have no task of it: the first that has one gets the files, which all share.
echo old >written
cat >bare.json <<J
{"version":1, "tasks":[{"command":["cat","global/red/hello"], "slot":"a", "count":{"per_slot":1}}],
 "resources":[{"type":"node", "count":1, "exclusive":true, "with":[{"type":"core", "count":1}]},
  {"type":"node", "count":1, "with":[{"type":"slot", "count":1, "label":"a", "with":[{"type":"core", "count":1}]}]}],
 "attributes":{"system":{"duration":0, "cwd":"$PWD", "shell":{"options":{
  "output":{"stdout":{"type":"file", "path":"written"}}, "stage-in":{"destination":"global:global"}}}}}}
J
id=$(hactor job submit bare.json)
deadline 30 hactor job attach "$id" || fail "it has failed: $(cat written)"
check_equal "tasks of the nodes" ";0" "$(hactor job taskmap --to=raw "$id")"
check_equal "written" hello "$(cat written)"
rm -r global/red
fails_with 1 hactor run --retries=1 -N 1 -O stage-in.destination=global sh -c \
  'echo "${HACTOR_JOB_ATTEMPT:-1}" >>attempts; false'
check_equal "attempts" "1 2" "$(xargs <attempts)"
# A program that has changed its input finds that it does not get it anew.
fails_with 1 run --retries=1 -O stage-in.destination=global:global sh -c \
  'echo "${HACTOR_JOB_ATTEMPT:-1}" >>changes; echo more >>global/red/hello; false'
check_contains "$output" "global/red/hello: is there already, a file"
check_equal "attempts that ran" 1 "$(sort -u changes)"

# What fails is told with the node, and no task runs, also where the files came.
fails_with 1 run -O stage-in.names=main,bleu touch ran
check_contains "$output" "stage-in: archive 'bleu': does not exist; did you mean blue?"
id=$(hactor jobs -a -c 1 -no '{id}')
hactor job eventlog "$id" | grep exception >exception || fail "no exception: $(hactor job eventlog "$id")"
check_contains "$(cat exception)" "$(hostname): stage-in: archive 'bleu'"
fails_with 1 run -O stage-in.destination=/nowhere/at/all touch ran
check_contains "$output" "/nowhere/at/all: No such file or directory"
fails_with 1 run -O stage-in.pattern='*.none' touch ran
check_contains "$output" "pattern '*.none': no file has such a path"
[ ! -e ran ] || fail "a task has run"

# A mistake is refused at the submit.
for wrong in stage-in=main stage-in.name=x stage-in.names=a,,b stage-in.destination=wrong:/x; do
  fails_with 1 hactor submit -O "$wrong" true
  check_contains "$output" "shell.options.stage-in"
done
hactor submit --wait -O stage-in true >id 2>said
check_equal "said of the option" 0 "$(grep -c setopt said)"

# Who is cancelled while files are put there ends soon, and nothing of it is left.
head -c 100000000 /dev/urandom >red/larger
hactor archive create -n larger red/larger
mkdir late
id=$(hactor submit -N 1 -O stage-in.names=larger -O stage-in.destination="$PWD/late" touch ran)
eventually 20 test -d late/red
check_contains "$(hactor stuck "$id")" "its files to be put there (stage-in)"
hactor cancel "$id"
deadline 20 hactor job wait "$id" && fail "it was not cancelled"
[ ! -e ran ] || fail "a task has run"
check_equal "what is left" "" "$(ls -A late/red)"
END

# Files that do not come in time end the job.
instance -S exec.stage_in_timeout=1ms -S exec.kill_timeout=1s <<'END'
echo hello >hello
hactor archive create hello
fails_with 1 deadline 30 hactor run -O stage-in touch ran
check_contains "$output" "stage-in: the files were not there within 0.001s (exec.stage_in_timeout)"
[ ! -e ran ] || fail "a task has run"
END
