# An instance starts the same inside another instance; marks of a foreign launcher are understood.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
outer=$HACTOR_URI
inner=$(hactor run -n 1 hactor start --boot=alone sh -c 'echo "$HACTOR_URI $(hactor getattr size) $(hactor run echo inner)"')
check_contains "$inner" "1 inner"
check_lacks "$inner" "$outer"
END
# A launcher of several ranks without PMI: never N silent singletons.
fails_with 1 env SLURM_PROCID=0 SLURM_NTASKS=4 hactor-start true
check_contains "$output" "SLURM_PROCID=0"
fails_with 1 env PMI_RANK=1 PMI_SIZE=4 hactor-start true
check_contains "$output" "PMI_RANK=1"
fails_with 1 env PMI_RANK=one PMI_SIZE=4 PMI_FD=9 hactor-start true
check_contains "$output" "PMI_RANK=one"
# A launcher whose ranks the module cannot meet, each of which would be an instance of its own.
if [ -e "$HACTOR_TEST_BUILD/lib/hactor/hactor_mpi_openmpi.so" ]; then
  fails_with 1 env OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_RANK=0 hactor-start hactor getattr size
  check_contains "$output" "OMPI_COMM_WORLD_RANK=0 says that a launcher started 4 ranks, but the MPI module 'openmpi' has met 1"
  check_equal "by choice" 1 "$(env OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_RANK=0 hactor-start --mpi=none hactor getattr size)"
fi
