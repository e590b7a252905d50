# --signal of a job that holds an instance is for what runs in it, to any depth, and not for its
# script, which knows of no trap; with B: it is for the script alone. Who listens is ready before the
# limit is moved so that the warning is due.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

mkdir marks
export MARKS=$scratch/marks
cat >listen.sh <<'END' # NAME: says which signals come, until USR2
trap 'echo USR1 >>"$MARKS/$1.got"' USR1
trap 'echo USR2 >>"$MARKS/$1.got"; exit 0' USR2
: >"$MARKS/$1.ready"
while :; do sleep 0.1; done
END
cat >inner.sh <<'END'
set -e
id=$(hactor submit sh "$SCRATCH/listen.sh" inner)
hactor job wait "$id"
: >"$MARKS/inner.over"
END
cat >outer.sh <<'END'
#!/bin/sh
set -e
hactor run sh "$SCRATCH/listen.sh" run &
id=$(hactor submit sh "$SCRATCH/listen.sh" submit)
inner=$(hactor submit hactor start sh "$SCRATCH/inner.sh")
echo "$inner" >"$MARKS/inner.id"
: >"$MARKS/outer.ready"
hactor job wait "$id" "$inner"
wait
echo "the script is over"
END
cat >told.sh <<'END'
#!/bin/sh
trap 'echo "the script is told"; told=1' USR1
id=$(hactor submit sh "$SCRATCH/listen.sh" other)
: >"$MARKS/told.ready"
hactor job wait "$id" & waits=$!
while [ -z "${told:-}" ]; do sleep 0.1; done
hactor job kill -s USR2 "$id"
wait $waits && echo "and what it waits in is not"
END
export SCRATCH=$scratch
instance -S resource.fake=nodes=2,cores=4 <<'END'
ready() {
  for name in "$@"; do
    [ -e "$MARKS/$name.ready" ] || return 1
  done
}
got() { # SIGNAL NAME...
  signal=$1
  shift
  for name in "$@"; do
    grep -qs "$signal" "$MARKS/$name.got" || return 1
  done
}
id=$(hactor batch -n 3 -t 2000s --signal=USR1@1000s -o out "$SCRATCH/outer.sh")
eventually 30 ready outer run submit inner
hactor update "$id" duration=1001s
eventually 20 got USR1 run submit inner
inner=$(cat "$MARKS/inner.id")
hactor proxy "$id" hactor job kill -s USR2 $(hactor proxy "$id" hactor jobs -n -o '{id}' | grep -v "$inner")
hactor proxy "$id/$inner" hactor job killall -f -s USR2
deadline 30 hactor job wait "$id"
check_contains "$(cat out)" "the script is over"
[ -e "$MARKS/inner.over" ] || fail "the inner script did not get to its end"
for name in run submit inner; do
  check_equal "signals of $name" "USR1 USR2" "$(echo $(cat "$MARKS/$name.got"))"
done
check_contains "$(hactor dmesg)" "job $id: its time is nearly over: signal 10 to all that runs in its instance"

id=$(hactor batch -n 2 -t 2000s --signal=B:USR1@1000s -o told "$SCRATCH/told.sh")
eventually 30 ready told other
hactor update "$id" duration=1001s
deadline 30 hactor job wait "$id"
check_contains "$(cat told)" "the script is told"
check_contains "$(cat told)" "and what it waits in is not"
check_equal "signals of the other" USR2 "$(cat "$MARKS/other.got")"
check_contains "$(hactor dmesg)" "job $id: its time is nearly over: signal 10 to its script"

# Without an instance it is for the tasks, B: or not.
id=$(hactor submit -n 2 -t 2000s --signal=B:USR2@1000s \
  sh -c 'exec sh "$SCRATCH/listen.sh" "plain$HACTOR_TASK_RANK"')
eventually 20 ready plain0 plain1
hactor job wait-event -q "$id" start
hactor update "$id" duration=1001s
deadline 20 hactor job wait "$id"
END
