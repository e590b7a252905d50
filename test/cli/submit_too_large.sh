# More than the instance can ever hold is refused at submit, with what there is.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
fails_with 1 hactor submit -n 100000 true
check_contains "$output" "100000"
check_contains "$output" "room for"
fails_with 1 hactor submit -N 100 true
check_contains "$output" "100 whole nodes"
check_contains "$output" "-N on how many nodes"
check_lacks "$output" oversubscribe
fails_with 1 hactor submit -c 9999 true
check_contains "$output" "9999"
fails_with 1 hactor submit -n 1 -g 77 true
check_contains "$output" "gpu"
fails_with 1 hactor run -n 100000 true
check_contains "$(hactor uptime)" "0 waiting, 0 running, 0 cleaning up, 0 ended"
fails_with 1 hactor submit -N 1 -n 9999 true
if [ "$(hactor resource list -n -o '{nnodes}' | head -1 | tr -d ' ')" -gt 1 ]; then # one host is all
  check_contains "$output" "'hactor start --oversubscribe'"
else
  check_lacks "$output" oversubscribe
fi
END
