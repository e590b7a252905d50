# Of the submitting commands: --log, --log-stderr, --wait-event of the execution; of batch --conf
# with a file, --broker-opts and --dump.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

start_seconds=80
instance -S resource.fake=nodes=1,cores=4 <<'END'
hactor submit --log=log true
id=$(cat log)
hactor job status "$id"
hactor submit --log=log --watch sh -c 'echo out; echo err >&2'
check_contains "$(cat log)" out
check_contains "$(cat log)" err
check_equal "apart" out "$(hactor submit --quiet --log-stderr=log --watch sh -c 'echo out; echo err >&2')"
check_equal "errors" err "$(cat log)"
fails_with 1 hactor submit --log=/nowhere/log true
check_contains "$output" /nowhere/log
id=$(hactor submit --wait-event=exec.shell.start sleep 100)
check_contains "$(hactor job eventlog "$id")" " start"
hactor cancel "$id"
# Of the execution alone, when they have happened there.
mkfifo go
hactor submit --wait-event=exec.shell.task-exit sh -c 'read x <go' >ids & waiter=$!
eventually 10 test -s ids
hactor job wait-event -q "$(cat ids)" start
check_equal "runs" RUN "$(hactor jobs -n -o '{status}' "$(cat ids)")"
kill -0 "$waiter" || fail "did not wait for the task's end"
echo >go
wait "$waiter"
check_contains "$(hactor job eventlog -p exec "$(cat ids)")" shell.task-exit
deadline 20 hactor submit --cc=1-3 --wait-event=exec.done true >ids
for id in $(cat ids); do
  check_contains "$(hactor job eventlog "$id")" clean
done
fails_with 1 deadline 20 hactor submit --wait-event=exec.exception true
check_contains "$output" "without the event \"exec.exception\""
fails_with 2 hactor submit --wait-event=exec.shell.strat true
check_contains "$output" "did you mean shell.start"
for log in 'l.{cc}' 'l.{}' 'l.{cc+1}'; do
  fails_with 2 hactor submit --log="$log" --cc=1-2 true
  check_contains "$output" "is this command's"
done
[ ! -e 'l.{cc}' ] || fail "a file l.{cc}"

cat >conf.toml <<'TOML'
[sched-fluxion-qmanager]
queue-policy = "easy"
TOML
code=0
hactor batch --wait -n 2 -o out --conf=conf.toml --conf='sched.queues=a;b' \
  --broker-opts='-S sched.queue_depth=7' --dump=records --wrap \
  'hactor run -q a true; hactor lsattr -v; hactor run -q b false; exit 3' || code=$?
check_equal "the script's code" 3 "$code"
check_contains "$(grep sched.policy out)" easy
check_contains "$(grep sched.queue_depth out)" 7
check_equal "records" "a COMPLETED,b FAILED" "$(python3 -c '
import json
print(*sorted(j["queue"] + " " + {1: "COMPLETED", 2: "FAILED"}.get(j["result"], str(j["result"]))
              for j in map(json.loads, open("records"))), sep=",")')"
# Without a name for it, the script's is not taken.
printf '#!/bin/sh\nhactor run -J inner true\n' >script.sh
id=$(hactor batch --wait -n 1 -o out --dump script.sh)
check_contains "$(cat "hactor-$id.dump")" '"name":"inner"'
fails_with 1 hactor batch --conf=none.toml --wrap true
check_contains "$output" none.toml
# A configuration with a name: the person's own, or the site's.
export XDG_CONFIG_HOME="$PWD/own" XDG_CONFIG_DIRS="$PWD/site"
mkdir -p own/hactor/config site/hactor/config
cp conf.toml own/hactor/config/mine.toml
cp conf.toml site/hactor/config/ours.toml
for name in mine ours; do
  hactor batch --wait -n 1 -o out --conf="$name" --wrap 'hactor lsattr -v'
  check_contains "$(grep sched.policy out)" easy
done
fails_with 2 hactor batch --conf=nobodys --wrap true
check_contains "$output" "own/hactor/config/nobodys.toml"
END
