# Of the submitting commands: --log, --log-stderr, --wait-event of the execution; of batch --conf
# with a file, --broker-opts and --dump.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

start_seconds=70
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
END
