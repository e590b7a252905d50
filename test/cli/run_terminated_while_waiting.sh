# SIGTERM to hactor run of a job that still waits cancels the job: it never starts.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
cores=$(hactor resource list -n -o '{ncores}' | head -1 | tr -d ' ')
hog=$(hactor submit -n "$cores" sleep 86412)
hactor job wait-event -q "$hog" start
hactor run --job-name=waits touch started &
run=$!
it_waits() { [ -n "$(hactor jobs -n --name=waits -o '{id}')" ]; }
eventually 20 it_waits
kill -TERM $run
code=0
wait $run || code=$?
check_equal "exit code of run" 1 "$code"
check_contains "$(hactor jobs -a -n --name=waits -o '{result}')" CANCELED
check_equal "started" 0 "$(ls started 2>/dev/null | wc -l)"
hactor cancel "$hog"
END
