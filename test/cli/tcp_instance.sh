# Three brokers without any MPI meet by TCP: jobs run on all, the exit status arrives, and the key is made.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"
. "${HACTOR_TEST_LIB%/*}/tcp_lib.sh"

tcp_instance 3 <<'END'
check_equal size 3 "$(hactor getattr size)"
check_equal transport tcp "$(hactor getattr transport)"
check_equal "supervisors that ran a command" 3 "$(hactor exec -r all sh -c 'echo $PPID' | sort -u | wc -l)"
hactor submit --cc=1-200 sh -c 'echo {cc}' >ids
hactor job status -e 0 $(cat ids)
check_equal "output" 1 "$(hactor job attach "$(head -n 1 ids)")"
fails_with 9 hactor run -N 3 sh -c 'exit 9'
# A megabyte from each rank comes whole through the sockets.
hactor run -N 3 sh -c 'head -c 1000000 /dev/zero | tr "\0" x' | wc -c >count
check_equal "bytes of output" 3000000 "$(cat count)"
check_contains "$(hactor ping -r 2 -c 1 broker)" "time="
exit 5
END
check_equal "exit code of rank 0, which said: $output" 5 "$found"
for r in 1 2; do
  check_equal "exit code of rank $r, which said: $(cat said.$r)" 0 "$(cat code.$r)"
done
check_equal "the key's mode and size" "600 32" "$(stat -c '%a %s' key)"

# Nobody is told its rank: the first who comes leads, and only one runs the script.
run_free() {
  deadline 40 hactor-start -S transport=tcp -S "transport.rendezvous=127.0.0.1:$port" -S transport.size=2 \
    -S "transport.key=$scratch/key" --oversubscribe -- sh -c 'hactor run -N 2 echo ran'
}
run_free >one 2>said.one &
other=$!
code=0
run_free >two 2>said.two || code=$?
wait $other || code=$?
check_equal "exit code of two equal brokers, who said: $(cat said.one said.two)" 0 "$code"
check_equal "lines of the one script" 2 "$(cat one two | grep -c '^ran$')"
