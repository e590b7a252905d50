# MPI programs as jobs on two hosts that share no memory: ranks on each, which meet over the network,
# and a rank over there that dies.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"
. "${HACTOR_TEST_LIB%/*}/hosts_lib.sh"

find_guests
make_hosts
words="-S transport=tcp -S transport.key=$scratch/key -S transport.start_timeout=20s --oversubscribe
  -S transport.hosts=nodea,nodeb -S resource.fake=nodes=2,cores=4"
words=$(echo $words)
cat >script <<'END'
. "$HACTOR_TEST_LIB"
for mpi in $guests; do
  guest=$HACTOR_TEST_BUILD/bin/guest_$mpi
  output=$(deadline 40 hactor run -N 2 -n 8 "$guest")
  check_equal "ranks of $mpi that have the sum" 8 "$(echo "$output" | grep -c 'of 8: sum 36$')"
  # What a rank has to know of another is fetched when it is wanted, instead of told to all.
  output=$(OMPI_MCA_pmix_base_async_modex=1 deadline 40 hactor run -N 2 -n 4 "$guest")
  check_equal "ranks of $mpi that fetched" 4 "$(echo "$output" | grep -c 'of 4: sum 10$')"
  # Two programs with a world each, the first of them on both hosts.
  cat >"$HACTOR_TEST_SCRATCH/worlds.yaml" <<SPEC
version: 9999
resources:
  - {type: slot, label: wide, count: 6, with: [{type: core, count: 1}]}
  - {type: slot, label: narrow, count: 2, with: [{type: core, count: 1}]}
tasks:
  - {command: [$guest], slot: wide, count: {per_slot: 1}}
  - {command: [$guest], slot: narrow, count: {per_slot: 1}}
attributes: {system: {duration: 60, shell: {options: {worlds: each}}, environment: {PATH: "$PATH",
  OMPI_MCA_pmix_base_async_modex: "1"}}}
SPEC
  id=$(hactor job submit "$HACTOR_TEST_SCRATCH/worlds.yaml")
  output=$(deadline 40 hactor job attach "$id")
  check_equal "two worlds of $mpi" "6 2" \
    "$(echo "$output" | grep -c 'of 6: sum 21$') $(echo "$output" | grep -c 'of 2: sum 3$')"
  fails_with 7 deadline 30 hactor run -N 2 -n 2 "$guest" abort
  check_contains "$output" "nodeb: rank 1 called MPI_Abort with code 7"
  fails_with 137 deadline 30 hactor run -N 2 -n 2 "$guest" signal
  check_contains "$output" "nodeb: rank 1 was ended by signal 9"
done
END
on_host nodeb timeout -k 5 90 hactor-start $words -- sh $scratch/script >b.said 2>&1 &
other=$!
found=0
output=$(on_host nodea timeout -k 5 90 hactor-start $words -- sh $scratch/script 2>&1) || found=$?
check_equal "exit code of nodea, which said: $output" 0 "$found"
wait $other || fail "nodeb ended with $?: $(cat b.said)"
