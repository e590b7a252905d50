# Whoever asks on another rank than the lead's is answered as there.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
waiting=$(hactor submit --hold true)
for what in "jobs -n -o {id}" "job list $waiting" "uptime" "explain $waiting" "resource list -n" "queue status" \
  "jobs --stats" "job info $waiting jobspec" "stats" "lsattr" "events --since 0 --no-follow" "pstree"; do
  output=$(deadline 10 hactor exec -r all hactor $what) || fail "hactor $what: exit code $?: $output"
done
check_equal "the job, as each rank sees it" "$ranks" "$(hactor exec -r all hactor jobs -n -o '{id}' | grep -c "$waiting")"
END
