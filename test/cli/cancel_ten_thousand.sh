# 10,000 jobs are cancelled at once; each ends, and the instance goes on.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
cores=$(hactor resource list -n -o '{ncores}' | head -1 | tr -d ' ')
hactor submit --cc=1-10000 sleep 1000 >ids
hactor job wait-event -q "$(head -1 ids)" start
deadline 20 hactor cancel --all 2>said
check_contains "$(cat said)" "10000 jobs"
fails_with 143 deadline 30 hactor job status $(cat ids)
check_contains "$(hactor uptime)" "0 waiting, 0 running, 0 cleaning up, 10000 ended"
check_contains "$(hactor uptime)" "10000 canceled"
check_equal "free cores" "$cores" "$(hactor resource list -n -o '{ncores}' | head -1 | tr -d ' ')"
check_equal "afterwards" hello "$(hactor run echo hello)"
END
