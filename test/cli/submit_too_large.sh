# More than the instance can ever hold is refused at submit, with what there is.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
fails_with 1 hactor submit -n 100000 true
check_contains "$output" "100000"
check_contains "$output" "room for"
fails_with 1 hactor submit -N 100 true
check_contains "$output" "100 whole nodes"
fails_with 1 hactor submit -c 9999 true
check_contains "$output" "9999"
fails_with 1 hactor submit -n 1 -g 77 true
check_contains "$output" "gpu"
fails_with 1 hactor run -n 100000 true
check_contains "$(hactor uptime)" "0 waiting, 0 running, 0 cleaning up, 0 ended"
END
