# Listings by user, queue, host, rank, name, state and result; sorted; what jobs used.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
me=$(id -un)
hactor submit --quiet --wait -J good true
hactor submit --quiet --wait -J bad false 2>/dev/null || true
hactor submit --quiet -J held --hold true
names() { hactor jobs -a -n --sort=name -o '{name}' "$@" | tr '\n' ' '; }
check_equal "all" "bad good held " "$(names)"
check_equal "of me" "bad good held " "$(names -u "$me")"
check_equal "by number" "bad good held " "$(names -u "$(id -u)")"
check_equal "of all" "bad good held " "$(names -u all)"
check_equal "of another" "" "$(names -u 4711)"
fails_with 1 hactor jobs -u nobody-at-all
check_contains "$output" "there is no user 'nobody-at-all'"
check_equal "of a queue" "" "$(names -q elsewhere)"
check_equal "of this host" "bad good " "$(names -i "$(hostname)")"
check_equal "of rank 0" "bad good " "$(names -i 0)"
check_equal "of rank 1" "" "$(names -i 1)"
check_equal "of another host" "" "$(names -i "other[1-3]")"
fails_with 2 hactor jobs -i 'x['
check_contains "$output" "--include"
check_equal "by name" "good " "$(names --name good)"
check_equal "by result" "bad " "$(names -f failed)"
check_equal "downwards" "held good bad " "$(hactor jobs -a -n --sort=-name -o '{name}' | tr '\n' ' ')"
fails_with 2 hactor jobs --sort=nothing
# Memory and time are in the record.
id=$(hactor submit --wait sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done')
hactor job info "$id" record | python3 -c '
import json, sys
j = json.load(sys.stdin)
assert j["maxrss_kb"] > 100, j
assert j["user_s"] + j["system_s"] > 0, j
assert j["t_submit"] <= j["t_sched"] <= j["t_run"] <= j["t_inactive"], j'
check_contains "$(hactor jobs -a -o usage "$id" | head -1)" "MAXRSS-KB"
# What it wrote on a disk, over both of its tasks.
id=$(hactor submit --wait -n 2 sh -c 'dd if=/dev/zero of=big.$HACTOR_TASK_RANK bs=1M count=4 conv=fsync 2>&1')
case $(stat -f -c %T .) in
  tmpfs | ramfs) wanted=0 ;;
  *) wanted=8192 ;;
esac
written=$(hactor jobs -a -n -o '{written_kb}' "$id" | tr -d ' ')
[ "$written" -ge "$wanted" ] || fail "written: $written"
check_contains "$(hactor job info "$id" record)" '"read_kb":'
check_equal "tries" 1 "$(hactor jobs -a -n -o '{attempts}' "$id")"
fails_with 0 hactor jobs --stats -a
check_contains "$output" "0 running, 1 pending, 3 completed, 1 failed"
# A copy has the name that it shows, and a job with a range as many tasks as it got room for.
hactor submit --quiet --wait -J 'copy{cc}' --cc=1-2 true
check_equal "a copy by its name" "copy2 " "$(names --name copy2)"
cores=$(hactor resource list -n -o '{ncores}' | head -1 | tr -d ' ')
hactor submit --quiet --wait -J range -n "1-$cores" true
check_equal "tasks" "$cores" "$(hactor jobs -a -n --name range -o '{ntasks}')"
END
