# After kill -9 of everything a start on the state directory has each value that was acknowledged,
# and its namespaces; without a state directory there is nothing.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

run_folder_stays=1 # nobody is left to remove it
mkfifo uri
for round in 1 2 3; do
  $(launch_words) hactor-start --statedir="$scratch/state" -- sh -c 'echo $HACTOR_URI >uri; sleep 1000' </dev/null &
  instance=$!
  read -r HACTOR_URI <uri
  export HACTOR_URI
  [ "$round" -eq 1 ] && hactor kvs namespace create kept gone && hactor kvs namespace remove gone
  head -c 300000 /dev/urandom >"bytes.$round"
  hactor kvs put -r "blob.$round=-" <"bytes.$round"
  hactor kvs put -N kept "round=$round"
  # One writes until it is cut off, and says how far it was told that all is well.
  (for i in $(seq 1000000); do
    hactor kvs put -A "log.$round=$i " && echo "$i" >>"acknowledged.$round" || exit
  done 2>/dev/null) &
  writer=$!
  hactor kvs get --waitcreate --watch --count=20 "log.$round" >/dev/null
  kill -9 "$writer" $(left_processes) 2>/dev/null || true
  wait "$instance" "$writer" 2>/dev/null || true
  unset HACTOR_URI
done
instance --statedir="$scratch/state" <<'END'
for round in 1 2 3; do
  hactor kvs get --raw "blob.$round" | cmp - "bytes.$round" || fail "blob.$round has changed"
  acknowledged=$(tail -n1 "acknowledged.$round")
  log=$(hactor kvs get "log.$round")
  check_equal "the log from its beginning" "$(echo $(seq "$(echo $log | wc -w)"))" "$(echo $log)"
  [ "$(echo $log | wc -w)" -ge "$acknowledged" ] || fail "acknowledged $acknowledged, found $log"
done
check_equal "another namespace" 3 "$(hactor kvs get -N kept round)"
check_equal "namespaces" "kept primary" "$(echo $(hactor kvs namespace list | awk 'NR > 1 { print $1 }'))"
END
instance <<'END'
check_equal "without a state directory" "" "$(hactor kvs ls)"
END
