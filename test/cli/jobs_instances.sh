# The fields instance.* tell what is in the instances that jobs hold; hactor job stats counts jobs,
# hactor job namespace names where a job's keys are.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance -S resource.fake=nodes=4,cores=4 <<'END'
mkfifo up
cat >inner.sh <<'S'
c=$(hactor submit -n 8 sleep 300)
hactor job wait-event -q "$c" start
hactor cancel "$c"
hactor job wait "$c" 2>/dev/null || true
hactor run true
hactor run false || true
hactor run -c 3 sh -c 'hactor submit -n 8 true >/dev/null; echo up >up; exec sleep 300'
S
id=$(hactor submit -N 2 -n 2 -c 4 hactor start sh inner.sh)
read -r line <up
plain=$(hactor submit sleep 300)
hactor job wait-event -q "$plain" start
show() { hactor jobs -n -o "$1" "$id"; }
check_equal "jobs" "PD:1 R:1 CD:1 F:1" "$(show '{instance.stats}')"
check_equal "one number" 5 "$(show '{instance.stats.total}')"
check_equal "canceled" 1 "$(show '{instance.stats.canceled}')"
check_equal "how far" 60% "$(show '{instance.progress!P}')"
check_equal "of a job without one" "" "$(hactor jobs -n -o '?:{instance.stats}' "$plain" | tr -d ' \n')"
check_equal "nodes and cores" "2 8 2 0" \
  "$(show '{instance.resources.all.nnodes} {instance.resources.all.ncores} {instance.resources.up.nnodes} {instance.resources.down.ncores}')"
check_equal "in use, and not" "3 5 0.375" \
  "$(show '{instance.resources.allocated.ncores} {instance.resources.free.ncores} {instance.utilization}')"
check_equal "no GPUs, no share" "" "$(show '{instance.gpu_utilization}')"
check_equal "by a person" "sleep hactor" "$(echo $(hactor jobs -n -o 'sort:instance.stats {name}'))"
check_contains "$(hactor jobs -o '{id} {instance.stats} {instance.utilization!P}')" STATS
check_equal "in json" 5 "$(hactor jobs --json -o '{instance.stats}' "$id" | python3 -c '
import json, sys
print(json.load(sys.stdin)["instance"]["stats"]["total"])')"
check_equal "spelled as for Flux" "$(hactor jobs -R -n -o '{name}')" \
  "$(hactor jobs --recurse-all --threads=4 -R -n -o '{name}')"
fails_with 2 hactor jobs --threads=0
fails_with 2 hactor jobs -o '{instance.numbers}'

hactor cancel -q "$plain"
hactor job wait "$plain" 2>/dev/null || true
check_equal "stats" "1 1 2 0 0 1 0" "$(hactor job stats | python3 -c '
import json, sys
s = json.load(sys.stdin)
j = s["job_states"]
print(j["run"], j["inactive"], j["total"], s["successful"], s["failed"], s["canceled"], s["timeout"])')"

put=$(hactor submit --wait hactor kvs put key=value)
check_equal "namespace" value "$(hactor kvs get -N "$(hactor job namespace "$(hactor job id --to=dec "$put")")" key)"
fails_with 2 hactor job namespace no-id
END
