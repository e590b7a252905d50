# hactor jobs shows active jobs, with -a ended ones too, and JSON for programs.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
hactor job status "$(hactor submit -n 1 -J small uname)"
run=$(hactor submit sleep 100)
hactor job wait-event -q "$run" start
check_contains "$(hactor jobs | head -1)" "JOBID USER"
check_equal "active" "sleep R" "$(hactor jobs -n -o '{name} {status_abbrev}')"
check_equal "all" "sleep R,small CD" "$(hactor jobs -a -n -o '{name} {status_abbrev}' | paste -sd,)"
check_equal "as JSON" "sleep small" "$(hactor jobs -a --json | python3 -c '
import json, sys
print(*(j["name"] for j in json.load(sys.stdin)["jobs"]))')"
check_equal "as JSON lines" "sleep RUN,small INACTIVE" "$(hactor job list -a | python3 -c '
import json, sys
print(*(j["name"] + " " + j["state"] for j in map(json.loads, sys.stdin)), sep=",")')"
hactor submit --cc=1-10000 -t 10m sleep 1000 >/dev/null
check_equal "limited" 7 "$(hactor jobs -n -c 7 | wc -l)"
deadline 20 hactor jobs -n -c 0 -o '{id}' >list
check_equal "listed" 10001 "$(wc -l <list)"
deadline 20 hactor job list -c 0 >list
check_equal "JSON lines" 10001 "$(wc -l <list)"
fails_with 2 hactor job list --json
fails_with 2 hactor jobs -f runing
fails_with 2 hactor jobs -o '{idd}'
check_contains "$output" "idd"
hactor cancel --all -q
hactor job wait --all || true
check_equal "none active" "" "$(hactor jobs -n)"
END
