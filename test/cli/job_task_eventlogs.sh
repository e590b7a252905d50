# What tasks do and write as eventlogs: guest.exec.eventlog, guest.output and guest.input, printed,
# followed and waited for.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"
root=${HACTOR_TEST_LIB%/test/cli/*}
export PYTHONPATH="$root/workflow/python" PYTHONDONTWRITEBYTECODE=1

cat >read.py <<'PY'
import base64, json, sys
done = {}
text = {}
first = None
for line in sys.stdin:
    e = json.loads(line)
    assert set(e) <= {"timestamp", "name", "context"} and e["timestamp"] > 0, e
    first = first or e["name"]
    c = e["context"]
    if e["name"] == "data":
        key = (c["stream"], c["rank"])
        assert key not in done, e
        if c.get("eof"):
            done[key] = True
        if "data" in c:
            data = base64.b64decode(c["data"]) if c.get("encoding") == "base64" else c["data"].encode()
            text[key] = text.get(key, b"") + data
assert first == "header", first
print(sorted(text.items()), len(done))
PY

instance -S resource.fake=nodes=2,cores=4 <<'END'
id=$(hactor submit -N 2 -n 2 sh -c 'echo "out $HACTOR_TASK_RANK"; echo err >&2; exit $HACTOR_TASK_RANK')
fails_with 1 deadline 20 hactor job status "$id"
check_equal "output" "[(('stderr', '0'), b'err\n'), (('stderr', '1'), b'err\n'), (('stdout', '0'), b'out 0\n'), (('stdout', '1'), b'out 1\n')] 4" \
  "$(hactor job info "$id" guest.output | python3 read.py | sed 's/\\n/\n/g; s/\n/\\n/g')"
check_contains "$(hactor job eventlog -f json -p output "$id" | head -1)" '"name":"header","context":{"version":1,'
check_contains "$(hactor job eventlog -p guest.output "$id")" 'data data="out 1\n" rank="1" stream="stdout"'
check_contains "$(hactor job eventlog -p input "$id")" 'data eof=true rank="all" stream="stdin"'
exec=$(hactor job eventlog -p exec "$id")
check_equal "its execution" "init starting shell.init shell.start shell.task-exit complete done" \
  "$(echo "$exec" | awk '$2 != "exception" {print $2}' | xargs)"
check_contains "$exec" "shell.init leader-rank=0 rank=0 service=\"$(id -u)-shell-$id\" size=2"
check_contains "$(hactor job eventlog -f json -p exec "$id")" \
  '"name":"shell.start","context":{"taskmap":{"version":1,"map":[[0,2,1,1]]}}'
check_contains "$exec" 'state="Exited"'
check_contains "$exec" "complete status=256"

check_equal "in Python" "header data data data data" "$(python3 -c '
import sys, hactor
entries = list(hactor.Instance().eventlog(sys.argv[1], "guest.output"))
print(*[e["name"] for e in entries if "eof" not in e["context"]])
assert sum("eof" in e["context"] for e in entries) == 4, entries' "$id")"

# Which event, by what it says; with those before it; and when.
id=$(hactor submit false)
check_contains "$(deadline 20 hactor job wait-event -m status=256 "$id" finish)" "finish status=256"
fails_with 1 deadline 20 hactor job wait-event -m status=0 "$id" finish
check_contains "$output" "without the event"
fails_with 2 hactor job wait-event -m status "$id" finish
check_contains "$output" "must be KEY=VALUE"
deadline 20 hactor job wait-event -v -T offset "$id" start >lines
check_contains "$(head -n 1 lines)" "0.000000 submit"
check_contains "$(tail -n 1 lines)" " start"
check_equal "all before it" 6 "$(wc -l <lines)"

# While it runs: what there is by now, and what comes.
mkfifo go
id=$(hactor submit sh -c 'echo one; read x <go; echo two')
check_contains "$(deadline 20 hactor job wait-event -p output "$id" data)" 'data="one\n"'
check_lacks "$(hactor job eventlog -p output "$id")" eof
hactor job eventlog -F -p output "$id" >followed & follower=$!
deadline 20 hactor job wait-event -q -p exec "$id" shell.start
check_lacks "$(hactor job info "$id" guest.exec.eventlog)" complete
fails_with 1 hactor job wait-event -t 0.2s -p guest.exec.eventlog "$id" complete
echo >go
deadline 20 hactor job wait-event -q -p guest.exec.eventlog "$id" shell.task-exit
wait "$follower"
check_contains "$(cat followed)" 'data="two\n"'
check_equal "the end" 'data eof=true rank="0" stream="stderr"' "$(tail -1 followed | cut -d' ' -f2-)"
start=$(hactor job eventlog "$id" | awk '$2 == "start" {print $1}')
hactor job eventlog -p exec "$id" | awk -v start="$start" '
  $2 == "shell.init" {init = $1} $2 == "shell.start" {began = $1} $2 == "shell.task-exit" {exited = $1}
  $2 == "complete" {over = $1}
  END {exit !(init <= began && began == start && exited > began && exited <= over)}' ||
  fail "times: $(hactor job eventlog -p exec "$id")"

# A task that ends before the start is noted is not older than it.
for program in true true false; do
  id=$(hactor submit "$program")
  deadline 20 hactor job status "$id" || true
  hactor job eventlog -p exec "$id" >log
  check_equal "all of it" done "$(tail -n 1 log | cut -d' ' -f2)"
  awk '$1 < before {exit 1} {before = $1}' log || fail "times go back: $(cat log)"
done

# The first task's end is there while the other runs, also for whoever looks later.
id=$(hactor submit -n 2 sh -c 'test $HACTOR_TASK_RANK = 1 && exit 3; read x <go')
check_contains "$(deadline 20 hactor job wait-event -p exec "$id" shell.task-exit)" 'exitcode=3'
check_lacks "$(hactor job info "$id" guest.exec.eventlog)" complete
check_equal "still runs" R "$(hactor jobs -no '{status_abbrev}' "$id")"
before=$(hactor job eventlog -p exec "$id")
echo >go
fails_with 3 deadline 20 hactor job status "$id"
after=$(hactor job eventlog -p exec "$id")
check_equal "the log has grown" "$before" "$(echo "$after" | head -n "$(echo "$before" | wc -l)")"
check_equal "one end is told" 1 "$(echo "$after" | grep -c task-exit)"

# What is sent to a job is kept, its beginning, and is no output of it.
id=$(hactor submit -n 2 --input=all sh -c 'cat >/dev/null; echo read')
printf 'one\ntwo\n' | deadline 20 hactor job attach --stdin-ranks=all "$id" >attached
check_equal "its output" "read read" "$(xargs <attached)"
check_contains "$(hactor job eventlog -p input "$id")" 'data="one\ntwo\n" rank="all" stream="stdin"'
check_lacks "$(hactor job eventlog -p input "$id")" read
check_lacks "$(hactor job eventlog -p output "$id")" stdin
check_contains "$(hactor job attach "$id")" read
check_lacks "$(hactor job attach "$id")" two
id=$(hactor submit --input=all sh -c 'wc -c')
head -c 100000 /dev/zero | tr '\0' x | deadline 20 hactor job attach --stdin-ranks=all "$id" >attached
check_equal "all of it came" 100000 "$(xargs <attached)"
check_contains "$(hactor job eventlog -p input "$id")" 'message="the first 65536 bytes of standard input are kept'
check_equal "kept" 65536 "$(hactor job eventlog -f json -p input "$id" | python3 -c '
import json, sys
print(sum(len(e["context"].get("data", "")) for e in map(json.loads, sys.stdin) if e["name"] == "data"))')"

# Files, bytes that are no text, mistakes.
id=$(hactor submit -o 'file.{{id}}' true)
deadline 20 hactor job status "$id"
check_contains "$(hactor job eventlog -p output "$id")" "redirect path=\"file.$id\" rank=\"0\" stream=\"stdout\""
id=$(hactor submit printf 'a\377b')
deadline 20 hactor job status "$id"
check_contains "$(hactor job eventlog -p output "$id")" 'encoding="base64"'
fails_with 2 hactor job wait-event -p exec "$id" shell.strat
check_contains "$output" "did you mean shell.start"
fails_with 2 hactor job eventlog -p nothing "$id"
fails_with 1 hactor job wait-event -p output "$id" redirect
check_contains "$output" "has ended without the event"
fails_with 1 hactor job info f3xK2 guest.output
END
