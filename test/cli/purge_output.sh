# What forgotten jobs wrote goes from the disk, on every rank, by purge and by retention, after a
# restart and with the end of a nested instance; what others wrote stays.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

instance --statedir="$scratch/state" <<'END'
N=$(hactor getattr size)
state=$HACTOR_TEST_SCRATCH/state
kilobytes() { du -sk "$state"/output.* | awk '{ sum += $1 } END { print sum }'; }
is_small() { [ "$(kilobytes)" -lt 2000 ]; }
kept=$(hactor submit --wait -N "$N" echo hello)
check_equal "bytes" 80000000 "$(hactor run head -c 80000000 /dev/zero | wc -c)"
hactor run -N "$N" head -c 5000000 /dev/zero >/dev/null
[ "$(kilobytes)" -gt 80000 ] || fail "nothing was written: $(kilobytes) KB"
hactor jobs -a -n -o '{id}' | grep -v "$kept" >ids
hactor purge --quiet $(cat ids)
eventually 20 is_small
check_equal "the one that stays" "$N" "$(hactor job attach "$kept" | grep -c '^hello$')"
check_equal "another" again "$(hactor run echo again)"

# A nested instance takes along what its jobs have written.
deadline 30 hactor batch -N1 --wrap "hactor run head -c 9000000 /dev/zero >/dev/null" >id
deadline 30 hactor job wait "$(cat id)"
eventually 20 is_small

# For the next one.
hactor submit --quiet --wait -N "$N" head -c 9000000 /dev/zero
[ "$(kilobytes)" -gt 8000 ] || fail "nothing was written: $(kilobytes) KB"
END
instance --statedir="$scratch/state" <<'END'
state=$HACTOR_TEST_SCRATCH/state
is_small() { [ "$(du -sk "$state"/output.* | awk '{ sum += $1 } END { print sum }')" -lt 2000 ]; }
! is_small || fail "the restart has lost output"
check_contains "$(hactor job attach "$(hactor jobs -a -n -o '{id}' | tail -1)")" hello
hactor purge --quiet --all
eventually 20 is_small
END
instance --statedir="$scratch/other" -S retention.count=3 <<'END'
state=$HACTOR_TEST_SCRATCH/other
is_small() { [ "$(du -sk "$state"/output.* | awk '{ sum += $1 } END { print sum }')" -lt 2000 ]; }
check_equal "bytes" 70000000 "$(hactor run head -c 70000000 /dev/zero | wc -c)"
for i in 1 2 3 4 5; do
  last=$(hactor submit --wait echo $i)
done
eventually 20 is_small
check_equal "the newest" 5 "$(hactor job attach "$last")"
END

[ "$(id -u)" = 0 ] || exit 0 # to mount a small file system
mkdir small
mount -t tmpfs -o size=20m none small 2>/dev/null || exit 0
on_end='umount -l "$scratch/small"'
instance --statedir="$scratch/small" -S exec.kill_timeout=1s <<'END'
little_used() { [ "$(df -k --output=used "$HACTOR_TEST_SCRATCH/small" | tail -1)" -lt 6000 ]; }
hactor submit --quiet --wait echo before
for try in 1 2; do
  id=$(hactor submit head -c 100000000 /dev/zero)
  eventually 20 sh -c 'hactor dmesg | grep -q "output: "'
  hactor cancel "$id" || true
  code=0
  deadline 20 hactor job wait "$id" || code=$?
  [ "$code" != 124 ] || fail "the job has no end"
  eventually 20 sh -c "hactor jobs -a -n -o '{id} {result}' | grep -q \"$id CANCELED\""
  hactor purge --quiet --all
  check_equal "afterwards" hello "$(deadline 20 sh -c 'until hactor run echo hello 2>/dev/null; do sleep 0.1; done')"
  eventually 20 little_used
done
END
