# Plugins of a job's shell (C): the order of topics over 2 nodes and 4 tasks, what they change and
# add, and that one that fails, crashes, hangs or is none ends its job with a message that names it,
# and nothing else.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

[ -x "$HACTOR_TEST_BUILD/lib/hactor/hactor-plugins" ] || skip "hactor was built without Lua"
nodes=$((ranks > 1 ? ranks : 2))
export nodes
start_seconds=110
echo "this is no library" >nonsense.so

instance -S "resource.fake=nodes=$nodes,cores=4" -S exec.plugin_timeout=4500ms \
  -S exec.kill_timeout=1s <<'END'
probe=$HACTOR_TEST_BUILD/lib/shell_probe.so
with() { # CONF COMMAND...: runs the command as 4 tasks on 2 nodes
  conf=$1
  shift
  deadline 30 hactor run -N 2 -n 4 -O plugins="$probe:$conf" "$@"
}

# One line a topic, of each shell in its order: the second has its own when there are two brokers.
with '{"trace":"*"}' -l true 2>said
shells=$((nodes > 2 ? 2 : 1))
i=0
while [ "$i" -lt "$shells" ]; do
  sed -n "s/.*hactor-shell\[$i\]: probe: //p" said >topics
  tasks=$(sed -n 's/task.init //p' topics)
  check_equal "tasks of shell $i" "$((4 / shells))" "$(echo "$tasks" | wc -l)"
  check_equal "first topics" "shell.connect shell.init shell.post-init" "$(echo $(head -3 topics))"
  check_equal "last topics" "shell.tasks-complete shell.finish shell.exit" "$(echo $(tail -3 topics))"
  for task in $tasks; do
    check_equal "topics of task $task" "task.init task.exec task.fork task.exit" \
      "$(echo $(sed -n "s/^\(task.*\) $task\$/\1/p" topics))"
  done
  # No task is started before all are prepared; all are before shell.start.
  check_equal "topics of all" \
    "task.init task.exec task.fork shell.start" \
    "$(echo $(grep -v '^task.exit' topics | sed -n '/shell.post-init/,/shell.start/p' |
      sed '1d; s/ .*//' | awk '!seen[$0]++'))"
  i=$((i + 1))
done
[ "$(grep -c shell.init said)" -eq "$shells" ] || fail "shell.init: $(cat said)"

# What they change and add. A file of each node: who empties one that all share may be late.
UNWANTED=1
export UNWANTED
output=$(with '{"change":"yes"}' -O taskmap=odd:1 -l --output='{{color}}.{{node.id}}' \
  sh -c 'echo "$OF_JOB ${UNWANTED-none} $OF_TASK of $HACTOR_TASK_RANK on {{node.id}} {{color}} {{other}}"')
check_equal "captured output" "" "$output"
check_equal "output" "0: job none 0 of 0 on 0 blue {{other}}
0: one line more
1: job none 1 of 1 on 1 blue {{other}}
1: one line more
2: job none 2 of 2 on 0 blue {{other}}
2: one line more
3: job none 3 of 3 on 1 blue {{other}}
3: one line more" "$(sort blue.0 blue.1)"
id=$(hactor jobs -a -c 1 -no '{id}')
check_equal "map" "0,2;1,3" "$(hactor job taskmap --to=raw "$id")"
check_equal "hosts" 2 "$(hactor job taskmap --to=multiline "$id" | cut -d: -f2 | sort | uniq -c | awk '$1 == 2' | wc -l)"
output=$(with '{"change":"yes"}' -l echo ran)
check_equal "lines" 8 "$(echo "$output" | wc -l)"
check_contains "$output" "2: one line more"

# Of two nodes one has no task: the other does not wait for it, though they share a file.
cat >bare.json <<J
{"version":1, "tasks":[{"command":["echo","ran"], "slot":"a", "count":{"total":1}}],
 "resources":[{"type":"slot", "count":8, "label":"a", "with":[{"type":"core", "count":1}]}],
 "attributes":{"system":{"duration":0, "cwd":"$PWD", "shell":{"options":{
  "output":{"stdout":{"type":"file", "path":"shared"}}, "plugins":["$probe:{}"]}}}}}
J
id=$(hactor job submit bare.json)
deadline 30 hactor job attach "$id"
check_equal "tasks and nodes" "ran 2" "$(cat shared) $(hactor jobs -no '{nnodes}' "$id")"

# The shells' meeting before the first task does not mix with those of an MPI program.
for guest in "$HACTOR_TEST_BUILD"/bin/guest_*; do
  [ -x "$guest" ] || continue
  output=$(OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_btl=self,tcp \
    with '{"change":"yes"}' "$guest")
  check_equal "ranks of ${guest##*/}" 4 "$(echo "$output" | grep -c 'of 4: sum')"
