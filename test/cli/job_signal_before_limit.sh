# --signal warns the tasks some time before the time limit; the job may end by itself then.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance <<'END'
id=$(hactor submit -n 1 -t 30s --signal=USR2@26s sh -c \
  'trap "echo warned; exit 7" USR2; while :; do sleep 0.1; done')
fails_with 7 deadline 25 hactor job attach "$id"
check_contains "$output" warned
check_equal "no exception" 0 "$(hactor job eventlog "$id" | grep -c exception || true)"
# Who does not care runs into the limit.
id=$(hactor submit -t 4s --signal=TERM@1s sh -c 'trap "" TERM; while :; do sleep 0.1; done')
fails_with 142 deadline 20 hactor job status "$id"
check_equal "ended by" TIMEOUT "$(hactor jobs -n -o '{status}' "$id")"
fails_with 1 hactor submit --signal=USR1@10s true
check_contains "$output" "--signal needs --time-limit"
hactor submit --dry-run true | sed 's/"system":{/"system":{"shell":{"options":{"signal":{"signum":99}}},/' >spec
fails_with 1 hactor job submit spec
check_contains "$output" "attributes.system.shell.options.signal: must be 1, or a mapping with signum"
END
