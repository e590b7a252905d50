# MPI programs whose ranks do not come together say who is missing; an MPI of which it is known that
# it does not work is named, with those that do.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

# A rank that has called MPI_Init, as far as its process manager can tell (PMI-1).
cat >ranks.sh <<'END'
#!/bin/sh
init() { echo cmd=init pmi_version=1 pmi_subversion=1 >&3; read -r answer <&3; }
finish() { echo cmd=finalize >&3; read -r answer <&3; }
case $1 in
  some) # rank 0 alone, until somebody says go
    [ "$HACTOR_TASK_RANK" != 0 ] || init
    read -r word <go
    [ "$HACTOR_TASK_RANK" != 0 ] || finish ;;
  all) init; finish ;;
  meet) # that of broker 1 when somebody says so
    [ "$(hactor getattr rank)" != 1 ] || read -r word <late
    init
    echo cmd=barrier_in >&3
    read -r answer <&3
    finish ;;
esac
END
library=$(ldconfig -p | awk '/libm\.so\.6/ { print $NF; exit }')
[ -n "$library" ] || skip "there is no library to take for another"
mkdir faulty good
cp "$library" faulty/libmpi.so.40.20.1
cp "$library" good/libmpi.so.40.20.2

instance -S resource.fake=nodes=1,cores=8 -S exec.mpi_patience=4s <<'END'
mkfifo go said
exec 5<>go 6<>said
hactor run -n 4 sh ranks.sh some 2>said & job=$!
read -r note <&6
check_contains "$note" "rank 0 of 4 called MPI_Init"
check_contains "$note" "and ranks 1-3 did not"
printf '1\n2\n3\n4\n' >&5
wait "$job"
echo over >&6
read -r more <&6
check_equal "said once" over "$more"
check_equal "nobody is missed" "" "$(hactor run -n 4 sh ranks.sh all 2>&1)"
check_equal "a good one" "" "$(LD_PRELOAD=$scratch/good/libmpi.so.40.20.2 hactor run -n 2 sh ranks.sh all 2>&1)"
output=$(hactor run -n 2 --env=LD_PRELOAD="$scratch/faulty/libmpi.so.40.20.1" sh ranks.sh all 2>&1)
check_contains "$output" "Open MPI 4.0.1"
check_contains "$output" "4.0.2 or later"
check_equal "said once" 1 "$(echo "$output" | grep -c 'Open MPI 4.0.1')"
# Of a script's program as well.
output=$(hactor run -n 2 sh -c "LD_PRELOAD=$scratch/faulty/libmpi.so.40.20.1 sh ranks.sh all; :" 2>&1)
check_contains "$output" "Open MPI 4.0.1"
END
instance -S resource.fake=nodes=1,cores=8 -S exec.mpi_patience=0 <<'END'
# On one node: the job that asks for it ends.
fails_with 1 deadline 30 hactor run -n 3 -O mpi-timeout=1s sh ranks.sh some
check_contains "$output" "rank 0 of 3 called MPI_Init, and ranks 1-2 did not when mpi-timeout was over"
check_equal "all come" "" "$(hactor run -n 3 -O mpi-timeout=20s sh ranks.sh all 2>&1)"
fails_with 1 hactor submit -O mpi-timeout=soon true
check_contains "$output" "mpi-timeout: must be a duration"
check_equal "never" "" "$(hactor run -n 2 sh -c '[ "$HACTOR_TASK_RANK" = 1 ] || sh ranks.sh all' 2>&1)"
END
# Nodes of which nobody comes: the broker to which the others' parts have come says so.
cat >nodes.sh <<'END'
. "$HACTOR_TEST_LIB"
mkfifo late told
exec 5<>late 6<>told
hactor run -N 3 -n 3 sh ranks.sh meet 2>told & job=$!
read -r note <&6
check_contains "$note" "tasks have called MPI_Init, and not all of those on broker 1 ($(uname -n)) within 1s"
echo go >&5
wait "$job"
check_equal "all meet" "" "$(echo go >&5; hactor run -N 3 -n 3 -O mpi-timeout=20s sh ranks.sh meet 2>&1)"
fails_with 1 deadline 30 hactor run -N 3 -n 3 -O mpi-timeout=500ms sh ranks.sh meet
check_contains "$output" "not all of those on broker 1 ($(uname -n)) when mpi-timeout was over after the first"
END
deadline 60 hactor start -s 3 -S exec.mpi_patience=1s sh nodes.sh
