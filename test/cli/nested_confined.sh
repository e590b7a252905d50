# Jobs of an instance within a job stay on the cores that the job was granted, whatever started the
# instance; as the kernel sees it where the job's tasks are bound.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

[ "$(nproc)" -ge 2 ] || skip "needs two CPUs"
instance <<'END'
one="1 Node, 1 Core,"
check_contains "$(hactor run -n 1 hactor start hactor resource info)" "$one"
check_contains "$(hactor run -n 1 hactor start --boot=mpi -- hactor resource info)" "$one"
check_contains "$(hactor run -n 1 hactor start --statedir="$scratch/state" -- hactor resource info)" "$one"
check_contains "$(hactor run -n 1 hactor start sh -c 'hactor start hactor resource info')" "$one"
if [ -n "$(ls "$HACTOR_TEST_BUILD"/lib/hactor/hactor_mpi_*.so 2>/dev/null)" ]; then
  # Two brokers where one core was granted have that.
  hactor run -n 1 hactor start sh -c 'hactor start -s 2 sh -c "
    hactor run -N 2 -n 2 -c 1 --cpu-affinity=per-task grep Cpus_allowed_list /proc/self/status"' >two
  check_equal "CPUs of its jobs" 1 "$(grep Cpus_allowed_list two | sort -u | wc -l)"
  check_equal "jobs" 2 "$(grep -c Cpus_allowed_list two)"
fi
# Each of two at once has its own core.
for i in 1 2; do
  mkfifo "up.$i" "go.$i"
  hactor submit -n 1 hactor start --boot=mpi sh -c "hactor resource R >R.$i; echo up >up.$i; read -r line <go.$i"
done >ids
for i in 1 2; do read -r line <"up.$i"; done
check_equal "cores" "0 1" "$(cat R.1 R.2 | sed 's/.*"core":"\([^"]*\)".*/\1/' | sort | xargs)"
for i in 1 2; do echo go >"go.$i"; done
hactor job status $(cat ids)

# The jobs of a bound one are bound to what it has, at any depth; a binding of their own is within.
cpus() { "$@" sh -c 'grep Cpus_allowed_list /proc/self/status | cut -f2'; }
bound=$(cpus hactor run -n 1 -c 1)
check_equal "a job in it" "$bound" "$(cpus hactor run -n 1 -c 1 hactor start hactor run -n 1)"
check_equal "one that is bound" "$bound" "$(cpus hactor run -n 1 -c 1 hactor start hactor run -c 1)"
check_equal "one that would not be" "$bound" \
  "$(cpus hactor run -n 1 -c 1 hactor start hactor run --cpu-affinity=off)"
check_equal "deeper" "$bound" \
  "$(cpus hactor run -n 1 -c 1 hactor start hactor run hactor start hactor run)"
all=$(cpus env)
check_equal "in one that is not bound" "$all" "$(cpus hactor run -n 1 hactor start hactor run -n 1)"
END

# Pretended nodes: as many real cores as were granted.
instance -S resource.fake=nodes=2,cores=4 <<'END'
check_contains "$(hactor run -N 2 -n 2 hactor start --boot=mpi -- hactor resource info)" "2 Nodes, 2 Cores,"
END
