# hactor job info prints a job's documents; an unknown key or id says what there is.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
id=$(hactor submit -n 1 true)
hactor job status "$id"
hactor job info "$id" R | python3 -c '
import json, sys
R = json.load(sys.stdin)
assert R["version"] == 1 and R["execution"]["nodelist"], R
assert R["execution"]["R_lite"][0]["children"]["core"] == "0", R'
hactor job info "$id" jobspec | python3 -c '
import json, sys
assert json.load(sys.stdin)["tasks"][0]["command"] == ["true"]'
check_contains "$(hactor job info "$id" eventlog)" '"name":"submit"'
fails_with 1 hactor job info "$id" r
check_contains "$output" "jobspec, R, eventlog"
END
