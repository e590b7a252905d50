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
