# A job whose output finds no room on the disk waits for some; a cancel ends it all the same, and its
# record says what was lost. A plugin that writes waits as well, and is not blamed for it.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

[ "$(id -u)" = 0 ] || skip "needs root, to mount a small file system"
mkdir -p state/output.0
mount -t tmpfs -o size=1m,mode=700 none state/output.0 2>/dev/null ||
  skip "this machine lets nobody mount a file system"
on_end='umount -l "$scratch/state/output.0"'
instance --statedir "$scratch/state" -S exec.kill_timeout=1s <<'END'
output=$HACTOR_TEST_SCRATCH/state/output.0
writer() { hactor submit sh -c 'head -c "$1" /dev/zero' - "$bytes"; }
no_room() { hactor stuck "$id" | grep -q ' disk'; } # the log says so once, not for each job
for bytes in 3000000 40000000; do # the larger one waits in write(2), too
  id=$(writer)
  hactor job wait-event -q "$id" start
  eventually 20 no_room
  check_equal "it waits" R "$(hactor jobs -n -o '{status_abbrev}' "$id")"
  hactor cancel "$id"
  code=0
  deadline 30 hactor job status "$id" || code=$?
  check_equal "result" CANCELED "$(hactor jobs -n -o '{result}' "$id")"
  log=$(hactor job eventlog "$id")
  check_contains "$log" 'type="output"'
  check_contains "$log" "the disk is full"
  check_contains "$log" "lost"
done
# Who cancels twice has no patience.
bytes=3000000
id=$(writer)
hactor job wait-event -q "$id" start
hactor cancel "$id"
hactor cancel "$id" || true
code=0
deadline 30 hactor job status "$id" || code=$?
check_equal "result" CANCELED "$(hactor jobs -n -o '{result}' "$id")"
# What they wrote that has no index is in the way: with room the next ones are well.
mount -o remount,size=16m "$output"
check_equal "another" hello "$(deadline 20 hactor run echo hello)"
END

[ -x "$HACTOR_TEST_BUILD/lib/hactor/hactor-plugins" ] || exit 0 # hactor was built without Lua
mkdir -p more/output.0
mount -t tmpfs -o size=1m,mode=700 none more/output.0
on_end='umount -l "$scratch/state/output.0" "$scratch/more/output.0"'
instance --statedir "$scratch/more" -S exec.kill_timeout=1s -S exec.plugin_timeout=2s <<'END'
id=$(hactor submit -O plugins="$HACTOR_TEST_BUILD/lib/shell_probe.so:{\"flood\":\"shell.start\"}" true)
deadline 20 sh -c 'until hactor dmesg | grep -q "output: "; do sleep 0.1; done'
fails_with 1 hactor job wait-event -t 4 "$id" exception
check_contains "$output" "there was no 'exception' within 4"
check_equal "it waits" R "$(hactor jobs -n -o '{status_abbrev}' "$id")"
broker=$(grep -ls '^hactor-io$' $(left_processes | sed 's,.*,/proc/&/task/[0-9]*/comm,') | head -1 | cut -d/ -f3)
peak=$(awk '/^VmHWM/ { print $2 }' "/proc/$broker/status")
[ "$peak" -lt 200000 ] || fail "the broker has had $peak KB"
hactor cancel "$id"
deadline 30 hactor job wait-event "$id" clean >/dev/null
END
