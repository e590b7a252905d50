# More nodes than there can be brokers: all commands show them, and their R is read again.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance -S resource.fake=nodes=20000,cores=4 <<'END'
check_equal "info" "20000 Nodes, 80000 Cores, 0 GPUs" "$(hactor resource info)"
check_contains "$(hactor resource list -n)" "fake[0-19999]"
hactor resource drain 19990-19999
check_contains "$(hactor resource status -n)" "drained"
id=$(hactor submit -N 19990 --setattr=exec.test.run_duration=60 true)
hactor job wait-event "$id" start >/dev/null
check_equal "its nodes" "fake[0-19989]" "$(hactor jobs -n -o '{nodelist}' "$id")"
hactor resource R >r.json
fails_with 0 hactor graph load -L r.json -f rv1exec
check_contains "$output" "100001 vertices"
END
fails_with 2 start -S resource.fake=nodes=300000 -- true
check_contains "$output" "1 to 262144 nodes"
