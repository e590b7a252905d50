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
mkfifo pipe
{ hactor events >pipe || echo $? >code; } & follower=$!
: <pipe
wait "$follower"
check_equal "exit code of a follower whose reader has gone" 141 "$(cat code)"
hactor run sh -c 'echo one; sleep 0.5; echo done >finished' | head -1 >line
for _ in $(seq 100); do [ -e finished ] && break; sleep 0.05; done
test -e finished
END
