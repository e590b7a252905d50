# Ctrl-C on the launcher reaches all ranks; the lead's script decides, and all end together, soon.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

run_folder_stays=1 # Open MPI kills what has not ended within a second
cat >script <<'END'
hactor submit --quiet --cc=1-$1 sh -c 'sleep 1000; :'
for id in $(hactor jobs -n -o '{id}'); do hactor job wait-event -q "$id" start; done
echo ready >up
sleep 1000
END
for signal in INT TERM; do
  rm -f up
  mkfifo up
  $(launch_words) hactor-start -- sh script "$ranks" </dev/null >out 2>&1 &
  instance=$!
  read -r line <up
  check_equal "state" ready "$line"
  kill -s $signal "$instance"
  deadline 20 tail --pid="$instance" -f /dev/null || fail "SIG$signal: hangs: $(cat out)"
  check_lacks "$(cat out)" "could be ended within"
done
