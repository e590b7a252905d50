# A broker's PMIx server is killed: the MPI program that it served ends and says why, the next one
# works, a program that ends in a script without MPI_Finalize takes its job with it, and nothing is
# left behind, of the server neither.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

[ -x "$HACTOR_TEST_BUILD/bin/guest_openmpi" ] || skip "Open MPI is not here to build a guest"
[ -x "$HACTOR_TEST_BUILD/lib/hactor/hactor-pmix" ] || skip "hactor was built without libpmix"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
# Shared memory of tasks that were killed with their server would stay, as with any launcher.
export OMPI_MCA_btl=self,tcp

nodes=$((ranks > 1 ? ranks : 2))
export nodes
instance -S "resource.fake=nodes=$nodes,cores=4" <<'END'
guest=$HACTOR_TEST_BUILD/bin/guest_openmpi
servers() {
  left_processes | while read -r pid; do
    [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != hactor-pmix ] || echo "$pid"
  done
}
mkfifo lines
hactor run -N "$nodes" -n "$nodes" --unbuffered "$guest" stay >lines 2>said &
exec 3<lines
i=0
while [ "$i" -lt "$nodes" ]; do
  read -r line <&3
  i=$((i + 1))
done
check_equal "PMIx servers, one a broker" "$ranks" "$(servers | wc -l)"
# The first broker's: rank 1, of which the last job is to tell, is another's where there is one.
own=$(hactor getattr rundir)
for pid in $(servers); do
  ! grep -qzF "$own/" "/proc/$pid/cmdline" || kill -9 "$pid"
done
code=0
wait $! || code=$?
check_equal "exit code" 1 "$code"
check_contains "$(cat said)" "the PMIx server of its MPI program was ended by signal 9"

output=$(deadline 30 hactor run -N "$nodes" -n "$nodes" "$guest")
check_equal "lines of the next job" "$nodes" "$(echo "$output" | grep -c ': sum')"
# At once: the servers that were left have just lost the tasks of the first job.
fails_with 1 deadline 30 hactor run -N "$nodes" -n "$nodes" sh -c "$guest signal; sleep 60; true"
check_contains "$output" "the MPI program of rank 1 ended without MPI_Finalize"
END
