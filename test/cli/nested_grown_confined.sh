# An instance in a job whose tasks are bound gets a node more: its jobs stay on the cores that were
# granted there too, to any depth.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

[ "$(nproc)" -ge 2 ] || skip "needs two CPUs"
ranks=2 # each has cores of its own
instance 2>log <<'END' || fail "$(cat log)"
cpus() { "$@" grep Cpus_allowed_list /proc/self/status | cut -f2; }
there=$(cpus hactor run -n 1 -c 1 --cpu-affinity=on --requires=rank:1)
open=$(cpus hactor run -n 1 --cpu-affinity=off --requires=rank:1) # a launcher may bind its ranks
cat >inner.sh <<'INNER'
cpus() { "$@" grep Cpus_allowed_list /proc/self/status | cut -f2; }
hactor resource grow -N 1
cpus hactor run --requires=rank:1 >grown
cpus hactor run --requires=rank:1 hactor start hactor run >deeper
hactor resource shrink 1
INNER
hactor run -n 1 -c 1 --cpu-affinity=on hactor start sh inner.sh
check_equal "a job there" "$there" "$(cat grown)"
check_equal "deeper" "$there" "$(cat deeper)"
# In one that is not bound they are not either.
hactor run -n 1 --cpu-affinity=off hactor start sh inner.sh
check_equal "not bound" "$open" "$(cat grown)"
END