done

# Each way to end badly, early and late. Nobody else is harmed.
ends() { # SAID CONF COMMAND...
  words=$1
  shift
  fails_with "${code:-1}" with "$@"
  check_contains "$output" "$words"
}
for topic in shell.connect shell.init shell.post-init task.init task.exec; do
  ends "plugin probe, topic $topic: as it was told" "{\"fail\":\"$topic\"}" touch started
  [ ! -e started ] || fail "$topic: tasks were started"
done
ends "loading $probe: as it was told" '{"fail":"load"}' true
ends "plugin probe, topic shell.init: its handler has returned -1" '{"refuse":"shell.init"}' true
for topic in shell.init task.fork task.exit shell.exit; do
  ends "plugin probe, topic $topic: was ended by signal 11" "{\"crash\":\"$topic\"}" sleep 0.1
done
ends "plugin probe, topic shell.start: ended with exit code 0" '{"leave":"shell.start"}' sleep 30
for topic in shell.init shell.start shell.finish; do
  ends "plugin probe, topic $topic: has not returned within 4.5s" "{\"hang\":\"$topic\"}" true
done
code=1
for topic in task.exit shell.finish; do
  ends "plugin probe, topic $topic: as it was told" "{\"fail\":\"$topic\"}" true
done
fails_with 1 deadline 20 hactor run -O plugins=./missing.so true
check_contains "$output" "loading ./missing.so: no such file"
fails_with 1 deadline 20 hactor run -O plugins=./nonsense.so true
check_contains "$output" "loading ./nonsense.so:"
check_contains "$output" "must be a shared library that has a function hactor_plugin_init"
fails_with 1 deadline 20 hactor run -O plugins=missing.so true
check_contains "$output" "no such file here or in"
fails_with 1 deadline 20 hactor run -O plugins=x.so:nonsense true
check_contains "$output" "plugins: what is behind \"x.so:\" must be JSON"
fails_with 1 hactor run -O taskmap=odd:1 true
check_contains "$output" "must be block, cyclic"
ends "option taskmap: no plugin knows the scheme 'even'" '{}' -O taskmap=even true

# One that writes for ever waits for those who take it, and its broker does not grow.
brokers() { grep -ls '^hactor-io$' $(left_processes | sed 's,.*,/proc/&/task/[0-9]*/comm,') | cut -d/ -f3 | sort -u; }
ends "plugin probe, topic shell.start: has not returned within 4.5s" '{"flood":"shell.start"}' \
  -O output.limit=1M true
check_contains "$output" "is cut off after output.limit"
for broker in $(brokers); do
  peak=$(awk '/^VmHWM/ { print $2 }' "/proc/$broker/status")
  [ "$peak" -lt 400000 ] || fail "broker $broker has had $peak KB"
done
[ -n "$(brokers)" ] || fail "found no broker"

# A job that is cancelled while its plugins take their time ends at once.
id=$(hactor submit -O plugins="$probe:{\"hang\":\"shell.init\"}" true)
hactor job wait-event -t 20 "$id" alloc >/dev/null
hactor cancel "$id"
deadline 20 hactor job wait-event "$id" clean >/dev/null
check_equal "jobs that still run" "" "$(hactor jobs -no '{id}')"
check_equal "a plain job" fine "$(hactor run echo fine)"
no_plugins() {
  ! left_processes | while read -r pid; do cat "/proc/$pid/comm" 2>/dev/null; done | grep -q hactor-plugins
}
eventually 20 no_plugins
END

# With patience for plugins, a job that is cancelled has that of its cancelling alone.
instance -S resource.fake=nodes=1,cores=4 -S exec.kill_timeout=500ms <<'END'
# A signal that comes while plugins prepare the tasks is theirs when they run.
id=$(hactor submit -O plugins="$HACTOR_TEST_BUILD/lib/shell_probe.so:{\"wait\":\"task.init\"}" sleep 30)
until hactor job kill -s USR1 "$id" 2>/dev/null; do sleep 0.05; done
: >go
fails_with 138 deadline 20 hactor job status "$id"
mkfifo lines
for topic in shell.start shell.finish; do
  id=$(hactor submit \
    -O plugins="$HACTOR_TEST_BUILD/lib/shell_probe.so:{\"hang\":\"$topic\",\"trace\":\"$topic\"}" true)
  deadline 20 hactor job attach "$id" >lines 2>&1 &
  exec 3<lines
  line=
  while [ "${line%"probe: $topic"}" = "$line" ]; do
    read -r line <&3 || fail "$topic was never called"
  done
  hactor cancel "$id"
  deadline 20 hactor job wait-event "$id" clean >/dev/null
  check_contains "$(cat <&3)" "exception cancel"
done
END
