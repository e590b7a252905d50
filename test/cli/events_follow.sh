# The event stream has every change of every job once, in order, live and later.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
mkfifo live
hactor events --since 0 >live &
follower=$!
hactor submit --cc=1-100 true >ids
python3 - 100 <<'PY'
import json, sys
after = {"submit": "NEW", "validate": "DEPEND", "depend": "PRIORITY", "priority": "SCHED",
         "alloc": "RUN", "start": "RUN", "finish": "CLEANUP", "release": "CLEANUP",
         "free": "CLEANUP", "clean": "INACTIVE"}
wanted, ended, seen, last = int(sys.argv[1]), 0, {}, 0
for line in open("live"):
    e = json.loads(line)
    assert e["seq"] == last + 1, (last, line)
    last = e["seq"]
    assert e["state"] == after[e["name"]], line
    seen.setdefault(e["id"], []).append(e["name"])
    ended += e["name"] == "clean"
    if ended == wanted:
        break
assert all(names == list(after) for names in seen.values()), seen
assert sorted(seen) == sorted(open("ids").read().split())
PY
wait "$follower" || true # it ends by itself: nobody reads on
check_equal "replayed" 1000 "$(hactor events --since 0 --no-follow | wc -l)"
check_equal "from 991" 991 "$(hactor events --since 991 --no-follow | head -1 | cut -d, -f1 | tr -dc 0-9)"
check_equal "of one" 10 "$(hactor events --since 0 --no-follow "$(head -1 ids)" | wc -l)"
END
