# What the tests of instances over TCP share; sourced behind lib.sh. All brokers are processes of this machine.
# SPDX-License-Identifier: LGPL-3.0-or-later

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# One broker of an instance of SIZE that meets at $port, in the foreground.
tcp_broker() { # SIZE RANK [OPTION...] [--] COMMAND...
  size=$1 rank=$2
  shift 2
  deadline 50 hactor-start -S transport=tcp -S "transport.rendezvous=127.0.0.1:$port" \
    -S "transport.size=$size" -S "transport.rank=$rank" -S "transport.key=$scratch/key" \
    -S transport.start_timeout=20s --oversubscribe "$@"
}

# Runs the lines of standard input as the script of a new instance over TCP; its exit code is in
# $found, what it said in $output, those of the others in code.RANK and said.RANK.
tcp_instance() { # SIZE [OPTION...]
  n=$1
  shift
  port=$(free_port)
  { echo '. "$HACTOR_TEST_LIB"' && cat; } >"$scratch/script"
  others=
  for r in $(seq $((n - 1))); do
    {
      code=0
      tcp_broker "$n" "$r" "$@" -- sh "$scratch/script" >"said.$r" 2>&1 </dev/null || code=$?
      echo "$code" >"code.$r"
    } &
    others="$others $!"
  done
  found=0
  output=$(tcp_broker "$n" 0 "$@" -- sh "$scratch/script" 2>&1 </dev/null) || found=$?
  wait $others
}
