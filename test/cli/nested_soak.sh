# Children that come and go leave nothing: after so many of them the broker has as many descriptors
# and actors as before, and has grown by what the records of their jobs take. 300 of them;
# HACTOR_SOAK_CHILDREN=10000 by hand.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

export HACTOR_SOAK_CHILDREN="${HACTOR_SOAK_CHILDREN:-300}"
start_seconds=$((100 + HACTOR_SOAK_CHILDREN / 10))
instance -S resource.fake=nodes=4,cores=4 <<'END'
cat >measure.py <<'PY'
# NAME: what the broker has, as "descriptors actors kilobytes", when what has ended is gone.
import json, os, re, subprocess, time

def now():
    stats = json.loads(subprocess.check_output(["hactor", "stats"]))
    process = stats["process"]
    folder = "/proc/%d/" % process["pid"]
    # The anonymous part: what LMDB maps of the journal is the page cache's.
    rss = int(re.search(r"RssAnon:\s*(\d+)", open(folder + "status").read()).group(1))
    return [len(os.listdir(folder + "fd")), process["actors"], rss], (
        stats["exec"]["instances"], stats["connector"]["clients"])

last, busy = now()
end, same = time.monotonic() + 20, 0
while time.monotonic() < end: # actors that were told to end do so in their own time
    before = last
    last, busy = now()
    # The one client is this question.
    same = same + 1 if busy == (0, 1) and last[:2] == before[:2] else 0
    if same == 5:
        break
print(*last)
PY
children() { # COUNT: one after another and side by side, as there is room; each runs a job of its own
  hactor submit --quiet --cc="1-$1" --wait hactor start hactor run true
}
children 100 # what is made once is made
set -- $(python3 measure.py)
began=$(date +%s)
children "$HACTOR_SOAK_CHILDREN"
seconds=$(($(date +%s) - began))
before="$*"
set -- $before $(python3 measure.py)
echo "$HACTOR_SOAK_CHILDREN children in $seconds s: descriptors $1 then $4, actors $2 then $5," \
  "$(($6 - $3)) kB more, $((($6 - $3) * 1024 / HACTOR_SOAK_CHILDREN)) bytes a child"
[ $(($4 - $1)) -le 1 ] || fail "descriptors are left" # one may be the end of the question itself
check_equal "actors" "$2" "$5"
# Records of two ended jobs each, and what an allocator keeps of a busy moment.
[ $(($6 - $3)) -le $((8192 + HACTOR_SOAK_CHILDREN * 3)) ] || fail "the broker grew by $(($6 - $3)) kB"
check_equal "not one has failed" 0 "$(hactor jobs -a -f failed,canceled,timeout -n | wc -l)"
END
