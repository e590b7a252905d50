# hactor start -s 2 starts two brokers here and ends with its command's exit code.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

fails_with 5 deadline 30 hactor start -s 2 sh -c 'test $(hactor getattr size) = 2 && exit 5'
fails_with 5 deadline 30 hactor start --test-size=2 sh -c 'test $(hactor getattr size) = 2 && exit 5'
fails_with 0 deadline 30 hactor start -s 2 -v true
check_contains "$output" "hactor-start"
fails_with 2 hactor start -s 0 true
fails_with 2 hactor start -s many true
check_contains "$output" "many"
fails_with 2 hactor start -s 2 --mpi=lam true
check_contains "$output" "mpich or openmpi"

# One of many that a launcher started, and that cannot be joined, is never an instance of its own.
for mark in PMIX_RANK=2 FLUX_TASK_RANK=1 FLUX_JOB_SIZE=4 PMI_RANK=1 PMI_SIZE=4 PALS_RANKID=1 \
  MPI_LOCALNRANKS=2 OMPI_COMM_WORLD_SIZE=2; do
  fails_with 1 env $mark hactor-start true
  check_contains "$output" "$mark says that a launcher started"
  fails_with 0 deadline 30 env $mark hactor-start --mpi=none true
done
fails_with 1 env FLUX_TASK_RANK=1 FLUX_JOB_SIZE=4 hactor-start true
check_contains "$output" "FLUX_TASK_RANK=1 says that a launcher started 4 ranks"
if [ -e "$(dirname "$(command -v hactor-start)")/../lib/hactor/hactor_mpi_openmpi.so" ]; then
  fails_with 1 deadline 30 env PMIX_RANK=1 PMIX_NAMESPACE=x hactor-start true
  check_contains "$output" "PMIX_RANK=1"
fi
# Nor are the tasks of a job of ours: with the process manager they are one, without they are told.
deadline 40 hactor-start -S resource.fake=nodes=1,cores=4 sh -c '
  hactor run -n 2 hactor-start sh -c "hactor getattr size >size"
  test "$(cat size)" = 2'
fails_with 1 deadline 40 hactor-start -S resource.fake=nodes=1,cores=4 \
  hactor run -n 2 -O pmi=none --compat=flux hactor-start true
check_contains "$output" "FLUX_TASK_RANK=1 says that a launcher started 2 ranks"
