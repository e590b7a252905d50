# An instance within a job ends with it, and so do its jobs: all that asks how long there is left is
# told so, at every level, and hears of it when the job's limit is changed.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

cat >inner.sh <<'END'
. "$HACTOR_TEST_LIB"
within() { # WHAT SECONDS
  case $2 in '' | *[!0-9]*) fail "$1: found '$2'" ;; esac
  [ "$2" -gt 0 ] && [ "$2" -le 300 ] || fail "$1: $2 s"
}
check_contains "$(hactor resource R)" '"expiration":'
within "this script" "$(hactor job timeleft)"
within "a job" "$(hactor run hactor job timeleft)"
within "a job with a limit" "$(hactor run -t 200s hactor job timeleft)"
within "a grandchild's script" "$(hactor run hactor start hactor job timeleft)"
within "its job" "$(hactor run hactor start hactor run hactor job timeleft)"
fails_with 1 hactor run -t 1000s true
check_contains "$output" "this instance lasts 5m in all"
# The end that there is can be warned of, at once when it is nearer than that.
code=0
deadline 20 hactor run --signal=USR1@299s sh -c 'trap "exit 7" USR1; while :; do sleep 0.1; done' ||
  code=$?
case $code in
  7 | 138) ;; # 128 + SIGUSR1: it came before the trap was set
  *) fail "a warned job ended with $code" ;;
esac
END
export INNER=$scratch/inner.sh

instance -S resource.fake=nodes=2,cores=2 <<'END'
hactor run -N 1 -t 300s hactor start sh "$INNER"
fails_with 2 hactor job timeleft
hactor run hactor start sh -c 'test "$(hactor job timeleft)" = infinity'

# What the job is given more, all within it have, to any depth.
id=$(hactor submit -N 1 -t 45s hactor start --serve)
hactor job wait-event -q "$id" memo
inner=$(hactor proxy "$id" hactor submit hactor start --serve)
hactor proxy "$id" hactor job wait-event -q "$inner" memo
job=$(hactor proxy "$id/$inner" hactor submit sleep 1000)
hactor proxy "$id/$inner" hactor job wait-event -q "$job" start
left() { hactor proxy "$1" hactor job timeleft "$2"; }
[ "$(left "$id/$inner" "$job")" -le 45 ]
hactor update "$id" duration=1h
has_more() { [ "$(left "$@")" -gt 3000 ]; }
eventually 20 has_more "$id" "$inner"
eventually 20 has_more "$id/$inner" "$job"
check_contains "$(hactor proxy "$id/$inner" hactor job eventlog "$job")" resource-update
hactor cancel "$id"
fails_with 1 hactor job wait "$id"

# Brokers of its own know it as they start, and hear of it too, with all within.
hactor run -t 300s hactor start --boot=mpi sh -c '[ "$(hactor run hactor job timeleft)" -le 300 ]'
id=$(hactor submit -N 1 -t 400s hactor start --boot=mpi sleep 1000)
hactor job wait-event -q "$id" memo
inner=$(hactor proxy "$id" hactor submit hactor start --serve)
hactor proxy "$id" hactor job wait-event -q "$inner" memo
job=$(hactor proxy "$id/$inner" hactor submit sleep 1000)
hactor proxy "$id/$inner" hactor job wait-event -q "$job" start
[ "$(left "$id/$inner" "$job")" -le 400 ]
hactor update "$id" duration=1h
eventually 20 has_more "$id" "$inner"
eventually 20 has_more "$id/$inner" "$job"
check_contains "$(hactor proxy "$id" hactor resource R)" '"expiration":'
[ "$(hactor proxy "$id" hactor run hactor job timeleft)" -gt 3000 ]
# Less, too: then what runs there ends with it.
hactor update "$id" duration=3s
fails_with 1 deadline 30 hactor job wait "$id"
check_contains "$output" Timeout
END
