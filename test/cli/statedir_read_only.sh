# A state directory that cannot be written is refused at the start, with its name.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

echo file >file
fails_with 1 hactor-start --statedir="$scratch/file" true
check_contains "$output" "$scratch/file"
fails_with 1 hactor-start --statedir=/proc/state true
check_contains "$output" "/proc/state"
[ "$(id -u)" = 0 ] || { mkdir -m 555 closed && fails_with 1 hactor-start --statedir="$scratch/closed" true; exit 0; }
mkdir fixed
mount -t tmpfs -o ro none fixed 2>/dev/null || skip "this machine lets nobody mount a file system"
on_end='umount -l "$scratch/fixed"'
for folder in fixed fixed/deeper; do
  fails_with 1 hactor-start --statedir="$scratch/$folder" true
  check_contains "$output" "$scratch/$folder"
  check_contains "$output" "Read-only file system"
done
fails_with 1 hactor-start --rundir="$scratch/fixed/run" true
check_contains "$output" "$scratch/fixed/run"
