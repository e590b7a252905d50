# After kill -9 of everything, a start on the state directory has each acknowledged job as it was.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

run_folder_stays=1 # nobody is left to remove it
mkfifo uri
$(launch_words) hactor-start --statedir="$scratch/state" -- sh -c 'echo $HACTOR_URI >uri; sleep 1000' </dev/null &
instance=$!
read -r HACTOR_URI <uri
export HACTOR_URI
good=$(hactor submit sh -c 'echo kept') && hactor job status "$good"
bad=$(hactor submit sh -c 'exit 3') && fails_with 3 hactor job status "$bad"
cores=$(hactor resource list -n -o '{ncores}' | head -1 | tr -d ' ')
running=$(hactor submit -n "$cores" sleep 1000) && hactor job wait-event -q "$running" start
waiting=$(hactor submit -n "$cores" sh -c 'echo again')
hactor submit --cc=1-300 true >many
kill -9 $(left_processes) 2>/dev/null || true # one may be gone by now
wait "$instance" || true
unset HACTOR_URI
export good bad running waiting
instance --statedir="$scratch/state" <<'END'
result() { hactor jobs -n -o '{result} {returncode}' "$1"; }
check_equal "finished well" "COMPLETED 0" "$(result "$good")"
check_equal "finished badly" "FAILED 3" "$(result "$bad")"
check_equal "its output" kept "$(hactor job attach "$good")"
check_contains "$(hactor job eventlog "$running" | grep exception)" lost
fails_with 1 hactor job status "$running"
hactor job status "$waiting" $(cat many)
check_contains "$(hactor job attach "$waiting")" again
check_equal "known" 304 "$(hactor jobs -a -n -c 0 -o '{id}' | sort -u | wc -l)"
hactor job status "$(hactor submit true)"
END
