# Launched by an mpirun whose MPI hactor was built without, each rank says so and ends.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

mkdir -p prefix/bin prefix/lib/hactor
cp "$(command -v hactor-start)" prefix/bin
fails_with 1 $(launch_words) prefix/bin/hactor-start true
check_contains "$output" "hactor_mpi_$launcher.so"
check_contains "$output" "_RANK="
