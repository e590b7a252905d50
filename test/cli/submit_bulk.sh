# 10,000 jobs of one request: each runs once, none is lost or comes twice.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
hactor submit --cc=1-10000 --setattr=exec.test.run_duration=0 true >ids
check_equal "ids" 10000 "$(sort -u ids | wc -l)"
fails_with 0 hactor job wait --all $(tail -1 ids)
hactor events --since 0 --names=clean --no-follow >events
python3 - <<'PY'
import json
ids = [line.strip() for line in open("ids")]
ended = [json.loads(line)["id"] for line in open("events")]
assert sorted(ids) == sorted(ended), (len(ids), len(ended), len(set(ended)))
PY
check_equal "listed" 10000 "$(hactor jobs -a -n -c 0 -o '{id}' | sort -u | wc -l)"
check_equal "one of --cc=1-1" 1 "$(hactor submit --cc=1-1 true | wc -l)"
END
