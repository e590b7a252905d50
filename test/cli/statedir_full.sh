# On a full disk jobs are refused with its name, what was acknowledged is there, the end comes soon,
# and when there is room again the instance goes on by itself.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

[ "$(id -u)" = 0 ] || skip "needs root, to mount a small file system"
mkdir small
mount -t tmpfs -o size=2m none small 2>/dev/null || skip "this machine lets nobody mount a file system"
on_end='umount -l "$scratch/small"'
instance --statedir="$scratch/small" <<'END'
submit() {
  deadline 20 hactor submit --cc=1-20 --env=BIG="$(head -c 3000 /dev/urandom | base64 -w0)" \
    --setattr=exec.test.run_duration=0 true
}
: >ids
full=
for i in $(seq 400); do
  submit >>ids 2>said || { full=yes; break; }
done
check_equal "the disk was filled" yes "$full"
check_contains "$(cat said)" "$scratch/small"
check_contains "$(cat said)" "make room"
fails_with 1 submit
check_contains "$output" "no job is taken in"
check_contains "$output" "$scratch/small"
check_contains "$(deadline 10 hactor uptime)" "paused"
check_equal "lines that say so" 1 "$(hactor dmesg | grep -c 'no job is taken in')"
date +%s >ends
END
took=$(($(date +%s) - $(cat ends)))
[ "$took" -le 10 ] || fail "the end took $took s"
test -s ids
dd if=/dev/zero of=small/filler bs=4k 2>/dev/null || true
fails_with 1 hactor-start --statedir="$scratch/small/deeper" true
check_contains "$output" "$scratch/small"
rm small/filler
mkdir large
cp small/* large/ 2>/dev/null || cp -r small/. large/
instance --statedir="$scratch/large" <<'END'
hactor jobs -a -n -c 0 -o '{id}' >listed
sort ids >wanted
sort listed | comm -23 wanted - >missing
check_equal "acknowledged and missing" "" "$(cat missing)"
END

# Room comes back while the instance runs.
mkdir again
mount -t tmpfs -o size=4m none again
on_end="$on_end; umount -l \"$scratch/again\""
instance --statedir="$scratch/again" <<'END'
head -c 10m /dev/zero >"$HACTOR_TEST_SCRATCH/again/filler" 2>/dev/null || true
big() { hactor submit --env=BIG="$(head -c 60000 /dev/urandom | base64 -w0)" true; }
for i in $(seq 50); do
  big >/dev/null 2>&1 || break
done
fails_with 1 big
check_contains "$(hactor uptime)" "paused"
rm "$HACTOR_TEST_SCRATCH/again/filler"
for i in $(seq 100); do
  case $(hactor uptime) in *paused*) sleep 0.1 ;; *) break ;; esac
done
check_contains "$(hactor dmesg)" "the disk has room again"
deadline 20 hactor run true
END
