# Who follows something silent notices that nobody reads on, and ends; a job that is run goes on until
# it writes, as in a pipeline of the shell.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
id=$(hactor submit sh -c 'echo first; exec sleep 300')
hactor job wait-event -q "$id" start
deadline 10 sh -c 'hactor events --since 0 | head -1' >line
check_contains "$(cat line)" "submit"
deadline 10 sh -c 'hactor job eventlog -F "$1" | head -1' sh "$id" >line
check_contains "$(cat line)" "submit"
check_equal "attach" first "$(deadline 10 sh -c 'hactor job attach "$1" | head -1' sh "$id")"
check_equal "exec" tick "$(deadline 10 sh -c \
  'hactor exec -r 0 sh -c "while :; do echo tick; sleep 0.1; done" | head -1')"
check_contains "$(deadline 10 sh -c 'hactor ping -i 0.1 broker | head -1')" "seq=0"
check_equal "submit --watch" tick "$(deadline 10 sh -c \
  'hactor submit --quiet --watch -J ticks sh -c "while :; do echo tick; sleep 0.1; done" | head -1')"
hactor cancel $(hactor jobs -n --name=ticks -o '{id}')
for command in "ping -i 0.1 broker" "exec -r 0 sh -c 'while :; do echo tick; sleep 0.1; done'"; do
  fails_with 1 deadline 10 sh -c "hactor $command >/dev/full"
  check_contains "$output" "standard output: No space left on device"
done
mkfifo pipe
{ hactor events >pipe || echo $? >code; } & follower=$!
: <pipe
wait "$follower"
check_equal "exit code of a follower whose reader has gone" 141 "$(cat code)"
hactor run sh -c 'echo one; sleep 0.5; echo done >finished' | head -1 >line
for _ in $(seq 100); do [ -e finished ] && break; sleep 0.05; done
test -e finished
END
