# Who cannot take part in an instance over TCP ends with an error that says why; never as an instance of its own.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"
. "${HACTOR_TEST_LIB%/*}/tcp_lib.sh"

refused() { # PART OPTION...
  part=$1
  shift
  fails_with 1 deadline 30 hactor-start -S transport=tcp "$@" -S transport.start_timeout=1s -- touch ran
  check_contains "$output" "$part"
  [ ! -e ran ] || fail "the script ran"
}
port=$(free_port)
here=$(hostname)
meeting="-S transport.rendezvous=127.0.0.1:$port -S transport.size=2 -S transport.key=key"

refused "transport.hosts=HOSTLIST"
refused "$here, is not in transport.hosts=no-such-host[1-3]" -S 'transport.hosts=no-such-host[1-3]'
printf '%s\n' '# hosts' no-such-host7 >hosts
refused "no-such-host7" -S transport.hosts=./hosts
refused "./none" -S transport.hosts=./none
refused "transport.rank=0 or 1" -S "transport.hosts=$here,$here"
refused "1 of 2 missing: no-such-host7" -S "transport.hosts=$here,no-such-host7" -S "transport.port=$port" -S transport.key=key
refused "HOST:PORT" -S transport.rendezvous=here -S transport.size=2
refused "transport.size=N" -S transport.rendezvous=here:1
refused "name the host of rank 0" -S "transport.rendezvous=0.0.0.0:$port" -S transport.size=2
refused "1 of 2 missing" $meeting
refused "127.0.0.1:$port could not be reached within 1 s" $meeting -S transport.rank=1
refused "ranks 0 to 1" $meeting -S transport.rank=2
refused "only one of them" $meeting --mpi=mpich
rm key
refused "copy it from 127.0.0.1" $meeting -S transport.rank=1
chmod 755 .
head -c 32 /dev/urandom >key && chmod 644 key
refused "chmod 600" $meeting
chmod 600 key && head -c 31 /dev/urandom >key
refused "a key has 32" $meeting
fails_with 2 hactor-start -S transport=udp true
check_contains "$output" "mpi|tcp"

# Who waits for hosts that do not come can be ended by a signal.
head -c 32 /dev/urandom >key
hactor-start $meeting -S transport=tcp touch ran 2>said &
waiting=$!
deadline 20 sh -c 'until ss -ltn | grep -q ":$0 "; do sleep 0.1; done' "$port"
kill -TERM $waiting
code=0
wait $waiting || code=$?
check_equal "exit code of the interrupted one" 1 "$code"
check_contains "$(cat said)" "a signal came"

# Another key than the lead's, and a lead for another number of brokers.
head -c 32 /dev/urandom >key
cp key good && head -c 32 /dev/urandom >bad && chmod 600 good bad
tcp() { # SIZE RANK KEY
  fails_with 1 deadline 30 hactor-start -S transport=tcp -S "transport.rendezvous=127.0.0.1:$port" \
    -S "transport.size=$1" -S "transport.rank=$2" -S "transport.key=$3" -S transport.start_timeout=10s touch ran
}
deadline 40 hactor-start -S transport=tcp -S "transport.rendezvous=127.0.0.1:$port" -S transport.size=2 \
  -S transport.rank=0 -S transport.key=good --oversubscribe sh -c 'exit 4' 2>lead.said &
lead=$!
tcp 2 1 bad
check_contains "$output" "another key"
tcp 3 1 good
check_contains "$output" "started for 3 brokers"
tcp 2 0 good
check_contains "$output" "in use"
# After all that the instance comes up.
deadline 30 hactor-start -S transport=tcp -S "transport.rendezvous=127.0.0.1:$port" -S transport.size=2 \
  -S transport.key=good --oversubscribe true 2>said || fail "the right one was refused: $(cat said)"
code=0
wait $lead || code=$?
check_equal "exit code of the lead, which said: $(cat lead.said)" 4 "$code"
[ ! -e ran ] || fail "a script ran that must not"
