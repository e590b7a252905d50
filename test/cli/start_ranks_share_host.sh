# Several ranks on one host split it, which one line says; nothing is counted twice.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance 2>note <<'END'
hactor resource list -n -o '{state} {nnodes} {ncores}' >"$scratch/resources"
END
lines=$(grep -c "$ranks ranks on $(uname -n)" note)
check_equal "lines that say it" 1 "$lines"
cores=$(nproc)
[ "$cores" -ge "$ranks" ] || cores=$ranks
check_contains "$(cat resources)" "free $ranks $cores"
instance --oversubscribe 2>note <<'END'
hactor resource list -n -o '{state} {nnodes} {ncores}' >"$scratch/resources"
END
check_contains "$(cat resources)" "free $ranks $((ranks * $(nproc)))"
