# On a full disk scheduling pauses, the message names it, and what was acknowledged is there.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

[ "$(id -u)" = 0 ] || skip "needs root, to mount a small file system"
mkdir small
mount -t tmpfs -o size=2m none small 2>/dev/null || skip "this machine lets nobody mount a file system"
on_end='umount -l "$scratch/small"'
instance --statedir="$scratch/small" <<'END'
submit() {
  deadline 3 hactor submit --cc=1-20 --env=BIG="$(head -c 3000 /dev/urandom | base64 -w0)" \
    --setattr=exec.test.run_duration=0 true
}
: >ids
for i in $(seq 400); do
  submit >>ids 2>/dev/null || break # the one that meets the full disk may have to wait for room
done
fails_with 1 submit
check_contains "$output" "$scratch/small"
check_contains "$(deadline 10 hactor uptime)" "paused"
END
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
